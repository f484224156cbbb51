"""API keys: who may call what, from where, and how often."""

from __future__ import annotations

import math
import random
import string
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .exchange import Call, Record, Refusal

PREFIX = {"nexadesk": "fc_live_", "dexra": "dx_"}
LENGTH = 40
UNLIMITED = 1_000_000
"""Shown as the limit of a key whose rate limit is switched off."""

READ_METHODS = ("GET", "HEAD")


@dataclass(frozen=True)
class Allowance:
    """What a key may still do: calls per window, calls left, Unix second of the next free call."""

    limit: int
    remaining: int
    reset: int


@dataclass
class Key:
    """
    One key of one workspace.

    `rate` is calls per window, None for no limit; `addresses` empty means any address.
    `calls` are the times (Unix seconds) of the calls still inside the window.
    """

    value: str
    provider: str
    scopes: frozenset[str] = frozenset({"read", "write"})
    rate: int | None = 100
    addresses: tuple[str, ...] = ()
    revoked: bool = False
    calls: deque[float] = field(default_factory=deque, repr=False)

    def allowance(self, now: float, window_seconds: float) -> Allowance:
        """How much of the sliding window is left."""
        while self.calls and self.calls[0] <= now - window_seconds:
            self.calls.popleft()
        if self.rate is None:
            return Allowance(UNLIMITED, UNLIMITED, math.ceil(now + window_seconds))
        first = self.calls[0] if self.calls else now
        remaining = max(0, self.rate - len(self.calls))
        return Allowance(self.rate, remaining, math.ceil(first + window_seconds))

    def count(self, now: float, window_seconds: float) -> None:
        """Count one call, or refuse it with 429; a refused call is not counted."""
        left = self.allowance(now, window_seconds)
        if left.remaining == 0:
            wait = max(1, math.ceil(self._frees_at(window_seconds) - now))
            raise Refusal(429, "Rate limit exceeded", {"Retry-After": str(wait)})
        if self.rate is not None:
            self.calls.append(now)

    def _frees_at(self, window_seconds: float) -> float:
        """When the next call may be made: the call `rate` places back leaves the window."""
        place = len(self.calls) - (self.rate or 0)
        return self.calls[place] + window_seconds if 0 <= place < len(self.calls) else math.inf

    def check_scope(self, method: str) -> None:
        """Refuse a method the key has no scope for; write does not include read."""
        scope = "read" if method in READ_METHODS else "write"
        if scope not in self.scopes:
            raise Refusal(403, f"API key does not have the '{scope}' scope")

    def check_address(self, address: str) -> None:
        """Refuse an address that is not on the key's list."""
        if self.addresses and address not in self.addresses:
            raise Refusal(403, f"Address {address} is not allowed for this API key")


class KeyRing:
    """All keys of a sandbox, dead ones too."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._keys.values()))

    def add(self, key: Key) -> Key:
        """Put a key on the ring, replacing one of the same value."""
        self._keys[key.value] = key
        return key

    def find(self, call: Call) -> Key:
        """The living key of a call, or a 401."""
        key = self.known(call)
        if key is None or key.revoked:
            raise Refusal(401, "Missing or invalid API key")
        return key

    def known(self, call: Call) -> Key | None:
        """The key of a call, dead or alive, if it is one of this provider's."""
        key = self._keys.get(call.key)
        return key if key is not None and key.provider == call.provider else None

    def revoke(self, value: str) -> None:
        """From now on this key gets 401."""
        self._keys[value].revoked = True

    def dump(self) -> list[Record]:
        """The keys as JSON, without their windows."""
        return [
            {
                "key": key.value,
                "provider": key.provider,
                "scopes": sorted(key.scopes),
                "rate": key.rate,
                "addresses": list(key.addresses),
                "revoked": key.revoked,
            }
            for key in self._keys.values()
        ]

    def load(self, rows: Iterable[Record]) -> None:
        """Take back what `dump` gave."""
        for row in rows:
            self.add(
                Key(
                    value=row["key"],
                    provider=row["provider"],
                    scopes=frozenset(row["scopes"]),
                    rate=row["rate"],
                    addresses=tuple(row["addresses"]),
                    revoked=row["revoked"],
                )
            )


def new_value(provider: str, randomness: random.Random | None = None) -> str:
    """A fresh key in the provider's form; the same each time for a seeded randomness."""
    letters = string.ascii_letters + string.digits
    pick = randomness or random.SystemRandom()
    return PREFIX[provider] + "".join(pick.choices(letters, k=LENGTH))
