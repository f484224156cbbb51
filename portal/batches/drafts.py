"""
Rows of an import before it starts: checked some hundreds at a time, mended one by one. And what
the columns of a file meant the last time.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Count, QuerySet

from portal.batches.models import Batch, BatchRow
from portal.batches.models import Mapping as Remembered
from portal.team.models import Workspace
from portal.texts import gettext_noop

AT_ONCE = 500
NOT_CHECKED = gettext_noop("Not checked yet.")
"""The reason of rows that no check has looked at: nothing is sent of them."""
_CHECKED = ["action", "upstream_id", "title", "before", "changes", "cells", "problems", "status",
            "reason"]  # fmt: skip


def one(workspace: Workspace, pk: int) -> Batch | None:
    """The workspace's import of that id that has not started, or None."""
    found = Batch.objects.filter(workspace=workspace, kind=Batch.Kind.IMPORT, pk=pk)
    return found.select_related("connection").filter(status=Batch.Status.DRAFT).first()


def is_import(workspace: Workspace, pk: int) -> bool:
    """Whether the workspace has an import of that id, started or not."""
    found = Batch.objects.filter(workspace=workspace, kind=Batch.Kind.IMPORT, pk=pk)
    return found.exists()


def slices(batch: Batch, after: int = 0, *, cells_only: bool = False) -> Iterator[list[BatchRow]]:
    """The rows behind this number, some hundreds at a time; or only what the file says of them."""
    rows = BatchRow.objects.filter(batch=batch).order_by("number")
    rows = rows.fetch_mode(models.FETCH_RAISE)
    if cells_only:
        rows = rows.only("number", "cells", "upstream_id")
    most = AT_ONCE * 10 if cells_only else AT_ONCE
    while found := list(rows.filter(number__gt=after)[:most]):
        yield found
        after = found[-1].number


def rows_of(batch: Batch, numbers: Iterable[int]) -> list[BatchRow]:
    """Those rows, in their order."""
    found = BatchRow.objects.filter(batch=batch, number__in=list(numbers))
    return list(found.order_by("number"))


def save(rows: Sequence[BatchRow]) -> None:
    """What a check found of these rows."""
    BatchRow.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=_CHECKED,
        batch_size=100,
    )


def change(batch: Batch, edit: Callable[[dict[str, Any]], bool], rows: Sequence[BatchRow]) -> bool:
    """
    Change the options of a draft and save rows with them, in one transaction; False and nothing
    if `edit` says so, or it is no draft any more.
    """
    with transaction.atomic():
        drafts = Batch.objects.select_for_update().filter(status=Batch.Status.DRAFT)
        held = drafts.filter(pk=batch.pk).first()
        if held is None:
            return False
        options = dict(held.options)
        if not edit(options):
            return False
        batch.options = options
        save(rows)
        Batch.objects.filter(pk=batch.pk).update(options=options)
    return True


def start_over(batch: Batch) -> None:
    """No row counts as checked any more."""
    BatchRow.objects.filter(batch=batch).update(
        status=BatchRow.Status.SKIPPED, reason=NOT_CHECKED, action=""
    )


def tallies(batch: Batch) -> dict[tuple[str, str], int]:
    """How many rows stand how: by status and action, in one query."""
    rows = BatchRow.objects.filter(batch=batch).values_list("status", "action")
    found = rows.annotate(n=Count("id")).order_by()
    return {(status, action): number for status, action, number in found}


def left_out(batch: Batch) -> list[tuple[str, int]]:
    """Why rows are left out, the most frequent reasons first."""
    rows = BatchRow.objects.filter(batch=batch, status=BatchRow.Status.SKIPPED)
    found = rows.values_list("reason").annotate(n=Count("id")).order_by("-n", "reason")
    return [(reason, number) for reason, number in found[:8]]


def with_status(batch: Batch, status: str, action: str = "") -> "QuerySet[BatchRow]":
    rows = BatchRow.objects.filter(batch=batch, status=status).order_by("number")
    return rows.filter(action=action) if action else rows


def discard(batch: Batch) -> bool:
    """Forget a draft and its rows; False if it is none any more."""
    gone, _ = Batch.objects.filter(pk=batch.pk, status=Batch.Status.DRAFT).delete()
    return gone > 0


def mark_of(columns: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(columns)).encode()).hexdigest()


def remembered(workspace: Workspace, kind: str, columns: Sequence[str]) -> Mapping[str, str] | None:
    """What the columns of such a file meant the last time, None if there was none."""
    found = Remembered.objects.filter(
        workspace=workspace, kind=kind, columns_mark=mark_of(columns)
    ).first()
    return None if found is None else found.fields


def remember(
    workspace: Workspace, kind: str, columns: Sequence[str], fields: Mapping[str, str]
) -> None:
    Remembered.objects.update_or_create(
        workspace=workspace,
        kind=kind,
        columns_mark=mark_of(columns),
        defaults={"fields": dict(fields)},
    )
