"""
Who runs a batch, and how its rows end.

Whoever runs it holds its lease and is fenced by the attempt: who was silent too long finds it
taken. A row that was done or has failed stays so.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.batches import store
from portal.batches.models import Batch, BatchRow
from portal.batches.store import DONE, FAILED, ON_ITS_WAY, WAITING, rows

LEASE = timedelta(seconds=90)
LATE = timedelta(days=30)
"""So long the rows of a batch that ended are still settled by how their writes end."""


def finish(batch: Batch) -> bool:
    """All its rows were tried."""
    mine = Batch.objects.filter(
        pk=batch.pk, status=Batch.Status.RUNNING, attempt=batch.attempt
    ).exclude(rows__status=WAITING)
    done = {"status": Batch.Status.DONE, "finished_at": timezone.now(), "lease_until": None}
    ended = Batch.objects.filter(pk__in=mine.values("pk")).update(**done)
    batch.refresh_from_db(fields=["status", "finished_at"])
    return ended == 1


def claim(batch_id: int) -> Batch | None:
    """Take a running batch that nobody holds: next attempt, new lease. None if there is none."""
    now = timezone.now()
    free = Batch.objects.filter(_free(now), pk=batch_id, status=Batch.Status.RUNNING)
    if not free.update(attempt=F("attempt") + 1, lease_until=now + LEASE):
        return None
    return store.by_id(batch_id)


def begin_row(batch: Batch, row: BatchRow) -> int:
    """
    Hold the batch a little longer, and count how often this row was begun; 0 if it is not ours
    any more, or does not run.
    """
    number, tries = batch.options.get("at") or (0, 0)
    tries = tries + 1 if number == row.number else 1
    batch.options = {**batch.options, "at": [row.number, tries]}
    held = _held(batch).update(options=batch.options, lease_until=timezone.now() + LEASE)
    return tries if held else 0


def put_off(batch: Batch, seconds: float) -> None:
    """Give it back: nobody need look at it for so many seconds."""
    _held(batch).update(lease_until=timezone.now() + timedelta(seconds=seconds))


def _held(batch: Batch) -> "QuerySet[Batch]":
    return Batch.objects.filter(pk=batch.pk, status=Batch.Status.RUNNING, attempt=batch.attempt)


def due() -> list[int]:
    """Ids of the running batches that nobody holds."""
    found = Batch.objects.filter(_free(timezone.now()), status=Batch.Status.RUNNING)
    return list(found.order_by("id").values_list("pk", flat=True))


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=now)


def next_rows(batch: Batch, most: int = 50) -> Sequence[BatchRow]:
    """The rows to be tried next, in their order."""
    waiting = BatchRow.objects.filter(batch=batch, status=WAITING).order_by("number")
    return list(waiting.select_related("connection")[:most])


def settle_row(
    row: BatchRow, status: str, reason: str = "", *, write_id: int | None = None
) -> None:
    """How a row ended, or that it is on its way; what was done or failed stays so."""
    changes: dict[str, Any] = {"status": status, "reason": reason[:500]}
    if write_id is not None:
        changes["write_id"] = write_id
    open_ones = BatchRow.objects.filter(pk=row.pk).exclude(status__in=[DONE, FAILED])
    open_ones.update(**changes)


def on_their_way(batch: Batch) -> "QuerySet[BatchRow]":
    """Rows that were tried and are not settled, with their writes."""
    return rows(batch, ON_ITS_WAY)


def left_open() -> "QuerySet[Batch]":
    """Batches of the last weeks that have rows on their way, whether they ended or not."""
    young = Batch.objects.filter(created_at__gt=timezone.now() - LATE)
    return young.filter(Exists(_of_outer(ON_ITS_WAY)))


def _of_outer(status: str) -> "QuerySet[BatchRow]":
    return BatchRow.objects.filter(batch_id=OuterRef("pk"), status=status)
