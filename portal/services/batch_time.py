"""What a batch costs in calls, and how long it takes within the budget of its keys."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from portal.batches import store
from portal.batches.models import Batch
from portal.batches.store import Counts
from portal.budget import pace
from portal.mirror.progress import requests_since
from portal.services.upstream import provider_of
from portal.vault import store as vault
from portal.vault.models import Connection

# What changes a record reads it before (services/actions.py); everything else is one call.
_READS_FIRST = frozenset({"lead.update", "contact.update", "conversation.status"})
# What syncing took of late it goes on taking.
_SYNC_LOOKED_AT = timedelta(minutes=10)
CALL_SECONDS = 0.06
"""One call with what is written down around it, where nothing has been measured yet."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is left to do: `calls` of the providers' budgets, and `seconds` until it is done."""

    calls: int
    seconds: float


def calls_of(batch: Batch, action: str = "") -> int:
    """Calls that one row takes. What was made is looked at before it is deleted again."""
    action = action or batch.action
    looks = batch.kind == Batch.Kind.UNDO and action.endswith(".delete")
    return 2 if looks or action in _READS_FIRST else 1


def estimate(batch: Batch) -> Estimate:
    """
    What the rows that wait will take, if people go on calling as they do now.

    Batches that run with the same keys share what background work has.
    """
    calls = _calls_left(batch)
    others = Counter[int]()
    running = Batch.objects.filter(workspace_id=batch.workspace_id, status=Batch.Status.RUNNING)
    for other in running.exclude(pk=batch.pk):
        others.update(_calls_left(other))
    seconds = [
        _seconds(connection, calls[connection.pk], others[connection.pk])
        for connection in map(vault.by_id, calls)
        if connection is not None
    ]
    return Estimate(calls.total(), max(seconds, default=0.0))


def _calls_left(batch: Batch) -> Counter[int]:
    """The calls that the waiting rows take, by connection."""
    found = Counter[int]()
    waiting = store.rows(batch, store.WAITING).order_by().values_list("connection_id", "action")
    for connection_id, action, number in waiting.annotate(n=Count("id")):
        found[connection_id or batch.connection_id or 0] += number * calls_of(batch, action)
    return found


def _seconds(connection: Connection, calls: int, others: int) -> float:
    limit = provider_of(connection).calls_per_minute
    since = timezone.now() - _SYNC_LOOKED_AT
    a_second = requests_since(connection.pk, since) / _SYNC_LOOKED_AT.total_seconds()
    found = pace.background_pace(
        connection.key_mark, limit=limit, others=a_second * pace.CYCLE_SECONDS
    )
    windows = found.seconds_for(calls + min(calls, others))
    last = calls % found.each_cycle if windows else calls
    return max(windows + last * CALL_SECONDS, calls * CALL_SECONDS)


def seconds_left(batch: Batch, counts: Counts) -> float:
    """
    How long a running batch still takes: from its own progress once that tells enough, which
    is after two windows of the budget; until then as `estimate` says.
    """
    since, tried = batch.options.get("since") or (time.time(), 0)
    took, done = time.time() - since, counts.total - counts.waiting - tried
    if took < 2 * pace.CYCLE_SECONDS or done <= 0:
        return estimate(batch).seconds
    return float(counts.waiting * took / done)
