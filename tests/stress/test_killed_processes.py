"""A sync that is killed at its named points, by SIGKILL, ends right when it runs again."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal.sandbox import Sandbox, serve
from portal.sandbox.data.fill import Amounts, fill

ROOT = Path(__file__).parents[2]
# The point, and whether it lies in a check (else in the first copy).
POINTS = [
    ("sync.after_fetch", False),
    ("sync.in_page", False),
    ("sync.after_page", False),
    ("sync.before_complete", False),
    ("sync.in_page", True),
    ("sync.in_gone", True),
    ("sync.after_gone", True),
]
# Each point takes five processes: all of them by `make stress`, one of each walk in the suite.
TRIED = POINTS if os.environ.get("CROSSDESK_STRESS") else [POINTS[1], POINTS[5]]


def manage(env, *words):
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def hours_pass(database):
    """The hold of who was killed ends by itself."""
    with sqlite3.connect(database) as rows:
        rows.execute("UPDATE portal_syncstate SET lease_until = NULL")
        day_ago = (datetime.now(UTC) - timedelta(hours=25)).strftime("%Y-%m-%d %H:%M:%S")
        rows.execute("UPDATE portal_lead SET seen_at = ?", [day_ago])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    with serve(Sandbox()) as sandbox:
        fill(sandbox, Amounts(leads=250, contacts=5, conversations=5, dexra_conversations=1))
        env = {
            **os.environ,
            "PORTAL_DEMO": "1",
            "VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder}/killed.sqlite3",
            "NEXADESK_BASE_URL": sandbox.nexadesk_url,
            "KEY": sandbox.key("nexadesk", rate=None),
            "PASSWORD": "correct horse battery staple",
        }
        assert manage(env, "migrate", "-v0").returncode == 0
        yield sandbox, env, folder / "killed.sqlite3"


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("point", "in_check"), TRIED)
def test_a_killed_sync_goes_on_and_ends_right(point, in_check, world):
    sandbox, env, database = world
    with sqlite3.connect(database) as rows:
        rows.execute("PRAGMA foreign_keys=ON")
        rows.execute("UPDATE portal_window SET calls = '[]'")
    slug = f"w{POINTS.index((point, in_check))}"
    new = ("create_workspace", slug, "--name", slug, "--owner", f"o@{slug}.example")
    assert manage(env, *new, "--password-env", "PASSWORD").returncode == 0
    assert manage(env, "connect", slug, "nexadesk", "--key-env", "KEY").returncode == 0
    if in_check:
        assert manage(env, "sync", slug).returncode == 0
        sandbox.delete_lead(sandbox.leads[0]["id"])
        hours_pass(database)
    words = ("sync", slug, *(("--full",) if in_check else ()))

    killed = manage({**env, "CROSSDESK_CRASH_AT": point}, *words)
    hours_pass(database)
    again = manage(env, *words, "--json")

    assert killed.returncode == -signal.SIGKILL
    assert again.returncode == 0, again.stderr
    assert all(report["error"] == "" for report in json.loads(again.stdout))
    with sqlite3.connect(database) as rows:
        found = rows.execute(
            "SELECT upstream_id FROM portal_lead JOIN portal_workspace w ON w.id = workspace_id"
            " WHERE w.slug = ? AND gone_at IS NULL",
            [slug],
        )
        assert {name for (name,) in found} == {lead["id"] for lead in sandbox.leads}
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
