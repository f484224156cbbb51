"""
The states of a delivery, changed only here.

waiting -> done | ignored | failed, and back to waiting by a replay. A delivery may be
applied twice (a worker died after it): applying is such that twice is once.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from portal.deliveries.models import Delivery
from portal.team.models import Workspace

LEASE = timedelta(seconds=60)
# Waits before the second, third, ... attempt; after the last one it has failed.
BACKOFF_SECONDS = (10, 60, 300, 1800)
BODIES_KEPT = timedelta(days=30)
KEPT = timedelta(days=180)
# Rows of one statement, so that nobody waits long for the table.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    A body that was posted to a connection's address, as far as it could be read.

    `unique` is False where an equal body may be another event (it has neither id nor time).
    """

    workspace_id: int
    connection_id: int
    body: bytes
    verified: bool
    received_at: datetime
    event: str = ""
    subject_kind: str = ""
    subject_id: str = ""
    unique: bool = True

    @property
    def mark(self) -> str:
        """What makes a repeat the same: the SHA-256 of the body."""
        return hashlib.sha256(self.body).hexdigest()


def keep(arrivals: Sequence[Arrival]) -> None:
    """
    Store what arrived, in one transaction; what is stored already is left as it is.

    Returns once it is committed: only then the sender may be told that we have it.
    """
    with transaction.atomic():
        rows = [_row(arrival) for arrival in arrivals if arrival.unique]
        rows += _repeatable([arrival for arrival in arrivals if not arrival.unique])
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def _row(arrival: Arrival, once: str = "", *, repeated: bool = False) -> Delivery:
    return Delivery(
        workspace_id=arrival.workspace_id,
        connection_id=arrival.connection_id,
        once=once or arrival.mark,
        body=arrival.body,
        event=arrival.event[:60],
        subject_kind=arrival.subject_kind,
        subject_id=arrival.subject_id[:255],
        verified=arrival.verified,
        possibly_repeated=repeated,
        received_at=arrival.received_at,
    )


def _repeatable(arrivals: Sequence[Arrival]) -> list[Delivery]:
    """Rows for bodies that cannot be told from a repeat: each is kept, later ones are marked."""
    rows = []
    here = {(a.connection_id, a.mark) for a in arrivals if _seen_before(a)}
    for arrival in arrivals:
        key = (arrival.connection_id, arrival.mark)
        once = f"{arrival.mark}:{uuid.uuid4().hex}"
        rows.append(_row(arrival, once, repeated=key in here))
        here.add(key)
    return rows


def _seen_before(arrival: Arrival) -> bool:
    start = f"{arrival.mark}:"
    rows = Delivery.objects.filter(connection_id=arrival.connection_id)
    return rows.filter(once__gt=start, once__lt=f"{start}~").exists()


def waiting(connection_id: int, most: int) -> int:
    """How many deliveries of a connection wait, counted up to `most`."""
    return _waiting(connection_id)[:most].count()


def connections_due() -> list[int]:
    """The connections that have deliveries to apply now."""
    rows = Delivery.objects.filter(_may_start(), status=Delivery.Status.WAITING)
    return sorted(rows.order_by().values_list("connection_id", flat=True).distinct())


def claim(connection_id: int, limit: int = 100) -> list[Delivery]:
    """
    Take what is due of one connection, oldest first, for as long as the lease lasts.

    Nothing while somebody else works on this connection. One that was tried before comes
    alone, so that it cannot spoil the attempt of others.
    """
    now = timezone.now()
    with transaction.atomic():
        if _waiting(connection_id).filter(lease_until__gt=now).exists():
            return []
        due = _waiting(connection_id).filter(_may_start()).order_by("id")[:limit]
        rows = list(due.select_for_update(skip_locked=True))
        if rows and rows[0].attempts:
            rows = rows[:1]
        rows = [row for row in rows if row.attempts == rows[0].attempts]
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
            attempts=F("attempts") + 1, lease_until=now + LEASE
        )
    for row in rows:
        row.attempts += 1
    return rows


def renew(deliveries: Iterable[Delivery]) -> None:
    """Hold them a little longer: others of the batch took their time."""
    _still(deliveries).update(lease_until=timezone.now() + LEASE)


def end(deliveries: Iterable[Delivery], status: Delivery.Status, reason: str = "") -> None:
    """How they ended, and why if there is more to say."""
    _still(deliveries).update(
        status=status,
        reason=reason[:300],
        ended_at=timezone.now(),
        lease_until=None,
        not_before=None,
    )


def end_covered(connection_id: int, kind: str, upstream_id: str, *, before: datetime) -> None:
    """
    The record was read after `before`: what had come by then and speaks of it is done, without
    being looked at.
    """
    rows = _waiting(connection_id).filter(_may_start(), received_at__lt=before)
    rows.filter(subject_kind=kind, subject_id=upstream_id).update(
        status=Delivery.Status.DONE,
        reason="The record was read after this came.",
        ended_at=timezone.now(),
        not_before=None,
        lease_until=None,
    )


def put_off(deliveries: Sequence[Delivery], reason: str, *, seconds: float | None = None) -> None:
    """
    Try them again later: after `seconds` where nothing is wrong with them (that attempt does
    not count), else after a growing wait, until there were enough attempts.
    """
    now = timezone.now()
    if seconds is not None:
        later = now + timedelta(seconds=seconds)
        _still(deliveries).update(
            not_before=later, lease_until=None, attempts=F("attempts") - 1, reason=reason[:300]
        )
        return
    for delivery in deliveries:
        if exhausted(delivery):
            end([delivery], Delivery.Status.FAILED, reason)
            continue
        wait = timedelta(seconds=BACKOFF_SECONDS[delivery.attempts - 1])
        _still([delivery]).update(not_before=now + wait, lease_until=None, reason=reason[:300])


def exhausted(delivery: Delivery) -> bool:
    """Whether this attempt is the last one."""
    return delivery.attempts > len(BACKOFF_SECONDS)


def replay(delivery: Delivery) -> None:
    """Have it applied once more, from the beginning."""
    Delivery.objects.filter(pk=delivery.pk).update(
        status=Delivery.Status.WAITING,
        attempts=0,
        not_before=None,
        lease_until=None,
        reason="",
        ended_at=None,
    )


def log(workspace: Workspace) -> "QuerySet[Delivery]":
    """The workspace's deliveries without their bodies."""
    return Delivery.objects.filter(workspace=workspace).defer("body")


def one(workspace: Workspace, pk: int) -> Delivery | None:
    """One delivery with its body and connection, or None."""
    rows = Delivery.objects.filter(workspace=workspace, pk=pk)
    return rows.select_related("connection").first()


def prune() -> int:
    """
    Forget old bodies of what was applied or needed nothing, then whole old rows; return how
    many rows were touched. A row without its body still knows a repeat of it.
    """
    now = timezone.now()
    settled = Q(status__in=[Delivery.Status.DONE, Delivery.Status.IGNORED])
    old = settled & Q(received_at__lt=now - BODIES_KEPT) & ~Q(body=b"")
    touched = 0
    while ids := list(Delivery.objects.filter(old).values_list("pk", flat=True)[:_AT_ONCE]):
        touched += Delivery.objects.filter(pk__in=ids).update(body=b"")
    older = Q(received_at__lt=now - KEPT)
    while ids := list(Delivery.objects.filter(older).values_list("pk", flat=True)[:_AT_ONCE]):
        touched += Delivery.objects.filter(pk__in=ids).delete()[0]
    return touched


def _waiting(connection_id: int) -> "QuerySet[Delivery]":
    return Delivery.objects.filter(connection_id=connection_id, status=Delivery.Status.WAITING)


def _may_start() -> Q:
    now = timezone.now()
    ready = Q(not_before=None) | Q(not_before__lte=now)
    return ready & (Q(lease_until=None) | Q(lease_until__lte=now))


def _still(deliveries: Iterable[Delivery]) -> "QuerySet[Delivery]":
    """Those of them that nobody has ended meanwhile."""
    ids = [delivery.pk for delivery in deliveries]
    return Delivery.objects.filter(pk__in=ids, status=Delivery.Status.WAITING)
