"""The log of all requests that reached the sandbox, to assert on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from .exchange import Call, Record

KEPT = 50_000


@dataclass
class Request:
    """
    One request, logged when it arrived.

    `path` is relative to the API's base. `status` is None until an answer is on its way,
    and stays None when a fault swallowed it. `at` is Unix seconds by the sandbox's clock.
    """

    provider: str
    method: str
    path: str
    query: dict[str, str]
    body: Record | None
    key: str
    headers: dict[str, str]
    at: float
    status: int | None = None

    def matches(self, pattern: str, provider: str | None = None) -> bool:
        """Whether "METHOD /path-prefix" fits; "*" stands for any method."""
        method, _, prefix = pattern.partition(" ")
        return (
            method in ("*", self.method)
            and (provider is None or provider == self.provider)
            and under(prefix, self.path)
        )


class RequestLog:
    """The newest 50,000 requests, oldest first."""

    def __init__(self) -> None:
        self._rows: deque[Request] = deque(maxlen=KEPT)
        self._news = threading.Condition()

    def __iter__(self) -> Iterator[Request]:
        with self._news:
            return iter(list(self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> Request:
        return self._rows[place]

    def __repr__(self) -> str:
        return f"<{len(self)} requests: {[f'{r.method} {r.path}' for r in list(self)[-10:]]}>"

    def add(self, call: Call, at: float) -> Request:
        """Log a call; its status comes later."""
        row = Request(
            provider=call.provider,
            method=call.method,
            path=call.path,
            query=dict(call.query),
            body=call.body_or_none(),
            key=call.key,
            headers={name: text for name, text in call.headers.items() if name != "authorization"},
            at=at,
        )
        with self._news:
            self._rows.append(row)
            self._news.notify_all()
        return row

    def matching(self, pattern: str, provider: str | None = None) -> list[Request]:
        """The requests that fit "METHOD /path-prefix", oldest first."""
        return [row for row in self if row.matches(pattern, provider)]

    def count(self, pattern: str, provider: str | None = None) -> int:
        """How many requests fit "METHOD /path-prefix"."""
        return len(self.matching(pattern, provider))

    def wait_for(self, pattern: str, count: int = 1, timeout_seconds: float = 30) -> list[Request]:
        """The matching requests as soon as there are `count` of them, or TimeoutError."""
        until = time.monotonic() + timeout_seconds
        with self._news:
            while len(found := [row for row in self._rows if row.matches(pattern)]) < count:
                if not self._news.wait(max(0.0, until - time.monotonic())):
                    raise TimeoutError(f"{len(found)} of {count} requests like {pattern!r} came")
        return found

    def clear(self) -> None:
        """Forget all."""
        with self._news:
            self._rows.clear()


def under(prefix: str, path: str) -> bool:
    """Whether a path is the prefix or lies below it: /leads holds /leads/7, not /leadsheet."""
    prefix = prefix.rstrip("/")
    return prefix in ("", "*") or path == prefix or path.startswith(prefix + "/")
