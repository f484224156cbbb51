"""
A browser's connection, taken over from the server that accepted it.

A stream that waits inside the server holds one of its threads, and with it 80 to 170 KB. So
once the server has sent the head of the answer, the stream keeps the socket and lets the
thread go: the server's own file descriptor is pointed at a socket whose other end is closed,
and whatever it still does to its connection (the end of the body, closing) goes nowhere.
"""

import os
import socket


class Line:
    """
    The socket of one browser: the server's until `take`, ours afterwards.

    `chunked` tells whether the server began the body in chunks (it does for HTTP/1.1).
    """

    __slots__ = ("_chunked", "_socket", "taken")

    def __init__(self, theirs: socket.socket, *, chunked: bool) -> None:
        self._socket, self._chunked, self.taken = theirs, chunked, False

    def take(self) -> bool:
        """Take the socket from the server; False if there are too many open files for it."""
        try:
            with self._socket.dup() as ours, _to_nobody() as stand_in:
                os.dup2(stand_in.fileno(), self._socket.fileno(), inheritable=False)
                self._socket = socket.socket(fileno=ours.detach())
        except OSError:
            return False
        self._socket.setblocking(False)
        self.taken = True
        return True

    def say(self, text: str) -> None:
        """Send it whole, or hang up: a browser that does not read is not waited for."""
        data = text.encode()
        self._send(b"%X\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    def end(self) -> None:
        """The end of the answer."""
        if self._chunked:
            self._send(b"0\r\n\r\n")
        self._socket.close()

    def hung_up(self) -> bool:
        """Whether the browser has left, as far as this socket can be looked into."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except (OSError, ValueError):  # reset; TLS sockets cannot be looked into
            return not hasattr(self._socket, "cipher")

    def _send(self, data: bytes) -> None:
        try:
            whole = self._socket.send(data) == len(data)
        except OSError:
            whole = False
        if not whole:
            self._socket.close()


def _to_nobody() -> socket.socket:
    """A socket whose other end is closed."""
    near, far = socket.socketpair()
    far.close()
    return near
