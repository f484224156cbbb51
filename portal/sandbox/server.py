"""The socket: accepts connections, reads requests, and hands them to the APIs or the controls."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import parse_qsl, urlsplit

from . import control, gate
from .dexra.api import BASE_PATH as DEXRA_PATH
from .exchange import Answer, Call, Refusal
from .nexadesk.api import BASE_PATH as NEXADESK_PATH
from .sandbox import Sandbox
from .wire import Gone, Wire, send_answer

BACKLOG = 1024
LINE_MAX = 65_536
BODY_MAX = 16 * 1024 * 1024
BASES = {NEXADESK_PATH: "nexadesk", DEXRA_PATH: "dexra"}
PLAIN = "text/plain; charset=utf-8"


@contextlib.contextmanager
def serve(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> Iterator[Sandbox]:
    """Serve a sandbox (on a free port unless given one) until the block ends; OSError if taken."""
    server = Server(sandbox, host, port)
    server.start()
    try:
        yield sandbox
    finally:
        server.stop()


class Server:
    """One listening socket, one thread per connection."""

    def __init__(self, sandbox: Sandbox, host: str, port: int) -> None:
        self._sandbox = sandbox
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
        sandbox.base_url = f"http://{shown}:{self.port}"

    def start(self) -> None:
        """Begin to accept."""
        threading.Thread(target=self._accept, name="sandbox", daemon=True).start()

    def stop(self) -> None:
        """End every connection, also those that wait in a fault, and free the port."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._sandbox.webhooks.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, address = self._listener.accept()
            except OSError:
                return
            if self._refuse(connection):
                continue
            arguments = (connection, str(address[0]))
            threading.Thread(target=self._connection, args=arguments, daemon=True).start()

    def _refuse(self, connection: socket.socket) -> bool:
        """Reset a connection at once if that was ordered."""
        if self._sandbox.refused_connections <= 0:
            return False
        self._sandbox.refused_connections -= 1
        with contextlib.suppress(Gone):
            Wire(connection, self._stopping).reset()
        connection.close()
        return True

    def _connection(self, connection: socket.socket, address: str) -> None:
        """Serve one connection until either side ends it."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(connection)
        try:
            with connection.makefile("rb") as reader:
                wire = Wire(connection, self._stopping)
                while not self._stopping.is_set() and self._exchange(reader, wire, address):
                    pass
        except (Gone, OSError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _exchange(self, reader: BinaryIO, wire: Wire, address: str) -> bool:
        """One request and its answer; whether the connection stays open."""
        try:
            head = _read_head(reader)
            if head is None:
                return False
            method, target, version, headers = head
            if headers.get("expect", "").lower() == "100-continue":
                wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = _read_body(reader, headers)
        except (Refusal, http.client.HTTPException, ValueError) as bad:
            said = bad.said if isinstance(bad, Refusal) else "Bad request"
            status = bad.status if isinstance(bad, Refusal) else 400
            plain = Answer(status, None, {"Connection": "close"}, said.encode(), PLAIN)
            send_answer(wire, plain, None, with_body=True)
            return False
        keep = _keeps_alive(version, headers)
        self._answer(wire, _call(method, target, headers, body, address), keep=keep)
        return keep

    def _answer(self, wire: Wire, call: Call, *, keep: bool) -> None:
        fault, row = None, None
        if call.provider == "control":
            result = control.answer(self._sandbox, call)
        elif call.provider:
            row = self._sandbox.requests.add(call, self._sandbox.clock.now())
            fault = self._sandbox.faults.take(call)
            result = gate.answer(self._sandbox, call, fault, wire)
        else:
            result = Answer(404, None, {}, b"Neither NexaDesk nor Dexra lives here.\n", PLAIN)
        if row is not None:
            row.status = result.status
        result.headers["Date"] = self._sandbox.clock.http_date()
        if not keep:
            result.headers["Connection"] = "close"
        send_answer(wire, result, fault, with_body=call.method != "HEAD")


def _call(method: str, target: str, headers: dict[str, str], body: bytes, address: str) -> Call:
    """The call a request makes; provider "" if the path belongs to none."""
    url = urlsplit(target)
    provider, path = "", url.path
    for base, name in (*BASES.items(), (control.BASE_PATH, "control")):
        if url.path == base or url.path.startswith(base + "/"):
            provider, path = name, url.path.removeprefix(base) or "/"
            break
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Call(provider, method, path, query, headers, body, address)


def _read_head(reader: BinaryIO) -> tuple[str, str, str, dict[str, str]] | None:
    """Method, target, version and headers (names in lower case), or None at the end."""
    line = reader.readline(LINE_MAX + 1)
    if line in (b"\r\n", b"\n"):
        line = reader.readline(LINE_MAX + 1)
    if not line:
        return None
    if len(line) > LINE_MAX:
        raise Refusal(414, "URI too long")
    method, target, version = line.decode("latin-1").split()
    message = http.client.parse_headers(reader)
    return method, target, version, {name.lower(): text for name, text in message.items()}


def _read_body(reader: BinaryIO, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return b"".join(_chunks(reader))
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= BODY_MAX:
        raise Refusal(413, "Request body too large")
    body = reader.read(length)
    if len(body) < length:
        raise Gone
    return body


def _chunks(reader: BinaryIO) -> Iterator[bytes]:
    total = 0
    while size := int(reader.readline(LINE_MAX).split(b";")[0], 16):
        total += size
        if total > BODY_MAX:
            raise Refusal(413, "Request body too large")
        yield reader.read(size)
        reader.readline(LINE_MAX)
    while reader.readline(LINE_MAX).strip():
        pass  # trailers


def _keeps_alive(version: str, headers: dict[str, str]) -> bool:
    asked = headers.get("connection", "").lower()
    return "close" not in asked if version == "HTTP/1.1" else "keep-alive" in asked
