"""How much one address may be posted to: so many a minute, and so many waiting."""

import threading
import time
from collections.abc import Callable

from django.conf import settings

from portal.deliveries import store

_COUNTED_FOR_SECONDS = 5.0


class Limits:
    """The limits of this process: a bucket and the last count of each connection."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._buckets: dict[int, tuple[float, float]] = {}
        self._full: dict[int, tuple[float, bool]] = {}

    def allow(self, connection_id: int) -> bool:
        """Whether one more may be stored; if so, it is counted."""
        return not self._is_full(connection_id) and self._take(connection_id)

    def _take(self, connection_id: int) -> bool:
        most = settings.WEBHOOKS_PER_MINUTE
        with self._lock:
            now = self._clock()
            left, at = self._buckets.get(connection_id, (float(most), now))
            left = min(most, left + (now - at) * most / 60)
            allowed = left >= 1
            self._buckets[connection_id] = (left - 1 if allowed else left, now)
        return allowed

    def _is_full(self, connection_id: int) -> bool:
        """Whether too many wait. Counted seldom: a few more or less do no harm."""
        now = self._clock()
        at, full = self._full.get(connection_id, (0.0, False))
        if connection_id not in self._full or now - at > _COUNTED_FOR_SECONDS:
            most = settings.WEBHOOKS_WAITING
            full = store.waiting(connection_id, most + 1) > most
            self._full[connection_id] = (now, full)
        return full


LIMITS = Limits()
