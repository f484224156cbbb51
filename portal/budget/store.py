"""
One sliding window per key, shared by all processes.

The window's row is the lock: whoever wants to call takes it, drops what is older than the
window, counts, and writes itself down before the call leaves. Background work stops at
70 % of the limit, so that people always find room. What a provider says is left
(`X-RateLimit-Remaining`) tells of other programs with the same key: their calls take places
of our window, too. Source: facts A3, B1.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import transaction

from portal.budget.models import Window

# A call is counted when it starts but reaches the provider a little later: its place is
# kept this much longer than the provider's own 60 s, so that two windows never overlap.
WINDOW_SECONDS: float = settings.BUDGET_WINDOW_SECONDS
SLACK_SECONDS = 2.0
BACKGROUND_SHARE = 0.7
LONGEST_CLOSING_SECONDS = 900.0
MOST_CALLS = 100_000
# What other programs use is only told. So many of the places are kept for people whatever is
# said: where nothing is left indeed, the provider's 429 says until when.
SURE_FOR_PEOPLE = 0.1


class Lane(StrEnum):
    PEOPLE = "people"
    BACKGROUND = "background"


ELSEWHERE = "elsewhere"
"""In a window's `calls`: one that another program made."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The last minute of one key. `closed_seconds` is how long nobody may call."""

    limit: int
    people: int = 0
    background: int = 0
    elsewhere: int = 0
    closed_seconds: float = 0.0

    @property
    def used(self) -> int:
        return min(self.limit, self.people + self.background + self.elsewhere)


def take(key_mark: str, lane: Lane, *, limit: int) -> float:
    """
    Take one call of the key's window. 0.0: it is yours. Else: seconds to wait, nothing taken.

    `limit` is used when the key is seen for the first time.
    """
    Window.objects.get_or_create(key_mark=key_mark, defaults={"limit": limit})
    with transaction.atomic():
        window = Window.objects.select_for_update().get(key_mark=key_mark)
        now = time.time()
        if window.closed_until > now:
            return window.closed_until - now
        calls = _recent(window.calls, now)
        counted, room = _counted(calls, lane, window.limit)
        if len(counted) >= room:
            oldest_to_leave = counted[len(counted) - room][0]
            return max(0.05, float(oldest_to_leave) + WINDOW_SECONDS + SLACK_SECONDS - now)
        window.calls = [*calls, [now, lane.value]]
        window.save(update_fields=["calls"])
    return 0.0


def _counted(
    calls: list[list[float | str]], lane: Lane, limit: int
) -> tuple[list[list[float | str]], int]:
    """The calls that stand in this lane's way, and how many of them may."""
    if lane is Lane.BACKGROUND:
        return calls, max(1, int(limit * BACKGROUND_SHARE))
    sure = max(1, int(limit * SURE_FOR_PEOPLE))
    if len(calls) >= limit and sum(who == Lane.PEOPLE for _, who in calls) < sure:
        return [call for call in calls if call[1] != ELSEWHERE], limit
    return calls, limit


def note_slow(key_mark: str, started: float) -> None:
    """A call that started at `started` took long: the provider may have counted it only now."""
    with transaction.atomic():
        window = Window.objects.select_for_update().get(key_mark=key_mark)
        for call in window.calls:
            if call[0] <= started and call[0] >= started - 1:
                call[0] = time.time()
                break
        window.calls.sort()
        window.save(update_fields=["calls"])


def close(key_mark: str, seconds: float) -> None:
    """The provider told us to wait: no process calls with this key for so many seconds."""
    until = time.time() + min(max(seconds, 1.0), LONGEST_CLOSING_SECONDS)
    Window.objects.filter(key_mark=key_mark, closed_until__lt=until).update(closed_until=until)


def learn_limit(key_mark: str, limit: int) -> None:
    """The provider told this key's limit (calls in 60 s)."""
    if 1 <= limit <= MOST_CALLS:
        Window.objects.filter(key_mark=key_mark).exclude(limit=limit).update(limit=limit)


def learn_remaining(key_mark: str, *, limit: int, remaining: int) -> None:
    """
    The provider told how many of `limit` calls were left. What none of our processes took,
    another program with the same key did: it takes places of our window, too.

    It never makes room: of our calls more may be counted here than there (some are under way,
    a rejected one may not count), and what is left by that is not ours to use.
    """
    if not (1 <= limit <= MOST_CALLS and 0 <= remaining < limit):
        return
    used, now = limit - remaining, time.time()
    known = Window.objects.filter(key_mark=key_mark).values_list("calls", flat=True).first()
    if known is None or used <= len(_recent(known, now)):
        return
    with transaction.atomic():
        window = Window.objects.select_for_update().get(key_mark=key_mark)
        calls = _recent(window.calls, now)
        more = min(used, window.limit) - len(calls)
        window.calls = [*calls, *([now, ELSEWHERE] for _ in range(more))]
        window.save(update_fields=["calls"])


def usage(key_marks: Iterable[str]) -> dict[str, Usage]:
    """The last minute of each of these keys, by mark; unknown keys are left out."""
    now = time.time()
    found = {}
    for window in Window.objects.filter(key_mark__in=list(key_marks)):
        lanes = [lane for at, lane in window.calls if at > now - WINDOW_SECONDS]
        found[window.key_mark] = Usage(
            window.limit,
            people=lanes.count(Lane.PEOPLE),
            background=lanes.count(Lane.BACKGROUND),
            elsewhere=lanes.count(ELSEWHERE),
            closed_seconds=max(0.0, window.closed_until - now),
        )
    return found


def _recent(calls: list[list[float | str]], now: float) -> list[list[float | str]]:
    """The calls that still count, oldest first; one dated in the future counts from now."""
    kept = [call for call in calls if float(call[0]) > now - WINDOW_SECONDS - SLACK_SECONDS]
    return sorted([min(float(at), now), lane] for at, lane in kept)
