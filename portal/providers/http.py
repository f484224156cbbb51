"""
The only file that sends. Time, size and failure take one shape here for every provider.

One deadline covers a whole call (look-up of the name, connecting, TLS, sending, reading,
repeats), an answer is read up to a cap after decompression, redirects and proxy variables
are ignored, reads are repeated and writes never are.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx
import stamina

from portal.providers import body, failures
from portal.providers.contract import Gate
from portal.providers.deadline import Deadline, Transport
from portal.providers.errors import BrokenContract, KeyRejected, ProviderError, Unreachable

READ_ATTEMPTS = 3
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.5, 20.0
MAX_ERROR_BYTES = 64 * 1024
_JITTER = random.SystemRandom()
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer: its JSON (None if the body was empty), the provider's own clock, UTC."""

    status: int
    data: Any
    server_date: datetime | None


class _Open:
    """The gate of a call that no budget watches."""

    def enter(self) -> None: ...
    def leave(self, status: int | None, headers: Mapping[str, str]) -> None: ...
    def may_repeat(self, *, timed_out: bool) -> bool:
        return True


class _Backoff:
    """
    How long to wait before a read is repeated: full jitter, never past the deadline, and not
    at all where the gate has no repeats left.
    """

    def __init__(self, deadline: Deadline, gate: Gate) -> None:
        self._deadline, self._gate, self._step = deadline, gate, FIRST_BACKOFF_SECONDS

    def __call__(self, error: Exception) -> bool | float:
        left = self._deadline.seconds_left()
        if not isinstance(error, Unreachable) or left <= 0:
            return False
        self._step *= 2
        wait = _JITTER.uniform(0, min(self._step, LONGEST_BACKOFF_SECONDS, left))
        asked = error.retry_after or 0
        if asked >= left or not self._gate.may_repeat(timed_out=error.status is None):
            return False
        return max(wait, asked)


class Http:
    """
    One provider's API with a key in hand, for one thread at a time.

    `sentence` takes the provider's own sentence out of an error's JSON. `deadline_seconds`
    bounds each call as a whole; what is spent waiting at `gate` is not counted.
    Raises `KeyRejected` at once for a key that no header can carry.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        key: str,
        *,
        sentence: Callable[[Any], str],
        gate: Gate | None = None,
        deadline_seconds: float = 30.0,
    ) -> None:
        if not (key.isascii() and key.isprintable() and key.strip()) or " " in key:
            raise KeyRejected(provider)
        self._provider, self._sentence, self._key = provider, sentence, key
        self._gate: Gate = gate or _Open()
        self._seconds, self._deadline = deadline_seconds, Deadline()
        self._client = httpx.Client(
            base_url=base_url,
            headers={
                "Authorization": f"Bearer {key}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": "Crossdesk",
            },
            transport=Transport(self._deadline),
            timeout=deadline_seconds,  # of one wait; the transport knows the whole call's
            follow_redirects=False,
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"<Http {self._provider}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        """Read; tried up to three times while the provider cannot be reached."""
        self._deadline.start(self._seconds)
        backoff = _Backoff(self._deadline, self._gate)
        for attempt in stamina.retry_context(on=backoff, attempts=READ_ATTEMPTS, timeout=None):
            with attempt:
                return self._once("GET", path, query)
        raise AssertionError("stamina raises the last error")

    def write(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        *,
        any_body: bool = False,
    ) -> Answer:
        """
        Send once, whatever happens. `values` go as JSON.

        With `any_body` a 2xx is believed whatever its body is (`data` is None if it is
        not JSON); else a body that cannot be read raises `BrokenContract`.
        """
        self._deadline.start(self._seconds)
        content = None if values is None else body.encode(values)
        return self._once(method, path, query, content, any_body=any_body)

    def broken(self, what: str, **details: Any) -> BrokenContract:
        """The error for an answer that its provider does not document."""
        return BrokenContract(self._provider, what, **details)

    def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        content: bytes | None = None,
        *,
        any_body: bool = False,
    ) -> Answer:
        waiting_since = time.monotonic()
        self._gate.enter()
        self._deadline.postpone(time.monotonic() - waiting_since)
        status: int | None = None
        headers: dict[str, str] = {}
        try:
            typed = {"Content-Type": "application/json"} if content is not None else {}
            with self._client.stream(
                method, path, params=query, content=content, headers=typed
            ) as response:
                status, headers = response.status_code, dict(response.headers)
                if not response.is_success:
                    failure = failures.of(
                        self._provider, status, headers, self._said(response, headers)
                    )
                else:
                    return self._answer(response, headers, any_body=any_body)
        except httpx.TransportError as error:
            failure = self._unreachable(error, status)
        finally:
            self._gate.leave(status, headers)
        # Raised out here, so that no httpx request, and no key, hangs on the error.
        raise failure

    def _answer(
        self, response: httpx.Response, headers: Mapping[str, str], *, any_body: bool
    ) -> Answer:
        """The 2xx answer. Raises `BrokenContract`, or a transport error while reading it."""
        data: Any = None
        try:
            content = body.read(response.iter_raw(), headers.get("content-encoding", ""))
            data = body.decode(content) if content.strip() else None
        except ValueError as error:
            if not any_body:
                raise self.broken(
                    f"the body cannot be read: {error}", status=response.status_code
                ) from None
        date = failures.http_date(headers.get("date", ""))
        return Answer(response.status_code, data, date)

    def _said(self, response: httpx.Response, headers: Mapping[str, str]) -> str:
        """The provider's sentence in an error, "" if it cannot be read; never our key."""
        try:
            encoding = headers.get("content-encoding", "")
            content = body.read(response.iter_raw(), encoding, MAX_ERROR_BYTES)
            said = self._sentence(body.decode(content))
        except (ValueError, httpx.TransportError):
            return ""
        return said.replace(self._key, "***")

    def _unreachable(self, error: httpx.TransportError, status: int | None) -> ProviderError:
        arrived = not isinstance(error, _NOT_SENT)
        failure = Unreachable(self._provider, status=status, arrived=arrived)
        failure.add_note(f"{type(error).__name__}: {error}")
        return failure
