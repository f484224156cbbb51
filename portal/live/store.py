"""Writing down what changed, and reading what is new since a number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from portal.live.models import Change, Version

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class News:
    """What changed after a number: `changes` are (kind, record id), each once; `number` is now."""

    number: int
    changes: tuple[tuple[str, int], ...]
    complete: bool = True


def note(workspace_id: int, kind: str, record_ids: Iterable[int]) -> None:
    """
    Write down that these records changed. Runs inside the transaction that changed them:
    the version's row stays locked until its end.
    """
    ids = sorted(set(record_ids))
    if not ids:
        return
    with transaction.atomic():
        number = _next(workspace_id)
        Change.objects.bulk_create(
            [
                Change(workspace_id=workspace_id, number=number, kind=kind, record_id=pk)
                for pk in ids
            ]
        )


def version(workspace_id: int) -> int:
    """The workspace's number now; 0 if nothing ever changed."""
    row = Version.objects.filter(workspace_id=workspace_id).values_list("number", flat=True)
    return row.first() or 0


def since(workspace_id: int, number: int, limit: int = 500) -> News:
    """
    What changed after `number`. `complete` is False if older changes were pruned or there
    are more than `limit`: then the page reads everything again.
    """
    now = version(workspace_id)
    rows: Sequence[tuple[str, int]] = list(
        Change.objects.filter(workspace_id=workspace_id, number__gt=number, number__lte=now)
        .order_by("number", "id")
        .values_list("kind", "record_id")[: limit + 1]
    )
    oldest = (
        Change.objects.filter(workspace_id=workspace_id)
        .order_by("number")
        .values_list("number", flat=True)
        .first()
    )
    pruned = now > number and (oldest is None or oldest > number + 1)
    complete = len(rows) <= limit and not pruned
    return News(now, tuple(dict.fromkeys(rows[:limit])), complete)


def prune() -> int:
    """Forget changes older than a day; return how many."""
    return Change.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]


def _next(workspace_id: int) -> int:
    rows = Version.objects.filter(workspace_id=workspace_id)
    if not rows.update(number=F("number") + 1):
        Version.objects.get_or_create(workspace_id=workspace_id)
        rows.update(number=F("number") + 1)
    return rows.values_list("number", flat=True)[0]
