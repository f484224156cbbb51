"""
Faults to order.

A fault is a name with a few values. The server acts on it in four places:

* before the call is applied    delay, silence, reset_before_apply, and the canned answers
                                (status, redirect, html, garbage, empty, gzip_bomb)
* after it was applied          delay_after_apply, reset_after_apply, apply_late
* on the JSON of the answer     `shapes.py`: success_false, no_pagination, looping_cursor, ...
* on the socket                 `wire.py`: drip, cut_body, wrong_content_length, reset_during
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .exchange import Call, Record
from .requests import under
from .shapes import SHAPES

CANNED = ("status", "redirect", "html", "garbage", "empty", "gzip_bomb")
TIMES = ("delay", "delay_after_apply", "silence", "apply_late")
BROKEN_OFF = ("reset_before_apply", "reset_after_apply", "reset_during", "drip", "cut_body")
NAMES = frozenset((*CANNED, *TIMES, *BROKEN_OFF, "wrong_content_length", *SHAPES))


@dataclass(frozen=True)
class Fault:
    """
    One thing that goes wrong. Make it with the class methods below.

    `apply` says for a canned answer whether the call takes effect all the same.
    """

    name: str
    status_code: int = 200
    seconds: float = 0.0
    amount: int = 0
    part: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    apply: bool = False

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ValueError(f"no fault is named {self.name!r}; there are {sorted(NAMES)}")

    @classmethod
    def status(
        cls,
        code: int,
        *,
        headers: Mapping[str, str] | None = None,
        text: str | None = None,
        apply: bool = False,
    ) -> Self:
        """Answer this status, with the API's error body, or `text` as a plain-text body."""
        return cls("status", status_code=code, headers=headers or {}, text=text, apply=apply)

    @classmethod
    def redirect(cls, location: str, code: int = 302) -> Self:
        """Answer a redirect."""
        return cls("redirect", status_code=code, headers={"Location": location})

    @classmethod
    def html(cls, code: int = 200, *, apply: bool = False) -> Self:
        """Answer an HTML page, as a proxy in between would."""
        return cls("html", status_code=code, apply=apply)

    @classmethod
    def garbage(cls, code: int = 200, *, text: str | None = None, apply: bool = False) -> Self:
        """Answer bytes that are not JSON but say they are; `text` chooses them."""
        return cls("garbage", status_code=code, text=text, apply=apply)

    @classmethod
    def empty(cls, code: int = 200, *, apply: bool = False) -> Self:
        """Answer without a body."""
        return cls("empty", status_code=code, apply=apply)

    @classmethod
    def gzip_bomb(cls, megabytes: int = 300) -> Self:
        """Answer a small gzip body that unpacks to this size."""
        return cls("gzip_bomb", amount=megabytes)

    @classmethod
    def delay(cls, seconds: float) -> Self:
        """Wait before the call is applied."""
        return cls("delay", seconds=seconds)

    @classmethod
    def delay_after_apply(cls, seconds: float) -> Self:
        """Apply the call, then wait before answering."""
        return cls("delay_after_apply", seconds=seconds)

    @classmethod
    def silence(cls) -> Self:
        """Never answer; the connection stays open."""
        return cls("silence")

    @classmethod
    def reset_before_apply(cls) -> Self:
        """Reset the connection; the call had no effect."""
        return cls("reset_before_apply")

    @classmethod
    def reset_after_apply(cls) -> Self:
        """Apply the call and reset the connection: the answer is lost."""
        return cls("reset_after_apply")

    @classmethod
    def apply_late(cls, seconds: float) -> Self:
        """Reset the connection, and apply the call this many seconds later."""
        return cls("apply_late", seconds=seconds)

    @classmethod
    def reset_during(cls, part: str) -> Self:
        """Apply the call, then reset within the answer's "status" line, "headers" or "body"."""
        return cls("reset_during", part=_part(part, "status", "headers", "body"))

    @classmethod
    def drip(cls, seconds_per_byte: float = 0.05, part: str = "body") -> Self:
        """Send the answer's "headers" or "body" byte by byte."""
        return cls("drip", seconds=seconds_per_byte, part=_part(part, "headers", "body"))

    @classmethod
    def cut_body(cls, keep_bytes: int | None = None) -> Self:
        """Promise the whole body, send so many bytes of it (half by default), and close."""
        return cls("cut_body", amount=-1 if keep_bytes is None else keep_bytes)

    @classmethod
    def wrong_content_length(cls, difference: int = 7) -> Self:
        """Promise more (or, below zero, fewer) bytes than are sent, and close."""
        return cls("wrong_content_length", amount=difference)

    @classmethod
    def shape(cls, name: str) -> Self:
        """Answer well-formed JSON of the wrong shape; the names are those of `shapes.SHAPES`."""
        if name not in SHAPES:
            raise ValueError(f"no shape is named {name!r}; there are {sorted(SHAPES)}")
        return cls(name)

    @classmethod
    def success_false(cls) -> Self:
        """Answer 200 with `success: false`."""
        return cls("success_false")

    @classmethod
    def data_not_list(cls) -> Self:
        """Answer an object where a list belongs, and a list where an object belongs."""
        return cls("data_not_list")

    @classmethod
    def no_pagination(cls) -> Self:
        """Leave out `pagination` (NexaDesk) or `meta` (Dexra)."""
        return cls("no_pagination")

    @classmethod
    def looping_cursor(cls) -> Self:
        """Name the cursor just used as the next one. Order it with `times=None`."""
        return cls("looping_cursor")

    @classmethod
    def has_more_without_cursor(cls) -> Self:
        """Say there is more, but not where."""
        return cls("has_more_without_cursor")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """A fault from the control surface: {"name": "status", "status_code": 503}."""
        known = {"name", "status_code", "seconds", "amount", "part", "headers", "text", "apply"}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"a fault has no {', '.join(unknown)}; it has {sorted(known)}")
        return cls(**{"name": "", **values})


def _part(part: str, *allowed: str) -> str:
    if part not in allowed:
        raise ValueError(f"part must be one of {allowed}, not {part!r}")
    return part


@dataclass
class Order:
    """A fault waiting for its call; `times` None means every call from now on."""

    fault: Fault
    provider: str = "*"
    method: str = "*"
    path: str = "*"
    times: int | None = 1

    def fits(self, call: Call) -> bool:
        """Whether this order is meant for the call."""
        return (
            self.provider in ("*", call.provider)
            and self.method in ("*", call.method)
            and under(self.path, call.path)
        )

    def dump(self) -> Record:
        """The order as JSON."""
        return {
            "fault": self.fault.name,
            "provider": self.provider,
            "method": self.method,
            "path": self.path,
            "times": self.times,
        }


class FaultQueue:
    """Ordered faults; the first that fits a call is taken."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._lock = threading.Lock()

    def add(self, order: Order) -> None:
        """Queue an order."""
        with self._lock:
            self._orders.append(order)

    def take(self, call: Call) -> Fault | None:
        """The fault of this call, if one was ordered."""
        with self._lock:
            for order in self._orders:
                if order.fits(call):
                    self._use(order)
                    return order.fault
        return None

    def _use(self, order: Order) -> None:
        if order.times is None:
            return
        order.times -= 1
        if order.times <= 0:
            self._orders.remove(order)

    def pending(self) -> list[Order]:
        """The orders still waiting."""
        with self._lock:
            return list(self._orders)

    def clear(self) -> None:
        """Cancel all."""
        with self._lock:
            self._orders.clear()
