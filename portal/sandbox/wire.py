"""Answers on the socket, whole or broken in the ways a fault orders."""

from __future__ import annotations

import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus

from .exchange import Answer
from .faults import Fault

HTML = b"<!doctype html><html><head><title>One moment</title></head><body>...</body></html>"
GARBAGE = b'{"success": true, "data": [{"id": "\xff\xfe'
MEGABYTE = 1024 * 1024


class Gone(Exception):
    """The connection is closed or reset; nothing more can be sent on it."""


class Wire:
    """One connection's sending side. `stopping` ends every wait at once."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection, self._stopping = connection, stopping

    def wait(self, seconds: float | None) -> None:
        """Wait; None waits until the server stops."""
        if self._stopping.wait(seconds):
            raise Gone

    def send(self, data: bytes) -> None:
        """Send all bytes."""
        try:
            self._connection.sendall(data)
        except OSError:
            raise Gone from None

    def drip(self, data: bytes, seconds_per_byte: float) -> None:
        """Send byte by byte, waiting before each."""
        for place in range(len(data)):
            self.wait(seconds_per_byte)
            self.send(data[place : place + 1])

    def reset(self) -> None:
        """Close with a reset (RST), as a crashed server or a firewall does."""
        linger_zero = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
        raise Gone


def send_answer(wire: Wire, answer: Answer, fault: Fault | None, *, with_body: bool) -> None:
    """Put an answer on the wire; raise `Gone` if the connection must end afterwards."""
    body = answer.encoded()
    head = head_of(answer, len(body) + _lie(fault))
    payload = body if with_body else b""
    if fault is None:
        wire.send(head + payload)
        return
    match fault.name:
        case "drip":
            _drip(wire, head, payload, fault)
        case "reset_during":
            _reset_during(wire, head, payload, fault)
        case "cut_body":
            _cut(wire, head, payload, fault)
        case "wrong_content_length":
            wire.send(head + payload)
            raise Gone
        case _:
            wire.send(head + payload)


def head_of(answer: Answer, length: int) -> bytes:
    """Status line and headers, with the empty line that ends them."""
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.status != HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = str(max(0, length))
    lines += [f"{name}: {value}" for name, value in headers.items() if value]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _lie(fault: Fault | None) -> int:
    return fault.amount if fault is not None and fault.name == "wrong_content_length" else 0


def _drip(wire: Wire, head: bytes, body: bytes, fault: Fault) -> None:
    if fault.part == "headers":
        wire.drip(head, fault.seconds)
        wire.send(body)
    else:
        wire.send(head)
        wire.drip(body, fault.seconds)


def _reset_during(wire: Wire, head: bytes, body: bytes, fault: Fault) -> None:
    status_line = head.index(b"\r\n")
    match fault.part:
        case "status":
            wire.send(head[: status_line // 2])
        case "headers":
            wire.send(head[: (status_line + len(head)) // 2])
        case _:
            wire.send(head + body[: len(body) // 2])
    wire.wait(0.02)  # lets the bytes arrive: a reset overtakes what is still in the buffers
    wire.reset()


def _cut(wire: Wire, head: bytes, body: bytes, fault: Fault) -> None:
    keep = len(body) // 2 if fault.amount < 0 else fault.amount
    wire.send(head + body[:keep])
    raise Gone


def canned(fault: Fault, error: Answer) -> Answer:
    """The answer a fault orders instead of the real one; `error` is the API's own error form."""
    headers = {**error.headers, **fault.headers}
    status = fault.status_code
    match fault.name:
        case "html":
            return Answer(status, None, headers, HTML, "text/html; charset=utf-8")
        case "garbage":
            body = GARBAGE if fault.text is None else fault.text.encode("utf-8", "surrogatepass")
            return Answer(status, None, headers, body)
        case "empty" | "redirect":
            return Answer(status, None, headers, b"")
        case "gzip_bomb":
            headers["Content-Encoding"] = "gzip"
            return Answer(200, None, headers, bomb(fault.amount))
        case _ if fault.text is not None:
            return Answer(status, None, headers, fault.text.encode(), "text/plain; charset=utf-8")
        case _:
            return Answer(status, error.payload, headers)


@cache
def bomb(megabytes: int) -> bytes:
    """A gzip body that unpacks to a JSON list answer with so many megabytes of spaces in it."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(part) for part in _bomb_parts(megabytes)) + packer.flush()


def _bomb_parts(megabytes: int) -> Iterator[bytes]:
    yield b'{"success":true,"data":[],"note":"'
    for _ in range(megabytes):
        yield b" " * MEGABYTE
    yield b'"}'
