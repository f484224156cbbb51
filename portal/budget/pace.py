"""How fast background work gets on with a key: asked, never taken (`store.take` does that)."""

import time
from dataclasses import dataclass

from portal.budget import store
from portal.budget.models import Window

CYCLE_SECONDS = store.WINDOW_SECONDS + store.SLACK_SECONDS
"""A call's place is free again so long after it was taken."""
# Others may fill the window now; for long work they are not expected to leave less than this.
_LEAST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Pace:
    """`free_now` calls could leave at once, then `each_cycle` in every cycle of the window."""

    free_now: int
    each_cycle: int
    closed_seconds: float = 0.0

    def seconds_for(self, calls: int) -> float:
        """How long so many calls take, the time of the calls themselves left out."""
        late = max(0, calls - self.free_now)
        return self.closed_seconds + -(-late // self.each_cycle) * CYCLE_SECONDS


def background_pace(key_mark: str, *, limit: int, others: float = 0.0) -> Pace:
    """
    What background work may expect of a key, if people and other programs go on as in the last
    minute and other background work takes `others` calls in a cycle.

    `limit` is used where the key was never seen.
    """
    window = Window.objects.filter(key_mark=key_mark).first()
    now = time.time()
    limit = window.limit if window else limit
    share = max(1, int(limit * store.BACKGROUND_SHARE))
    lanes = [lane for at, lane in window.calls if at > now - CYCLE_SECONDS] if window else []
    closed = max(0.0, window.closed_until - now) if window else 0.0
    each = share - lanes.count(store.Lane.PEOPLE) - lanes.count(store.ELSEWHERE) - round(others)
    least = max(1, int(share * _LEAST_SHARE))
    return Pace(max(0, share - len(lanes)), max(least, each), closed)


def wait_for(key_mark: str, *, limit: int, calls: int = 1) -> float:
    """Seconds until background work may make so many calls in a row; 0.0: now."""
    window = Window.objects.filter(key_mark=key_mark).first()
    if window is None:
        return 0.0
    now = time.time()
    if window.closed_until > now:
        return window.closed_until - now
    recent = sorted(min(float(at), now) for at, _ in window.calls if at > now - CYCLE_SECONDS)
    share = max(1, int(window.limit * store.BACKGROUND_SHARE))
    too_many = len(recent) + min(calls, share) - share
    return max(0.05, recent[too_many - 1] + CYCLE_SECONDS - now) if too_many > 0 else 0.0
