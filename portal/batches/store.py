"""
The states of a batch and its rows, changed only here.

draft -> running <-> paused -> done | cancelled. Whoever runs a batch holds its lease, and is
fenced by the attempt: who was silent too long finds it taken. A row that was settled stays so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.db import models, transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from portal.batches.models import Batch, BatchRow
from portal.team.models import User, Workspace

LEASE = timedelta(seconds=90)
LARGEST = 50_000
"""Rows of one batch."""
DRAFTS_KEPT = timedelta(days=1)
LATE = timedelta(days=30)
"""So long the rows of a batch that ended are still settled by how their writes end."""
# Rows of one transaction: nobody else waits long for the database.
_AT_ONCE = 500
_MADE_WITHIN = timedelta(minutes=2)

WAITING, ON_ITS_WAY = BatchRow.Status.WAITING, BatchRow.Status.ON_ITS_WAY
DONE, SKIPPED, FAILED = BatchRow.Status.DONE, BatchRow.Status.SKIPPED, BatchRow.Status.FAILED
STOPPED = "Cancelled before it was tried."
"""The reason of rows that a cancelled batch left."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows stand how."""

    waiting: int = 0
    on_its_way: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.waiting + self.on_its_way + self.settled

    @property
    def settled(self) -> int:
        return self.done + self.skipped + self.failed


def create(
    workspace: Workspace,
    *,
    kind: str,
    action: str,
    connection: Any,
    actor: User | None,
    form_id: str,
    title: str,
    rows: Iterable[BatchRow],
    options: Mapping[str, Any] | None = None,
    undoes: Batch | None = None,
    status: str = Batch.Status.DRAFT,
) -> Batch:
    """
    A batch of these rows (not saved yet; numbered here from 1). The same `form_id` never
    makes two.

    The rows are stored some hundreds at a time, so that nobody waits long for the database:
    until all are there the batch is a draft without a total and cannot be started. `status`
    RUNNING starts it then.
    """
    batch, made = Batch.objects.get_or_create(
        workspace=workspace,
        form_id=form_id,
        defaults={
            "kind": kind,
            "action": action,
            "connection": connection,
            "actor": actor,
            "title": title[:200],
            "options": dict(options or {}),
            "undoes": undoes,
        },
    )
    if made or _abandoned(batch):
        _fill(batch, rows)
        if status == Batch.Status.RUNNING:
            start(batch)
        batch.refresh_from_db()
    return batch


def _abandoned(batch: Batch) -> bool:
    """Whether who made it was killed before all its rows were stored."""
    old = batch.created_at < timezone.now() - _MADE_WITHIN
    return batch.status == Batch.Status.DRAFT and batch.total == 0 and old


def _fill(batch: Batch, rows: Iterable[BatchRow]) -> None:
    BatchRow.objects.filter(batch=batch).delete()
    number = 0
    for some in batched(rows, _AT_ONCE):
        for row in some:
            number += 1
            row.batch, row.number = batch, number
            row.title, row.reason = row.title[:200], row.reason[:500]
        BatchRow.objects.bulk_create(some)
    Batch.objects.filter(pk=batch.pk).update(total=number)


def of_workspace(workspace: Workspace) -> "QuerySet[Batch]":
    """The workspace's batches, with who started them."""
    rows = Batch.objects.filter(workspace=workspace).select_related("actor", "undoes")
    return rows.fetch_mode(models.FETCH_RAISE)


def one(workspace: Workspace, pk: int) -> Batch | None:
    """One batch of the workspace, or None."""
    return of_workspace(workspace).select_related("connection").filter(pk=pk).first()


def undone_by(batch: Batch) -> Batch | None:
    """The batch that takes this one back, if one was begun."""
    return Batch.objects.filter(undoes=batch).exclude(status=Batch.Status.DRAFT).first()


def by_id(pk: int) -> Batch | None:
    """For workers: any workspace's batch, with its workspace and actor."""
    rows = Batch.objects.select_related("workspace", "actor", "connection")
    return rows.filter(pk=pk).first()


def rows(batch: Batch, status: str = "") -> "QuerySet[BatchRow]":
    """The rows of a batch by number, those of one status if told, with their writes."""
    found = BatchRow.objects.filter(batch=batch).select_related("write").order_by("number")
    found = found.fetch_mode(models.FETCH_RAISE)
    return found.filter(status=status) if status else found


def counts(batch: Batch) -> Counts:
    """How its rows stand, in one query."""
    return counts_of([batch])[batch.pk]


def counts_of(batches: Iterable[Batch]) -> dict[int, Counts]:
    """How the rows of some batches stand, by batch, in one query."""
    ids = [batch.pk for batch in batches]
    found: dict[int, dict[str, int]] = {pk: {} for pk in ids}
    grouped = BatchRow.objects.filter(batch_id__in=ids).values_list("batch_id", "status")
    for pk, status, number in grouped.annotate(n=Count("id")).order_by():
        found[pk][status] = number
    return {pk: Counts(**numbers) for pk, numbers in found.items()}


def reasons(batch: Batch) -> list[tuple[str, str, int]]:
    """Why rows were left out or failed: (status, reason, how many), the most frequent first."""
    found = BatchRow.objects.filter(batch=batch, status__in=[SKIPPED, FAILED])
    grouped = found.order_by().values_list("status", "reason").annotate(n=Count("id"))
    return sorted(grouped[:_AT_ONCE], key=lambda line: -line[2])


def discard(batch: Batch) -> bool:
    """Forget a draft; False if it was begun meanwhile."""
    deleted = Batch.objects.filter(pk=batch.pk, status=Batch.Status.DRAFT).delete()
    return deleted[0] > 0


def start(batch: Batch) -> bool:
    """Begin; False if it was begun already, or its rows are not all there."""
    drafts = Batch.objects.filter(pk=batch.pk, status=Batch.Status.DRAFT, total__gt=0)
    return _went(batch, drafts.update(status=Batch.Status.RUNNING, started_at=timezone.now()))


def pause(batch: Batch, reason: str = "") -> bool:
    """Stand still after the row that is under way, and say why."""
    running = Batch.objects.filter(pk=batch.pk, status=Batch.Status.RUNNING)
    return _went(batch, running.update(status=Batch.Status.PAUSED, reason=reason[:200]))


def resume(batch: Batch, actor: User | None = None) -> bool:
    """Go on where it stood; `actor` takes it over: from now on it is theirs."""
    taken: dict[str, Any] = {} if actor is None else {"actor": actor}
    paused = Batch.objects.filter(pk=batch.pk, status=Batch.Status.PAUSED)
    changed = paused.update(status=Batch.Status.RUNNING, reason="", lease_until=None, **taken)
    return _went(batch, changed)


def cancel(batch: Batch) -> bool:
    """End it after the row that is under way; the rows that wait are left as they were."""
    live = Q(status__in=[Batch.Status.DRAFT, Batch.Status.RUNNING, Batch.Status.PAUSED])
    with transaction.atomic():
        changed = Batch.objects.filter(live, pk=batch.pk).update(
            status=Batch.Status.CANCELLED, finished_at=timezone.now(), lease_until=None
        )
        if changed:
            left = BatchRow.objects.filter(batch=batch, status=WAITING)
            left.update(status=SKIPPED, reason=STOPPED)
    return _went(batch, changed)


def finish(batch: Batch) -> bool:
    """All its rows were tried."""
    mine = Batch.objects.filter(
        pk=batch.pk, status=Batch.Status.RUNNING, attempt=batch.attempt
    ).exclude(rows__status=WAITING)
    done = {"status": Batch.Status.DONE, "finished_at": timezone.now(), "lease_until": None}
    return _went(batch, Batch.objects.filter(pk__in=mine.values("pk")).update(**done))


def _went(batch: Batch, changed: int) -> bool:
    batch.refresh_from_db(fields=["status", "reason", "started_at", "finished_at", "actor"])
    return changed == 1


def claim(batch_id: int) -> Batch | None:
    """Take a running batch that nobody holds: next attempt, new lease. None if there is none."""
    now = timezone.now()
    free = Batch.objects.filter(_free(now), pk=batch_id, status=Batch.Status.RUNNING)
    if not free.update(attempt=F("attempt") + 1, lease_until=now + LEASE):
        return None
    return by_id(batch_id)


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


def hold(batch: Batch) -> bool:
    """Hold it a little longer; False if it is not ours any more, or does not run."""
    return bool(_held(batch).update(lease_until=timezone.now() + LEASE))


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


def each_done(batch: Batch) -> Iterator[BatchRow]:
    """The rows that were done, the last one first, with their writes."""
    last = batch.total + 1
    done = BatchRow.objects.filter(batch=batch, status=DONE).order_by("-number")
    done = done.select_related("write__connection", "write__entry")
    while found := list(done.filter(number__lt=last)[:_AT_ONCE]):
        yield from found
        last = found[-1].number


def settle_row(
    row: BatchRow, status: str, reason: str = "", *, write_id: int | None = None
) -> None:
    """How a row ended, or that it is on its way; what was done or failed stays so."""
    changes: dict[str, Any] = {"status": status, "reason": reason[:500]}
    if write_id is not None:
        changes["write_id"] = write_id
    rows = BatchRow.objects.filter(pk=row.pk).exclude(status__in=[DONE, FAILED])
    rows.update(**changes)


def on_their_way(batch: Batch) -> "QuerySet[BatchRow]":
    """Rows that were tried and are not settled, with their writes."""
    return rows(batch, ON_ITS_WAY)


def left_open() -> "QuerySet[Batch]":
    """Batches of the last weeks that have rows on their way, whether they ended or not."""
    young = Batch.objects.filter(created_at__gt=timezone.now() - LATE)
    return young.filter(models.Exists(_of_outer(ON_ITS_WAY)))


def _of_outer(status: str) -> "QuerySet[BatchRow]":
    return BatchRow.objects.filter(batch_id=models.OuterRef("pk"), status=status)


def prune() -> int:
    """Forget drafts that nobody confirmed; return how many. Imports see to their own."""
    old = timezone.now() - DRAFTS_KEPT
    drafts = Batch.objects.filter(status=Batch.Status.DRAFT, created_at__lt=old)
    found = list(drafts.exclude(kind=Batch.Kind.IMPORT))
    for draft in found:
        draft.delete()
    return len(found)
