"""Streams through the real server: they wait without its threads, and end as they should."""

import http.client
import json
import signal
import socket

import pytest

from tests.web.gunicorn import Gunicorn

THREADS = 3
SET_UP = """
from django.conf import settings
from django.test import Client
from portal.models import User
from portal.services.workspaces import create_workspace
create_workspace("acme", name="Acme", owner_email="ana@acme.example", password=None)
client = Client()
client.force_login(User.objects.get())
print(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
"""
CHANGE = """
from portal.live import store
from portal.models import Workspace
store.note(Workspace.objects.get().pk, "leads", [7])
"""

pytestmark = pytest.mark.xdist_group("gunicorn")


class Server(Gunicorn):
    """A server with a person's cookie, who may open many streams."""

    def __init__(self, folder):
        super().__init__(folder, threads=THREADS, LIVE_STREAMS_PER_PERSON="30")
        self.cookie = self.shell(SET_UP).strip()
        self.start()

    def get(self, path, accept="*/*"):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        line.request("GET", path, headers={"Cookie": self.cookie, "Accept": accept})
        return line.getresponse()

    def listen(self):
        stream = self.get("/w/acme/live/", accept="text/event-stream")
        assert (stream.status, stream.readline()) == (200, b"retry: 5000\n")
        return stream

    def listen_plainly(self):
        """As an HTTP/1.0 client: the body is not in chunks."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=40)
        head = f"GET /w/acme/live/ HTTP/1.0\r\nCookie: {self.cookie}\r\nHost: 127.0.0.1\r\n"
        line.sendall(f"{head}Accept: text/event-stream\r\n\r\n".encode())
        answer = line.makefile("rb")
        assert b"200" in answer.readline()
        return answer


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.stop()


def news(stream):
    """The next news of a stream."""
    while line := stream.readline():
        if line.startswith(b"data: {"):
            return json.loads(line.removeprefix(b"data: "))
    raise AssertionError("the stream ended")


def test_streams_wait_without_threads_hear_what_changes_and_end_with_the_server(server):
    streams = [server.listen() for _ in range(8 * THREADS)] + [server.listen_plainly()]
    assert server.get("/w/acme/live/").status == 200

    server.shell(CHANGE)

    assert [news(stream)["changes"] for stream in streams] == (
        [[{"kind": "leads", "id": 7}]] * len(streams)
    )
    server.process.send_signal(signal.SIGTERM)
    for stream in streams:
        assert stream.read() == b"\nevent: bye\ndata: again\n\n"  # whole: to its last chunk
    server.process.wait(timeout=40)
    assert "Traceback" not in server.errors.read_text()
