"""A backup of yesterday opens safely: what waited in it is looked up, and nothing is sent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.sandbox import Sandbox, serve

ROOT = Path(__file__).parents[2]


class Server:
    """A portal of its own, by its commands only."""

    def __init__(self, sandbox, folder, database):
        self.env = {
            **os.environ, "PORTAL_DEMO": "1", "VAR_DIR": str(folder), "DATABASE_URL": database,
            "NEXADESK_BASE_URL": sandbox.nexadesk_url, "OUTBOX_SETTLE_SECONDS": "0",
            "KEY": sandbox.key("nexadesk", rate=None), "PASSWORD": "correct horse battery staple",
        }  # fmt: skip
        self.run("migrate", "-v0")
        self.run("create_workspace", "acme", "--name", "Acme", "--owner", "o@acme.example",
                 "--password-env", "PASSWORD")  # fmt: skip
        self.run("connect", "acme", "nexadesk", "--key-env", "KEY")

    def run(self, *words, fails=False, **env):
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.env | env,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert bool(done.returncode) == fails, done.stderr
        return done.stderr if fails else done.stdout

    def python(self, code, **env):
        imports = (
            "import json; from portal.models import *;"
            "from portal.services.leads import create_lead; from portal.services.recovery import *;"
            "from portal.services.sending import send_due;"
        )
        return self.run("shell", "--no-imports", "-c", imports + code, **env)

    def create(self, *names, **env):
        self.python(
            "m = Membership.objects.select_related('workspace', 'user').get();"
            "c = Connection.objects.select_related('workspace').get();"
            "[create_lead(c, {'visitor_name': n}, actor=m, form_id='form-' + n)"
            f" for n in {names}]",
            **env,
        )

    def work(self):
        self.python("Write.objects.update(not_before=None); look_up_due(); send_due()")

    def standing(self):
        told = self.python(
            "print(json.dumps([[w.changes['visitor_name'], w.status]"
            " for w in Write.objects.order_by('id')]))"
        )
        return dict(json.loads(told.splitlines()[-1]))


@pytest.fixture
def sandbox():
    with serve(Sandbox()) as running:
        yield running


@pytest.fixture
def server(sandbox, tmp_path, own_database):
    return Server(sandbox, tmp_path, own_database)


def test_yesterdays_backup_sends_nothing_that_was_sent_since(server, sandbox, tmp_path):
    nobody = {"NEXADESK_BASE_URL": "http://127.0.0.1:9/api"}
    server.create("Sent before")
    server.create("Waiting", "Still waiting", **nobody)
    backup = str(tmp_path / "yesterday.backup")
    server.run("backup", backup)
    sandbox.add_lead(visitor_name="Waiting")  # as if it had been sent since
    before = len(sandbox.requests)

    said = server.run("restore", backup)

    assert "2 writes are in doubt" in said
    assert len(sandbox.requests) == before
    assert server.standing() == {
        "Sent before": "sent", "Waiting": "unknown", "Still waiting": "unknown",
    }  # fmt: skip
    server.work()
    assert server.standing()["Waiting"] == "sent"
    assert server.standing()["Still waiting"] == "queued", "held until somebody releases it"
    assert sandbox.requests.count("POST /leads") == 1

    server.python("Held.objects.all().delete()")
    server.work()
    assert set(server.standing().values()) == {"sent"}
    names = sorted(lead["visitor_name"] for lead in sandbox.leads)
    assert names == ["Sent before", "Still waiting", "Waiting"]


def test_wrong_files_change_nothing(server, tmp_path):
    server.create("Ada")
    wrong = tmp_path / "holiday.jpg"
    wrong.write_bytes(b"\xff\xd8" * 5000)

    said = server.run("restore", str(wrong), fails=True)

    assert "no backup" in said or "Nothing was restored" in said
    assert server.standing() == {"Ada": "sent"}
    server.run("backup", str(tmp_path / "a.backup"))
    assert "exists already" in server.run("backup", str(tmp_path / "a.backup"), fails=True)
    assert (tmp_path / "a.backup").stat().st_mode & 0o077 == 0
