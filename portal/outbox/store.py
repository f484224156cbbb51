"""
The states of a write, changed only here (design 5).

queued -> in_flight -> sent | refused | unknown -> (sent | queued | undecided)

`attempt` counts every claim, to send or to look up: only its holder may change the row.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.crash import crash
from portal.errors import PortalError
from portal.outbox.models import Held, Write
from portal.team.models import User, Workspace
from portal.texts import gettext_noop

LEASE = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
OPEN = (Write.Status.QUEUED, Write.Status.IN_FLIGHT, Write.Status.UNKNOWN, Write.Status.UNDECIDED)
HELD = "held"
"""The reason of a queued write that waits for its seconds of grace to end."""
ORDER = "order"
"""The reason of a queued write that waits for an earlier one of the same record."""
STOPPED = "stopped"
"""The reason of a queued write of a workspace that sends nothing until it is released."""


class LostClaim(PortalError):
    """Somebody else holds this attempt by now: nothing may be sent or settled here."""

    message = gettext_noop("This write is being handled elsewhere.")
    http_status = 409


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
    A write that is in flight from this moment; or queued: held back for so many seconds,
    behind another write of the same record, or for as long as the workspace's outbox is held.
    Runs inside the caller's transaction.
    """
    row = {
        "workspace": workspace,
        "connection_id": connection_id,
        "entry_id": entry_id,
        "actor": actor,
        "form_id": form_id,
        "action": action,
        "kind": kind,
        "upstream_id": upstream_id,
        "before": dict(before or {}),
        "changes": dict(changes or {}),
        "lane": lane,
        "undoes": undoes,
    }
    now = timezone.now()
    later = now + timedelta(seconds=hold_seconds) if hold_seconds > 0 else None
    if is_held(workspace):
        return _queued(row, STOPPED, later)
    if later is not None:
        return _queued(row, HELD, later)
    if ahead(connection_id, kind, upstream_id).exists():
        return _queued(row, ORDER, None)
    try:
        with transaction.atomic():
            return Write.objects.create(**row, lease_until=now + LEASE, tried_at=now, tries=1)
    except IntegrityError:
        # The same moment, the same record: the other one goes first. Or the same form.
        return _queued(row, ORDER, None)


def _queued(row: dict[str, Any], reason: str, not_before: Any) -> Write:
    return Write.objects.create(
        **row, status=Write.Status.QUEUED, reason=reason, not_before=not_before
    )


def ahead(connection_id: int, kind: str, upstream_id: str) -> QuerySet[Write]:
    """
    Writes of this record that must end before the next may start, oldest first; none for a
    record that is being made. One that a person is to decide holds nothing up.
    """
    if not upstream_id:
        return Write.objects.none()
    return Write.objects.filter(
        _goes_first(), connection_id=connection_id, kind=kind, upstream_id=upstream_id
    ).order_by("id")


def _goes_first() -> Q:
    """
    What may be there already, or leaves as soon as it can: not what can still be taken back,
    but a reply whose seconds are over, though nobody has sent it yet.
    """
    takes_back = Q(reason=HELD, not_before__gt=timezone.now())
    return Q(status__in=[Write.Status.IN_FLIGHT, Write.Status.UNKNOWN]) | (
        Q(status=Write.Status.QUEUED) & ~takes_back
    )


def is_held(workspace: Workspace) -> bool:
    """Whether this workspace sends nothing until an admin releases it."""
    return Held.objects.filter(workspace=workspace).exists()


def still_mine(write: Write, **notes: Any) -> None:
    """
    The last look before a byte leaves: the attempt is ours and its lease runs. `notes` are
    columns to write down in the same step. Raises `LostClaim`.
    """
    mine = Write.objects.filter(
        pk=write.pk,
        attempt=write.attempt,
        status=Write.Status.IN_FLIGHT,
        lease_until__gt=timezone.now(),
    )
    if not (mine.update(**notes) if notes else mine.exists()):
        raise LostClaim(write.pk)


def settle(
    write: Write, status: Write.Status, *, said: str = "", reason: str = "", upstream_id: str = ""
) -> None:
    """
    End this attempt as sent or refused, or leave it unknown to be looked up after the settle
    time. Raises `LostClaim` if the attempt is not ours any more.
    """
    now = timezone.now()
    unsettled = status == Write.Status.UNKNOWN
    changes = {
        "status": status,
        "said": said[:2000],
        "reason": reason[:40],
        "upstream_id": upstream_id or write.upstream_id,
        "not_before": now + settle_time() if unsettled else None,
        "settled_at": None if unsettled else now,
    }
    change(write, **changes)


def put_off(write: Write, seconds: float, *, reason: str) -> None:
    """Certainly not arrived: back into the queue, to be sent after so many seconds."""
    later = timezone.now() + timedelta(seconds=seconds)
    change(write, status=Write.Status.QUEUED, reason=reason[:40], not_before=later, tried_at=None)


def change(write: Write, **columns: Any) -> None:
    """As the holder of this attempt, and no more afterwards. The lease may have run out."""
    held = Q(status=Write.Status.IN_FLIGHT) | Q(
        status=Write.Status.UNKNOWN, lease_until__isnull=False
    )
    mine = Write.objects.filter(held, pk=write.pk, attempt=write.attempt)
    if mine.update(**columns, lease_until=None) != 1:
        raise LostClaim(write.pk)
    write.refresh_from_db()


def settle_time() -> timedelta:
    """How long after a doubt a look-up can tell: nothing is applied later than this."""
    return timedelta(seconds=settings.OUTBOX_SETTLE_SECONDS)


def due(limit: int = 200) -> list[int]:
    """
    Ids of queued writes that may be sent now, oldest first: one of each record, of
    connections that work and workspaces that are not held; people's before batches'.
    """
    now = timezone.now()
    earlier = Write.objects.filter(
        _goes_first(),
        connection=OuterRef("connection"),
        kind=OuterRef("kind"),
        upstream_id=OuterRef("upstream_id"),
        pk__lt=OuterRef("pk"),
    ).exclude(upstream_id="")
    queued = Write.objects.filter(
        ~Exists(earlier),
        ~Exists(Held.objects.filter(workspace=OuterRef("workspace"))),
        Q(not_before=None) | Q(not_before__lte=now),
        status=Write.Status.QUEUED,
        connection__status="ok",
    )
    return list(queued.order_by("-lane", "id").values_list("id", flat=True)[:limit])


def claim(write_id: int, *, but_not: Collection[int] = ()) -> Write | None:
    """
    Take a queued write for sending: in flight, next attempt, new lease. None if it is gone,
    not due, not the first of its record, or of one of these connections (`but_not`).
    """
    now = timezone.now()
    write = Write.objects.filter(pk=write_id).exclude(connection_id__in=but_not).first()
    if write is None or is_held(write.workspace):
        return None
    earlier = ahead(write.connection_id, write.kind, write.upstream_id)
    if earlier.filter(pk__lt=write.pk).exists():
        return None
    queued = Write.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        pk=write_id,
        status=Write.Status.QUEUED,
        attempt=write.attempt,
    )
    try:
        with transaction.atomic():
            claimed = queued.update(
                status=Write.Status.IN_FLIGHT,
                attempt=F("attempt") + 1,
                tries=F("tries") + 1,
                lease_until=now + LEASE,
                tried_at=now,
                not_before=None,
            )
    except IntegrityError:
        return None
    crash("outbox.claimed")
    return whole(write_id) if claimed else None


def whole(write_id: int) -> Write:
    """A write with what its sender needs."""
    return Write.objects.select_related(
        "workspace", "connection", "connection__workspace", "entry", "actor"
    ).get(pk=write_id)


def allowed_before(write: Write) -> list[Mapping[str, Any]]:
    """
    What the same person's writes made of this record since this one was written down: this
    one waited behind them, so it finds their values and not those the person saw.
    """
    since = Q(settled_at__gte=write.created_at) & Q(status=Write.Status.SENT)
    earlier = Write.objects.filter(
        since,
        connection_id=write.connection_id,
        kind=write.kind,
        upstream_id=write.upstream_id,
        actor_id=write.actor_id,
        pk__lt=write.pk,
    )
    return list(earlier.values_list("changes", flat=True))


def unsettled_of(connection_id: int, kind: str, upstream_id: str) -> QuerySet[Write]:
    """The open writes of one record, newest first."""
    return Write.objects.filter(
        connection_id=connection_id, kind=kind, upstream_id=upstream_id, status__in=OPEN
    ).order_by("-id")
