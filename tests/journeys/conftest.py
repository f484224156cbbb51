"""Stories told in a real Chromium, against the portal and the sandbox on real sockets."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import expect

from portal.live.stream import hub
from portal.models import Connection, Contact, Conversation, Lead, Membership, Workspace
from portal.sandbox import Sandbox
from portal.sandbox.data.fill import Amounts, fill
from portal.web.assets import is_ours, shortened
from tests.journeys.guard import Guard

# Playwright keeps an event loop in this thread; Django would take that for an async view.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

DESK, PHONE = (1440, 900), (390, 844)
# What a database could change: work in the background, news, whole stories. Others are about pages.
ON_BOTH_DATABASES = {
    "test_bulk.py",
    "test_live_pages.py",
    "test_live_restart.py",
    "test_outbox_story.py",
    "test_whole_story.py",
}

# A browser so many times slower than the machine: what only goes well when it is fast shows itself.
SLOWER = float(os.environ.get("CROSSDESK_SLOWER", "1"))

# How long a story waits for what must come. Not how fast it must be: the machine may be busy.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items):
    for item in items:
        if "/journeys/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if item.path.name not in ON_BOTH_DATABASES:
                item.add_marker(pytest.mark.once)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return browser_type_launch_args | {
        "executable_path": os.environ.get("CROSSDESK_CHROMIUM") or "/usr/bin/chromium",
        "args": [
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--disable-quic",
        ],
    }


@pytest.fixture(scope="session")
def served_files(tmp_path_factory):
    """The static files as they are deployed, but by their own names."""
    folder, written = tmp_path_factory.mktemp("static"), django_settings.STATICFILES_DIRS[0]
    for path in filter(Path.is_file, written.rglob("*")):
        name = path.relative_to(written)
        served = folder / name
        served.parent.mkdir(exist_ok=True)
        if is_ours(str(name)):
            served.write_text(shortened(str(name), path.read_text()))
        else:
            served.write_bytes(path.read_bytes())
    return folder


@pytest.fixture(autouse=True)
def _as_served(settings, served_files):
    """Stories run the scripts that people run, not those that we write."""
    settings.STATICFILES_DIRS = [served_files]


@pytest.fixture
def server_at_rest(transactional_db, live_server):
    """
    When the browsers have left, what they asked for ends before the database is emptied: it
    would find nothing there, or write into the next test's.
    """
    running = []

    def began(**_):
        running.append(1)

    def ended(**_):
        if running:
            running.pop()

    hub.end_all()
    request_started.connect(began)
    request_finished.connect(ended)
    yield
    until = time.monotonic() + 60
    while running and time.monotonic() < until:
        hub.end_all()
        time.sleep(0.02)
    request_started.disconnect(began)
    request_finished.disconnect(ended)
    assert not running, "a request did not end"


@pytest.fixture
def guard(server_at_rest, live_server, new_context):
    """Watches every context of the test, and fails it at the end."""
    watching = Guard(live_server.url)
    yield watching
    watching.check()


@pytest.fixture
def open_page(guard, live_server, new_context):
    """A page in a browser of its own: `open_page(member, size=PHONE, dark=True, scripts=False)`."""

    def open_page(member=None, *, size=DESK, dark=False, scripts=True):
        context = new_context(
            base_url=live_server.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="UTC",
        )
        guard.watch(context)
        context.set_default_timeout(PATIENCE)
        if member is not None:
            context.add_cookies([session_cookie(member, live_server.url)])
        page = context.new_page()
        if SLOWER > 1:
            devtools = context.new_cdp_session(page)
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        return page

    return open_page


def session_cookie(member, url):
    """A signed-in session, without the sign-in page."""
    client = Client()
    client.force_login(member.user)
    name = django_settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


@dataclass
class House:
    """A workspace with both services connected and everything copied; a second one is empty."""

    sandbox: Sandbox
    workspace: Workspace
    nexadesk: Connection
    dexra: Connection
    owner: Membership
    viewer: Membership
    sync: Any

    def lead(self, name):
        return Lead.objects.get(name=name)

    def contact(self, first_name):
        return Contact.objects.get(first_name=first_name)

    def conversation(self, upstream_id):
        return Conversation.objects.get(upstream_id=upstream_id)

    def url(self, record):
        kind = type(record)._meta.model_name + "s"
        return f"/w/acme/{kind}/{record.pk}/"

    @property
    def writes(self):
        """The requests that changed something upstream."""
        return [r for r in self.sandbox.requests if r.method != "GET"]


THREAD = (
    ("visitor", "Hello, my order has not arrived. Can you look?"),
    ("bot", "Somebody will be with you shortly."),
    ("agent", "It left our warehouse this morning."),
    ("visitor", "Thank you!"),
)


def furnish(sandbox):
    """The people the stories are about, on top of whatever else is there."""
    sandbox.add_lead(
        id="lead-petra",
        visitor_name="Petra Novak",
        visitor_email="petra@harbour.example",
        visitor_company="Harbour Tools",
        pipeline_stage="contacted",
        expected_billing_amount=1200,
        need_summary="Wants a second till.",
        tags=["retail"],
    )
    sandbox.add_contact(
        id="contact-omar",
        first_name="Omar",
        last_name="Haddad",
        email="omar@delta.example",
        company_name="Delta Print",
        tags=["customer"],
    )
    sandbox.add_conversation(
        id="conv-lena",
        visitor_name="Lena Quay",
        visitor_email="lena@quay.example",
        tags=["delivery"],
        thread=THREAD,
    )
    sandbox.add_dexra_user(id="u_mara", email="mara@cove.example", first_name="Mara")
    sandbox.add_dexra_conversation(id="conv-mara", subject="Receipt 1042", user_id="u_mara")
    sandbox.incoming_message("conv-mara", "May I have a copy of invoice 1042?")


@pytest.fixture
def house(transactional_db, sandbox, workspace, owner, viewer, connect_to, synced):
    """Both services with a little of everything, the workspace's copy of it up to date."""
    fill(sandbox, Amounts(leads=70, contacts=55, conversations=12, dexra_conversations=8))
    furnish(sandbox)
    empty = Workspace.objects.create(slug="empty", name="Empty")
    Membership.objects.create(workspace=empty, user=owner.user, role="owner")
    nexadesk, dexra = connect_to("nexadesk"), connect_to("dexra")

    def sync():
        synced(nexadesk)
        synced(dexra)
        sandbox.requests.clear()

    sync()
    return House(sandbox, workspace, nexadesk, dexra, owner, viewer, sync)
