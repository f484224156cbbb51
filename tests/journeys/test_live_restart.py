"""A page left open while its server stops, dies and comes back."""

import base64
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from django.conf import settings as django_settings
from django.db import connection
from playwright.sync_api import expect

from tests.journeys.conftest import session_cookie
from tests.journeys.waiting import open_live


class Deployed:
    """The portal as it is served: gunicorn, on a port that stays the same over restarts."""

    def __init__(self, directory):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (directory / "gunicorn.log").open("ab")
        name = connection.settings_dict["NAME"]
        address = f"sqlite:///{name}"
        if connection.vendor == "postgresql":
            address = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
        ring = ",".join(
            f"{key_id}:{base64.b64encode(key).decode()}"
            for key_id, key in django_settings.PORTAL_KEYRING.items()
        )
        self.environment = os.environ | {
            "DATABASE_URL": address,
            "SECRET_KEY": django_settings.SECRET_KEY,
            "PORTAL_KEYRING": ring,
            "VAR_DIR": str(directory),
            "PUBLIC_URL": self.url,
            "DEBUG": "1",  # static files as they lie here
        }
        self.process = None

    def run(self, *arguments):
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=django_settings.BASE_DIR,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def start(self):
        self.process = self.run(
            "-m", "gunicorn", "portal.wsgi", "--bind", f"127.0.0.1:{self.port}",
            "--worker-class", "gthread", "--workers", "1", "--threads", "32",
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz"):
                return
            time.sleep(0.1)
        raise AssertionError("gunicorn did not start")

    def stop(self):
        """Ask it to stop; return the seconds it took."""
        asked = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=30)
        return time.monotonic() - asked

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)


@pytest.fixture
def deployed(tmp_path, transactional_db):
    portal = Deployed(tmp_path)
    portal.start()
    yield portal
    if portal.process.poll() is None:
        portal.kill()
    portal.log.close()


def test_a_page_outlives_restarts_of_the_server(house, deployed, new_context):
    context = new_context(base_url=deployed.url, reduced_motion="reduce")
    context.add_cookies([session_cookie(house.owner, deployed.url)])
    page = context.new_page()
    lead = house.lead("Petra Novak")
    open_live(page, house.url(lead))
    page.get_by_label("Stage").select_option("qualified")

    assert deployed.stop() < 15  # an open stream would hold up the restart for 30 s
    expect(page.locator("#live")).to_contain_text(re.compile("Reconnecting|Offline"))
    house.sandbox.edit_lead("lead-petra", visitor_company="After the restart")
    house.sync()
    deployed.start()
    expect(page.locator("#live")).to_be_hidden()
    expect(page.locator("#facts")).to_contain_text("After the restart")
    expect(page.get_by_label("Stage")).to_have_value("qualified")

    deployed.kill()
    context.set_offline(True)
    deployed.start()
    house.sandbox.edit_lead("lead-petra", visitor_company="After the kill")
    house.sync()
    page.wait_for_timeout(1_000)
    context.set_offline(False)
    expect(page.locator("#facts")).to_contain_text("After the kill")
    expect(page.get_by_label("Stage")).to_have_value("qualified")
