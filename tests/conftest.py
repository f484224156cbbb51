"""
The cast of every story: a sandbox on a real socket, a workspace with its team, connections.

The database is real (SQLite in a file, or what DATABASE_URL names). Only clocks are mocked.
"""

import os
import time

import hypothesis
import pytest
from django.test import Client

from portal.budget import store as budget
from portal.models import Connection, Membership, User, Workspace
from portal.sandbox import Sandbox, serve
from portal.services import connections
from portal.services.sync import sync_connection
from portal.vault.seal import Secret

PASSWORD = "correct horse battery staple"

# An example that takes longer than 200 ms tells of a busy machine, not of the portal.
hypothesis.settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")

WITHOUT_DATABASE = {"providers", "sandbox", "static", "vault", "vendor"}
DATABASE = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(items):
    """
    What takes longest begins first, so that the processes end together. What asks no database
    is not repeated on the second one.
    """
    for item in items:
        if item.path.parent.name in WITHOUT_DATABASE and not DATABASE & set(item.fixturenames):
            item.add_marker(pytest.mark.once)
    items.sort(key=lambda item: "/stress/" not in str(item.path))


@pytest.fixture(autouse=True)
def _settings_for_tests(settings):
    """
    Fast hashing, plain static files, mail in memory. Replies leave at once: what their ten
    seconds are for is told in test_reply_hold.py.
    """
    settings.HOLD_SECONDS = 0
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture
def own_database(tmp_path):
    """The address of an empty database for processes of a story's own, of the kind under test."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{tmp_path}/own.sqlite3"
        return
    import psycopg

    name = f"crossdesk_story_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
        yield url.rsplit("/", 1)[0] + f"/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sandbox(settings):
    """NexaDesk and Dexra on a real socket: real timeouts, real headers, no mocks."""
    with serve(Sandbox()) as running:
        settings.PROVIDER_BASE_URLS = {
            "nexadesk": running.nexadesk_url,
            "dexra": running.dexra_url,
        }
        yield running


def make_member(workspace, role, email=None):
    user = User.objects.create_user(email or f"{role}@{workspace.slug}.example", PASSWORD)
    user.name = str(role).title()
    user.save()
    return Membership.objects.create(workspace=workspace, user=user, role=role)


@pytest.fixture
def workspace(db):
    return Workspace.objects.create(slug="acme", name="Acme")


@pytest.fixture
def owner(workspace):
    return make_member(workspace, "owner")


@pytest.fixture
def admin(workspace):
    return make_member(workspace, "admin")


@pytest.fixture
def agent(workspace):
    return make_member(workspace, "agent")


@pytest.fixture
def viewer(workspace):
    return make_member(workspace, "viewer")


@pytest.fixture
def stranger(db):
    """A member of another workspace."""
    return make_member(Workspace.objects.create(slug="other", name="Other"), "owner")


@pytest.fixture
def connect_to(sandbox, workspace):
    """Connect the workspace with a new key: `connect_to("nexadesk", scopes=("read",))`."""

    def connect(provider, to=workspace, **key):
        secret = Secret(sandbox.key(provider, **({"rate": None} | key)))
        connection, _ = connections.add(to, provider, secret, actor=None)
        sandbox.requests.clear()
        return connection

    return connect


@pytest.fixture
def nexadesk(connect_to):
    """The workspace's connection to NexaDesk."""
    return connect_to("nexadesk")


@pytest.fixture
def dexra(connect_to):
    """The workspace's connection to Dexra."""
    return connect_to("dexra")


@pytest.fixture
def synced():
    """Bring a connection's copy up to date; give the connection back, fresh."""

    def sync(connection):
        for report in sync_connection(connection):
            assert report.error == "", report
        return Connection.objects.select_related("workspace").get(pk=connection.pk)

    return sync


@pytest.fixture
def client_of():
    """A browser without JavaScript in which this member is signed in."""

    def sign_in(member):
        client = Client()
        client.force_login(member.user)
        return client

    return sign_in


@pytest.fixture
def as_agent(agent, client_of):
    """A browser without JavaScript in which the workspace's agent is signed in."""
    return client_of(agent)


@pytest.fixture
def clock(monkeypatch):
    """A budget clock that a test moves: `clock.now += 61`."""

    class BudgetClock:
        now = time.time()

        def time(self):
            return self.now

    moved = BudgetClock()
    monkeypatch.setattr(budget.time, "time", moved.time)
    return moved
