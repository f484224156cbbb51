"""Writing down what changed, and reading what is new since a number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import models, transaction
from django.db.models import F
from django.db.models.expressions import RawSQL
from django.utils import timezone

from portal.live.models import Change, Version

KEPT = timedelta(hours=24)
PRUNED_AT_ONCE = 5_000


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
    return versions([workspace_id]).get(workspace_id, 0)


def versions(workspace_ids: Iterable[int]) -> dict[int, int]:
    """The numbers of these workspaces now; where nothing ever changed there is none."""
    rows = Version.objects.filter(workspace_id__in=list(workspace_ids))
    return dict(rows.values_list("workspace_id", "number"))


def version_of(column: str) -> RawSQL:
    """
    The number of the workspace in this column of the rows it is annotated to (or None). Written
    out, because every request asks; the column is named with its table, by us alone.
    """
    text = f"(SELECT number FROM portal_version WHERE workspace_id = {column})"  # noqa: S608
    return RawSQL(text, [], output_field=models.BigIntegerField())  # noqa: S611


def since(workspace_id: int, number: int, limit: int = 500, *, now: int | None = None) -> News:
    """
    What changed after `number`. `complete` is False if older changes were pruned, there are
    more than `limit`, or `number` is of another time (a restored backup): then the page reads
    everything again. `now`: the workspace's number, if the caller has just read it.
    """
    now = version(workspace_id) if now is None else now
    if number >= now:
        return News(now, (), complete=number == now)
    changes = Change.objects.filter(workspace_id=workspace_id).order_by("number", "id")
    rows: Sequence[tuple[int, str, int]] = list(
        changes.filter(number__gt=number, number__lte=now).values_list(
            "number", "kind", "record_id"
        )[: limit + 1]
    )
    whole = bool(rows) and rows[0][0] == number + 1 and len(rows) <= limit
    keys = ((kind, record_id) for _, kind, record_id in rows[:limit])
    return News(now, tuple(dict.fromkeys(keys)), whole)


def prune() -> int:
    """Forget changes older than a day, a few at a time: nobody waits long. Return how many."""
    old, pruned = Change.objects.filter(at__lt=timezone.now() - KEPT), 0
    while ids := list(old.order_by("id").values_list("id", flat=True)[:PRUNED_AT_ONCE]):
        pruned += Change.objects.filter(id__in=ids).delete()[0]
    return pruned


def _next(workspace_id: int) -> int:
    rows = Version.objects.filter(workspace_id=workspace_id)
    if not rows.update(number=F("number") + 1):
        Version.objects.get_or_create(workspace_id=workspace_id)
        rows.update(number=F("number") + 1)
    return rows.values_list("number", flat=True)[0]
