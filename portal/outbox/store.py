"""
The states of a write, changed only here (design 5).

queued -> in_flight -> sent | refused | unknown -> (sent | queued | undecided)
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from portal.errors import PortalError
from portal.outbox.models import Write
from portal.team.models import User, Workspace

LEASE = timedelta(seconds=60)
REFUSED_SHOWN_FOR = timedelta(days=7)
HELD = "held"
"""The reason of a queued write that waits for its seconds of grace to end."""
OPEN = (Write.Status.QUEUED, Write.Status.IN_FLIGHT, Write.Status.UNKNOWN, Write.Status.UNDECIDED)


class RecordBusy(PortalError):
    """Another change of the same record is not settled yet; one is in flight at a time."""

    message = "Another change of this record is still on its way. Try again in a moment."
    http_status = 409


class LostClaim(PortalError):
    """Somebody else holds this attempt by now: nothing may be sent or settled here."""

    message = "This write is being handled elsewhere."


def by_form(workspace: Workspace, form_id: str) -> Write | None:
    """The write that this form made already, if it did."""
    return Write.objects.filter(workspace=workspace, form_id=form_id).first()


def begin(
    workspace: Workspace,
    *,
    connection_id: int,
    entry_id: int,
    actor: User | None,
    form_id: str,
    action: str,
    kind: str,
    upstream_id: str = "",
    before: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    lane: str = Write.Lane.PEOPLE,
    undoes: Write | None = None,
    hold_seconds: float = 0,
) -> Write:
    """
    A write that is in flight from this moment, or held back for so many seconds. Runs inside
    the caller's transaction.

    Raises `RecordBusy` if a write of the same record is in flight or not confirmed.
    """
    if upstream_id and blocking(connection_id, kind, upstream_id).exists():
        raise RecordBusy(action)
    try:
        with transaction.atomic():
            return Write.objects.create(
                workspace=workspace,
                connection_id=connection_id,
                entry_id=entry_id,
                actor=actor,
                form_id=form_id,
                action=action,
                kind=kind,
                upstream_id=upstream_id,
                before=dict(before or {}),
                changes=dict(changes or {}),
                lane=lane,
                undoes=undoes,
                **_first_state(hold_seconds),
            )
    except IntegrityError as error:
        raise RecordBusy(action) from error


def _first_state(hold_seconds: float) -> dict[str, Any]:
    now = timezone.now()
    if hold_seconds > 0:
        later = now + timedelta(seconds=hold_seconds)
        return {"status": Write.Status.QUEUED, "not_before": later, "reason": HELD}
    return {"status": Write.Status.IN_FLIGHT, "lease_until": now + LEASE}


def blocking(connection_id: int, kind: str, upstream_id: str) -> QuerySet[Write]:
    """
    Writes of this record that must end before the next may start.

    One that is not confirmed holds the next back while it may still be applied late.
    """
    expire_leases()
    settled_by_now = timezone.now() - timedelta(seconds=settings.OUTBOX_SETTLE_SECONDS)
    return Write.objects.filter(
        Q(status__in=[Write.Status.QUEUED, Write.Status.IN_FLIGHT])
        | Q(status=Write.Status.UNKNOWN, created_at__gt=settled_by_now),
        connection_id=connection_id,
        kind=kind,
        upstream_id=upstream_id,
    )


def settle(
    write: Write, status: Write.Status, *, said: str = "", reason: str = "", upstream_id: str = ""
) -> None:
    """End this attempt. Raises `LostClaim` if the attempt is not ours any more."""
    now = timezone.now()
    changed = Write.objects.filter(
        pk=write.pk, attempt=write.attempt, status=Write.Status.IN_FLIGHT
    ).update(
        status=status,
        said=said[:2000],
        reason=reason[:40],
        upstream_id=upstream_id or write.upstream_id,
        lease_until=None,
        settled_at=None if status in OPEN else now,
    )
    if changed != 1:
        raise LostClaim(write.pk)
    write.refresh_from_db()


def put_off(write: Write, seconds: float, *, reason: str) -> None:
    """Certainly not arrived: back into the queue, to be sent after so many seconds."""
    settle(write, Write.Status.QUEUED, reason=reason)
    later = timezone.now() + timedelta(seconds=seconds)
    Write.objects.filter(pk=write.pk).update(not_before=later)


def due(limit: int = 50) -> list[int]:
    """Ids of queued writes that may be sent now, oldest first, one per record."""
    now = timezone.now()
    queued = Write.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        status=Write.Status.QUEUED,
        connection__status="ok",
    )
    return list(queued.order_by("id").values_list("id", flat=True)[:limit])


def is_due(write_id: int) -> bool:
    """Whether this write is queued and not held back any longer."""
    now = timezone.now()
    row = Write.objects.filter(Q(not_before=None) | Q(not_before__lte=now), pk=write_id)
    return row.filter(status=Write.Status.QUEUED).exists()


def claim(write_id: int) -> Write | None:
    """Take a queued write for sending: in flight, next attempt, new lease. None if gone."""
    try:
        with transaction.atomic():
            claimed = Write.objects.filter(pk=write_id, status=Write.Status.QUEUED).update(
                status=Write.Status.IN_FLIGHT,
                attempt=F("attempt") + 1,
                lease_until=timezone.now() + LEASE,
                not_before=None,
            )
    except IntegrityError:
        return None
    if not claimed:
        return None
    return Write.objects.select_related("workspace", "connection", "entry", "actor").get(
        pk=write_id
    )


def expire_leases() -> int:
    """Writes whose sender fell silent may have been sent: unknown, never sent again by itself."""
    now = timezone.now()
    return Write.objects.filter(status=Write.Status.IN_FLIGHT, lease_until__lt=now).update(
        status=Write.Status.UNKNOWN, lease_until=None, reason="silent"
    )


def unsettled(workspace: Workspace) -> QuerySet[Write]:
    """What waits, is being sent, or is not confirmed, newest first."""
    return Write.objects.filter(workspace=workspace, status__in=OPEN).order_by("-id")


def unsettled_of(connection_id: int, kind: str, upstream_id: str) -> QuerySet[Write]:
    """The open writes of one record, newest first."""
    return Write.objects.filter(
        connection_id=connection_id, kind=kind, upstream_id=upstream_id, status__in=OPEN
    ).order_by("-id")


def unsettled_or_refused_late(
    connection_id: int, kind: str, upstream_id: str, *, within: timedelta = REFUSED_SHOWN_FOR
) -> QuerySet[Write]:
    """
    The open writes of one record, and those that were refused after they had waited: nobody
    was there to be told, so the page tells for a while. Newest first.
    """
    late = Q(status=Write.Status.REFUSED, attempt__gt=1, settled_at__gt=timezone.now() - within)
    return Write.objects.filter(
        Q(status__in=OPEN) | late,
        connection_id=connection_id,
        kind=kind,
        upstream_id=upstream_id,
    ).order_by("-id")
