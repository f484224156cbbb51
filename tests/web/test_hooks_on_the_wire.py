"""Webhooks through the real server on a real socket: chunks, caps, broken lines, and kills."""

import json
import socket
import time
from pathlib import Path

import pytest

from portal.sandbox.webhooks import signature
from tests.web.gunicorn import Gunicorn

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_wire"
SET_UP = f"""
from portal.models import Workspace
from portal.vault import store
from portal.vault.seal import Secret
workspace = Workspace.objects.create(slug="acme", name="Acme")
made = store.create(
    workspace, provider="nexadesk", key=Secret("k" * 20), webhook_secret=Secret("{SECRET}")
)
print(store.hook_token_of(made).reveal())
"""
STORED = """
from portal.models import Delivery
for row in Delivery.objects.order_by("id"): print(row.once, row.event)
"""

pytestmark = pytest.mark.xdist_group("gunicorn")


class Server(Gunicorn):
    """A server with a connection whose webhooks are signed."""

    def __init__(self, folder):
        super().__init__(folder, threads=8)
        self.token = self.shell(SET_UP).strip()

    def stored(self):
        return [line.split()[1] for line in self.shell(STORED).splitlines()]

    def send(self, head, *pieces, pause=0.0):
        """The answer's status to these very bytes; 0 where the line broke."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as line:
            line.sendall(f"POST /hooks/{self.token}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode())
            line.sendall(head.encode() + b"Connection: close\r\n\r\n")
            try:
                for piece in pieces:
                    line.sendall(piece)
                    time.sleep(pause)
                said = line.recv(1000)
            except OSError:
                return 0
        return int(said.split()[1]) if said else 0

    def post(self, body):
        signed = f"X-NexaDesk-Signature: {signature(SECRET, body)}\r\n"
        return self.send(f"{signed}Content-Length: {len(body)}\r\n", body)

    def post_chunked(self, body, *, sizes=(7, 1, 1000), pause=0.0, end=b"0\r\n\r\n", signed=None):
        made = signature(SECRET, body if signed is None else signed)
        pieces, rest = [], body
        while rest:
            size = sizes[len(pieces) % len(sizes)]
            pieces.append(b"%x\r\n%s\r\n" % (len(rest[:size]), rest[:size]))
            rest = rest[size:]
        head = f"X-NexaDesk-Signature: {made}\r\nTransfer-Encoding: chunked\r\n"
        return self.send(head, *pieces, end, pause=pause)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return Server(tmp_path_factory.mktemp("wire"))


@pytest.fixture
def server(prepared):
    yield prepared
    prepared.stop()
    prepared.shell("from portal.models import Delivery; Delivery.objects.all().delete()")


def event(name):
    return json.dumps({"event": name, "workspace_id": "ws", "data": {"id": "é"}}).encode()


def test_chunked_bodies_are_read_whole_and_never_taken_for_empty(server):
    server.start()

    assert server.post(event("plain")) == 200
    assert server.post_chunked(event("chunked")) == 200
    assert server.post_chunked(event("slow"), pause=0.02, sizes=(20,)) == 200
    assert server.post_chunked(b"") == 404
    assert server.post_chunked(event("forged"), signed=b"") == 404
    assert server.post_chunked(b"x" * (256 * 1024 + 1), sizes=(60_000,)) == 413
    assert server.post(b"x" * (256 * 1024 + 1)) == 413
    assert server.post_chunked(b'{"event":"most"}'.ljust(256 * 1024), sizes=(9_000,)) == 200
    assert server.stored() == ["plain", "chunked", "slow", "most"]


def test_a_body_that_breaks_off_is_not_stored(server):
    server.start()
    body = event("cut")
    signed = f"X-NexaDesk-Signature: {signature(SECRET, body)}\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(f"POST /hooks/{server.token}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode())
        line.sendall(f"{signed}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-5])
    time.sleep(0.5)
    assert server.post(event("whole")) == 200
    assert server.stored() == ["whole"]


def test_killed_before_storing_nothing_was_acknowledged_and_the_repeat_is_taken(server):
    server.start(crash_at="deliveries.before_storing")
    assert server.post(event("late")) == 0
    server.stop()
    assert server.stored() == []

    server.start()
    assert server.post(event("late")) == 200
    assert server.stored() == ["late"]


def test_killed_between_commit_and_answer_it_is_there_once(server):
    server.start(crash_at="deliveries.stored")
    assert server.post(event("once")) == 0
    server.stop()
    assert server.stored() == ["once"]

    server.start()
    assert server.post(event("once")) == 200
    assert server.stored() == ["once"]
