"""
The states of a batch and its rows, changed only here.

draft -> running <-> paused -> done | cancelled. Who runs it and settles its rows: `turns`.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import batched
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from portal.batches.models import Batch, BatchRow
from portal.team.models import User, Workspace
from portal.texts import gettext_noop

LARGEST = 50_000
"""Rows of one batch."""
COUNTS = "counts"
"""In a batch's options: how many of its rows ended how, once they are forgotten."""
# Rows of one transaction: nobody else waits long for the database.
_AT_ONCE = 500
_MADE_WITHIN = timedelta(minutes=2)

WAITING, ON_ITS_WAY = BatchRow.Status.WAITING, BatchRow.Status.ON_ITS_WAY
DONE, SKIPPED, FAILED = BatchRow.Status.DONE, BatchRow.Status.SKIPPED, BatchRow.Status.FAILED
STOPPED = gettext_noop("Cancelled before it was tried.")
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

    def by_status(self) -> dict[str, int]:
        return asdict(self)


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
    """The last batch that was begun to take this one back, None if none was."""
    begun = Batch.objects.filter(undoes=batch).exclude(status=Batch.Status.DRAFT)
    return begun.order_by("-pk").first()


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
    """How the rows of some batches stand, or stood, by batch, in one query."""
    found: dict[int, dict[str, int]] = {b.pk: b.options.get(COUNTS, {}) for b in batches}
    ids = [pk for pk, forgotten in found.items() if not forgotten]
    grouped = BatchRow.objects.filter(batch_id__in=ids).values_list("batch_id", "status")
    for pk, status, number in grouped.annotate(n=Count("id")).order_by():
        found[pk][status] = number
    return {pk: Counts(**numbers) for pk, numbers in found.items()}


def is_forgotten(batch: Batch) -> bool:
    """Whether its rows are not kept any more."""
    return COUNTS in batch.options


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
    began = {"started_at": timezone.now(), "options": _measured(batch)}
    return _went(batch, drafts.update(status=Batch.Status.RUNNING, **began))


def pause(batch: Batch, reason: str = "") -> bool:
    """Stand still after the row that is under way, and say why."""
    running = Batch.objects.filter(pk=batch.pk, status=Batch.Status.RUNNING)
    return _went(batch, running.update(status=Batch.Status.PAUSED, reason=reason[:200]))


def resume(batch: Batch, actor: User | None = None) -> bool:
    """Go on where it stood; `actor` takes it over: from now on it is theirs."""
    taken: dict[str, Any] = {"options": _measured(batch)}
    if actor is not None:
        taken["actor"] = actor
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


def _measured(batch: Batch) -> dict[str, Any]:
    """Its options with when and where it goes on: its pace is measured from there."""
    told = counts(batch)
    return {**batch.options, "since": [time.time(), told.total - told.waiting]}


def _went(batch: Batch, changed: int) -> bool:
    batch.refresh_from_db(
        fields=["status", "reason", "started_at", "finished_at", "actor", "options"]
    )
    return changed == 1


def each_done(batch: Batch) -> Iterator[BatchRow]:
    """The rows that were done, the last one first, with their writes."""
    last = batch.total + 1
    done = BatchRow.objects.filter(batch=batch, status=DONE).order_by("-number")
    done = done.select_related("write__connection", "write__entry")
    while found := list(done.filter(number__lt=last)[:_AT_ONCE]):
        yield from found
        last = found[-1].number
