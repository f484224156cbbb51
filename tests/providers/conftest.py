"""Both APIs on a real socket, and a socket that says whatever a test wants."""

import contextlib
import json
import socket
import threading

import pytest
import stamina

from portal.providers.dexra import DEXRA
from portal.providers.nexadesk import NEXADESK
from portal.sandbox import Sandbox, serve
from tests.stopwatch import stopwatch as measured


@pytest.fixture(autouse=True)
def _no_pauses():
    """Repeats come at once, as many as the client allows."""
    with stamina.set_testing(True, attempts=99, cap=True):
        yield


@pytest.fixture
def sandbox():
    with serve(Sandbox()) as running:
        yield running


@pytest.fixture
def nexadesk(sandbox):
    """A client of NexaDesk with a good key and no rate limit."""
    key = sandbox.key("nexadesk", rate=None)
    with NEXADESK.open(key, base_url=sandbox.nexadesk_url, deadline_seconds=10) as client:
        yield client


@pytest.fixture
def dexra(sandbox):
    """A client of Dexra with a good key and no rate limit."""
    key = sandbox.key("dexra", rate=None)
    with DEXRA.open(key, base_url=sandbox.dexra_url, deadline_seconds=10) as client:
        yield client


class Wire:
    """
    A server that answers every request with the same bytes; keeps their first lines and bodies.

    `answer` may be bytes, or a function that gets the connection and sends itself.
    """

    def __init__(self, answer):
        self.answer, self.requests, self.bodies = answer, [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as reader:
            head = [reader.readline()]
            while head[-1].strip():
                head.append(reader.readline())
            self.requests.append(head[0].decode().strip())
            length = [line.split(b":")[1] for line in head if line.lower().startswith(b"content-l")]
            self.bodies.append(reader.read(int(length[0])) if length else b"")
            if callable(self.answer):
                self.answer(connection)
            else:
                connection.sendall(self.answer)

    def close(self):
        self._listener.close()


@pytest.fixture
def wire():
    """Call it with an answer to start such a server."""
    running = []

    def start(answer):
        running.append(Wire(answer))
        return running[-1]

    yield start
    for server in running:
        server.close()


def http(body=b"", status="200 OK", **headers):
    """The bytes of an HTTP answer; `body` may be bytes or anything JSON holds."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Content-Type": "application/json", "Connection": "close"}
    told |= {"Content-Length": str(len(content))}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


@pytest.fixture
def answer():
    """Makes the bytes of an HTTP answer."""
    return http


@pytest.fixture
def leads_page():
    """Makes NexaDesk's list answer of some rows."""

    def make(*rows, **pagination):
        told = {"has_more": False, "next_cursor": None, "total_count": len(rows), "limit": 100}
        return {"success": True, "data": list(rows), "pagination": told | pagination}

    return make


@pytest.fixture
def talk(wire):
    """Opens a client of NexaDesk against a socket that says this."""
    with contextlib.ExitStack() as stack:

        def start(answer, provider=NEXADESK, deadline_seconds=2, gate=None):
            server = wire(answer)
            client = stack.enter_context(
                provider.open(
                    "fc_live_secret0",
                    base_url=server.url,
                    deadline_seconds=deadline_seconds,
                    gate=gate,
                )
            )
            client.wire = server
            return client

        yield start


@pytest.fixture
def stopwatch():
    """Seconds since the test began, as far as the machine let it run."""
    with measured() as took:
        yield took
