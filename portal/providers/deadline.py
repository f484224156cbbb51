"""
Sockets that know when the running call must have ended.

httpx counts its timeouts anew for each read, so a server that drips a byte a second holds
a worker for ever (F3). Here every wait is cut to what is left of the whole call.
"""

import functools
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

CONNECT_SECONDS = 5.0
_CHUNK = 16 * 1024


class Deadline:
    """When the running call must have ended. Every wait on the socket asks it."""

    def __init__(self) -> None:
        self._end = 0.0

    def start(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def postpone(self, seconds: float) -> None:
        self._end += seconds

    def seconds_left(self) -> float:
        return self._end - time.monotonic()

    def left(self, error: type[Exception]) -> float:
        """Seconds left, more than 0; raises `error` if there are none."""
        seconds = self.seconds_left()
        if seconds <= 0:
            raise error("the call's deadline is over")
        return seconds


class _Stream(httpcore.NetworkStream):
    """A socket whose every read and write ends with the call's deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _CHUNK):
            left = self._deadline.left(httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + _CHUNK], left)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = min(CONNECT_SECONDS, self._deadline.left(httpcore.ConnectTimeout))
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Connects within the deadline: name look-up and every address of the name count."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline, self._plain = deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._addresses(host, port):
            left = min(CONNECT_SECONDS, self._deadline.left(httpcore.ConnectTimeout))
            try:
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
                return _Stream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        # The system's resolver knows no timeout, so it is waited for from outside.
        found: list[str] = []
        asking = threading.Thread(target=_resolve, args=(host, port, found), daemon=True)
        asking.start()
        asking.join(min(CONNECT_SECONDS, self._deadline.left(httpcore.ConnectTimeout)))
        return list(dict.fromkeys(found))


def _resolve(host: str, port: int, found: list[str]) -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    found.extend(str(answer[4][0]) for answer in answers)


@functools.cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context(verify=True, trust_env=False)


class Transport(httpx.HTTPTransport):
    """httpx's own transport over sockets that know the deadline (httpx offers no way in)."""

    def __init__(self, deadline: Deadline) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=_trusted(),
            keepalive_expiry=5.0,
            network_backend=_Network(deadline),
        )
