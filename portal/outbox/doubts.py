"""
Writes of which nobody knows whether they arrived: claimed for a look-up, and what came of it.

A look-up decides only by proof. An error decides nothing (reliability F34).
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from portal.outbox.models import Held, Write
from portal.outbox.store import LEASE, change, whole
from portal.team.models import Workspace


def due(limit: int = 200) -> list[int]:
    """Ids of unknown writes whose settle time is over and that nobody looks up now."""
    now = timezone.now()
    unknown = Write.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        status=Write.Status.UNKNOWN,
        lease_until=None,
        connection__status="ok",
    )
    return list(unknown.order_by("-lane", "id").values_list("id", flat=True)[:limit])


def claim(write_id: int, *, but_not: Collection[int] = ()) -> Write | None:
    """Take an unknown write for a look-up: next attempt, new lease. None if somebody did."""
    now = timezone.now()
    unknown = Write.objects.exclude(connection_id__in=but_not)
    claimed = unknown.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        pk=write_id,
        status=Write.Status.UNKNOWN,
        lease_until=None,
    ).update(attempt=F("attempt") + 1, lookups=F("lookups") + 1, lease_until=now + LEASE)
    return whole(write_id) if claimed else None


def look_again(write: Write, seconds: float, *, reason: str) -> None:
    """A look-up that failed decides nothing: it stays unknown, to be looked up again."""
    later = timezone.now() + timedelta(seconds=seconds)
    change(write, reason=reason[:40], not_before=later)


def leave_to_person(write: Write, evidence: Mapping[str, Any]) -> None:
    """It cannot be known whether it arrived: a person decides, with what was found."""
    change(
        write,
        status=Write.Status.UNDECIDED,
        evidence={**write.evidence, **evidence},
        not_before=None,
    )


def claimed_ids(write: Write) -> set[str]:
    """
    The upstream ids that other writes of the same connection and action are known to have
    made: one record proves one creation.
    """
    others = Write.objects.filter(
        connection_id=write.connection_id, action=write.action, status=Write.Status.SENT
    ).exclude(pk=write.pk)
    if write.tried_at is not None:
        others = others.filter(settled_at__gte=write.tried_at - timedelta(hours=1))
    return set(others.values_list("upstream_id", flat=True))


def doubt_all(reason: str) -> int:
    """
    After a backup was restored: what was queued or in flight then may have been sent since.
    All of it is unknown, nothing is sent, until each workspace is released.
    """
    now = timezone.now()
    Held.objects.bulk_create(
        [Held(workspace=w, reason=reason) for w in Workspace.objects.all()], ignore_conflicts=True
    )
    waiting = Q(status=Write.Status.IN_FLIGHT) | Q(status=Write.Status.QUEUED)
    return Write.objects.filter(waiting).update(
        status=Write.Status.UNKNOWN,
        attempt=F("attempt") + 1,
        lease_until=None,
        not_before=now,
        tried_at=F("created_at"),
        reason="restored",
    )
