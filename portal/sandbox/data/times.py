"""Moments of the last eighteen months, more of them lately."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

SPAN = timedelta(days=548)
FRESH_SHARE = 0.03
FRESH = timedelta(hours=9)


class Past:
    """Moments before `now`."""

    def __init__(self, now: datetime, chance: random.Random) -> None:
        self.now, self._chance = now, chance

    def moments(self, count: int) -> list[datetime]:
        """So many moments, oldest first; a few lie within the last hours."""
        return sorted(self._moment() for _ in range(count))

    def after(self, moment: datetime) -> datetime:
        """A moment between this one and now, rather soon after it."""
        return moment + (self.now - moment) * self._chance.random() ** 3

    def _moment(self) -> datetime:
        if self._chance.random() < FRESH_SHARE:
            return self.now - FRESH * self._chance.uniform(0.003, 1)
        share: float = self._chance.uniform(0.02, 1) ** 1.7
        return self.now - SPAN * share
