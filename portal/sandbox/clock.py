"""The sandbox's time: the machine's, or set wrong on purpose."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate


class Clock:
    """Unix seconds from `source`, shifted by `offset_seconds` to act a clock that is wrong."""

    def __init__(self, source: Callable[[], float] | None = None) -> None:
        self._source = source
        self.offset_seconds = 0.0

    def now(self) -> float:
        """Unix seconds."""
        return (self._source or time.time)() + self.offset_seconds

    def time(self) -> datetime:
        """Now, in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def http_date(self) -> str:
        """Now, as the `Date` header has it."""
        return formatdate(self.now(), usegmt=True)


def milliseconds(moment: datetime) -> str:
    """2026-04-02T09:12:44.000Z, the form of NexaDesk."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def seconds(moment: datetime) -> str:
    """2026-04-02T09:12:44Z, the form of Dexra's conversations."""
    text = moment.astimezone(UTC).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z"
