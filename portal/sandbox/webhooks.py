"""Webhooks going out: who is told of which event, signed how, and what came of it."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import secrets
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .exchange import Record

SIGNATURE = "X-NexaDesk-Signature"
KEPT = 5_000


@dataclass
class Endpoint:
    """
    One registered address. `events` empty means all.

    A secret signs NexaDesk's deliveries; Dexra's are never signed. `chunked` sends the body
    in chunks without a Content-Length.
    """

    provider: str
    url: str
    secret: str = ""
    events: tuple[str, ...] = ()
    chunked: bool = False
    id: str = field(default_factory=lambda: f"wh_{secrets.token_hex(6)}")

    def wants(self, provider: str, event: str) -> bool:
        """Whether this endpoint is told of the event; the test ping always goes out."""
        return provider == self.provider and (
            event == "ping" or not self.events or event in self.events
        )

    def dump(self) -> Record:
        """The endpoint as JSON."""
        return {**vars(self), "events": list(self.events)}


@dataclass
class Delivery:
    """
    One event on its way to one endpoint.

    `outcomes` has an item per attempt: the status answered, or the words of the failure.
    """

    endpoint: Endpoint
    event: str
    body: bytes
    headers: dict[str, str]
    outcomes: list[int | str] = field(default_factory=list)

    @property
    def arrived(self) -> bool:
        """Whether an attempt was answered 200."""
        return bool(self.outcomes) and self.outcomes[-1] == 200

    def dump(self) -> Record:
        """The delivery as JSON."""
        return {
            "endpoint": self.endpoint.id,
            "event": self.event,
            "body": self.body.decode(),
            "outcomes": self.outcomes,
            "arrived": self.arrived,
        }


class Webhooks:
    """
    Endpoints, and the thread that delivers to them in order.

    How often and how long NexaDesk and Dexra try is not documented; `attempts`,
    `delays_seconds` (before the 2nd, 3rd, ... attempt) and `timeout_seconds` are ours.
    """

    def __init__(
        self,
        *,
        attempts: int = 3,
        delays_seconds: Sequence[float] = (1, 5),
        timeout_seconds: float = 5,
    ) -> None:
        self.attempts, self.delays_seconds = attempts, tuple(delays_seconds)
        self.timeout_seconds = timeout_seconds
        self.endpoints: list[Endpoint] = []
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT)
        self._queue: deque[Delivery] = deque()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._busy = self._held = False
        self._drop = self._double = 0

    def emit(self, provider: str, event: str, body: Record, *, signed: bool = True) -> None:
        """Tell every endpoint that wants to know."""
        if not self.endpoints:
            return
        raw = json.dumps(body, separators=(",", ":")).encode()
        with self._news:
            for endpoint in self.endpoints:
                if endpoint.wants(provider, event):
                    self._enqueue(Delivery(endpoint, event, raw, _headers(endpoint, raw, signed)))

    def ping(self, endpoint: Endpoint, body: Record, *, signed: bool) -> None:
        """Send the test ping of a new endpoint."""
        raw = json.dumps(body, separators=(",", ":")).encode()
        with self._news:
            self._enqueue(Delivery(endpoint, "ping", raw, _headers(endpoint, raw, signed)))

    def drop(self, count: int = 1) -> None:
        """Lose the next so many deliveries."""
        self._drop += count

    def double(self, count: int = 1) -> None:
        """Send each of the next so many deliveries twice."""
        self._double += count

    def hold(self) -> None:
        """Keep deliveries back until `release`."""
        self._held = True

    def release(self, *, shuffle: bool = False, seed: int | None = None) -> None:
        """Send what was held back, in another order if wanted."""
        with self._news:
            if shuffle:
                waiting = list(self._queue)
                random.Random(seed).shuffle(waiting)
                self._queue = deque(waiting)
            self._held = False
            self._wake()

    def resend(self, delivery: Delivery) -> None:
        """Send a delivery once more, byte for byte."""
        again = Delivery(delivery.endpoint, delivery.event, delivery.body, dict(delivery.headers))
        with self._news:
            self._enqueue(again)

    def wait(self, timeout_seconds: float = 30) -> None:
        """Return when all deliveries have ended, or raise TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: not self._queue and not self._busy, timeout_seconds):
                raise TimeoutError(f"{len(self._queue)} deliveries still wait")

    def close(self) -> None:
        """Stop sending; what still waits is lost. The next event starts it anew."""
        with self._news:
            self._closed.set()
            self._closed = threading.Event()
            self._thread = None
            self._busy = False
            self._queue.clear()
            self._news.notify_all()

    def _enqueue(self, delivery: Delivery) -> None:
        if self._drop:
            self._drop -= 1
            delivery.outcomes.append("dropped")
            self.deliveries.append(delivery)
            return
        times = 2 if self._double else 1
        self._double = max(0, self._double - 1)
        self._queue.extend([delivery] * times)
        self.deliveries.append(delivery)
        self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, args=(self._closed,), daemon=True)
            self._thread.start()
        self._news.notify_all()

    def _work(self, closed: threading.Event) -> None:
        while not closed.is_set():
            with self._news:
                self._news.wait_for(lambda: closed.is_set() or (self._queue and not self._held))
                if closed.is_set():
                    return
                delivery = self._queue.popleft()
                self._busy = True
            self._deliver(delivery, closed)
            with self._news:
                self._busy = self._busy and closed.is_set()
                self._news.notify_all()

    def _deliver(self, delivery: Delivery, closed: threading.Event) -> None:
        """Try until answered 200 or out of attempts."""
        for attempt in range(self.attempts):
            if attempt and closed.wait(self._pause(attempt)):
                return
            delivery.outcomes.append(self._post(delivery))
            if delivery.arrived:
                return

    def _pause(self, attempt: int) -> float:
        """Seconds before this attempt (1 is the second); the last delay repeats."""
        if not self.delays_seconds:
            return 0.0
        return self.delays_seconds[min(attempt, len(self.delays_seconds)) - 1]

    def _post(self, delivery: Delivery) -> int | str:
        """Send once; the status answered, or what went wrong."""
        url = urlsplit(delivery.endpoint.url)
        secure = url.scheme == "https"
        maker = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            connection = maker(url.hostname or "", url.port, timeout=self.timeout_seconds)
            try:
                body = iter([delivery.body]) if delivery.endpoint.chunked else delivery.body
                connection.request("POST", target, body, delivery.headers)
                return connection.getresponse().status
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as problem:
            return f"{type(problem).__name__}: {problem}"


def signature(secret: str, body: bytes) -> str:
    """NexaDesk's signature of a raw body: sha256= and the HMAC in lower-case hex."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _headers(endpoint: Endpoint, body: bytes, signed: bool) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": f"{endpoint.provider}-webhooks"}
    if endpoint.provider == "nexadesk" and signed and endpoint.secret:
        headers[SIGNATURE] = signature(endpoint.secret, body)
    return headers
