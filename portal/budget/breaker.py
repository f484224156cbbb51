"""
When a provider fails again and again it is left alone for a while, by all processes.

After 5 failures in a row no call starts for 30 s; then one call tries, and if that fails too
the pause doubles, up to 10 minutes. Repeats of reads are paid from 500 tokens, so that a
provider in trouble gets few more calls than it would without them (reliability 2, F8).
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least

from portal.budget.models import Breaker

FAILURES_IN_A_ROW = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 30.0, 600.0
TOKENS, REPEAT_COSTS, REPEAT_AFTER_SILENCE_COSTS = 500, 5, 10


@dataclass(frozen=True, slots=True)
class Rest:
    """The provider of a key is left alone: how often it failed in a row, until when."""

    failures: int
    seconds_left: float


def enter(key_mark: str) -> tuple[float, bool]:
    """
    How many seconds until a call may start (0.0: now; nothing else is taken), and whether it
    is the one that tries whether the provider answers again.
    """
    row = Breaker.objects.filter(key_mark=key_mark, failures__gte=FAILURES_IN_A_ROW).first()
    if row is None:
        return 0.0, False
    now = time.time()
    # A clock that jumped back cannot make a pause longer than it was.
    if now < row.open_until <= now + row.pause_seconds:
        return row.open_until - now, False
    # Whoever moves the end of the pause is the one that tries.
    trying = Breaker.objects.filter(pk=row.pk, open_until=row.open_until)
    if trying.update(open_until=now + row.pause_seconds):
        return 0.0, True
    return row.pause_seconds, False


def failed(key_mark: str, *, trial: bool) -> None:
    """A call brought no answer, or a 5xx. `trial` is what `enter` said of it."""
    Breaker.objects.get_or_create(key_mark=key_mark)
    with transaction.atomic():
        row = Breaker.objects.select_for_update().get(key_mark=key_mark)
        if row.failures >= FAILURES_IN_A_ROW and not trial:
            return  # It was under way when the pause began.
        row.failures += 1
        if row.failures >= FAILURES_IN_A_ROW:
            row.pause_seconds = _longer(row.pause_seconds)
            row.open_until = time.time() + row.pause_seconds
        row.save()


def _longer(pause_seconds: float) -> float:
    return min(max(pause_seconds * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)


def answered(key_mark: str) -> None:
    """A call was answered: no pause, and one token more. Costs nothing while all is well."""
    troubled = Breaker.objects.filter(key_mark=key_mark).exclude(failures=0, tokens=TOKENS)
    troubled.update(
        failures=0, pause_seconds=0, open_until=0, tokens=Least(F("tokens") + 1, TOKENS)
    )


def pay_for_repeat(key_mark: str, *, timed_out: bool) -> bool:
    """Whether a read may be tried once more; if so it is paid for."""
    cost = REPEAT_AFTER_SILENCE_COSTS if timed_out else REPEAT_COSTS
    row, _ = Breaker.objects.get_or_create(key_mark=key_mark)
    if row.failures >= FAILURES_IN_A_ROW:
        return False
    paid = Breaker.objects.filter(pk=row.pk, tokens__gte=cost)
    return bool(paid.update(tokens=Greatest(F("tokens") - cost, 0)))


def rests(key_marks: Iterable[str]) -> dict[str, Rest]:
    """How the providers of these keys are left alone now, by mark; the others are left out."""
    now = time.time()
    rows = Breaker.objects.filter(key_mark__in=list(key_marks), failures__gte=FAILURES_IN_A_ROW)
    return {row.key_mark: Rest(row.failures, max(0.0, row.open_until - now)) for row in rows}


def forget(key_mark: str) -> None:
    """A person said: try again now."""
    Breaker.objects.filter(key_mark=key_mark).delete()
