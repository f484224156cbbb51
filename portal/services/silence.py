"""
A webhook that should have come: changes that only the sync found, after the last delivery.

It proves nothing, so it is said as "seems"; a check of the whole list is asked for once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.mirror.models import Conversation, Lead, SyncState
from portal.outbox.models import Write
from portal.services.deliveries import heard_at
from portal.vault import store as vault
from portal.vault.models import Connection

# So many changes that no delivery told are taken for silence.
ENOUGH = 3
# A delivery may be this late, and clocks may differ by as much.
LATE = timedelta(minutes=2)
# What comes up as silence again is checked no more often than this.
CHECKED_EVERY = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Silence:
    """Since when nothing came, and how many changes came without a delivery (at least)."""

    since: datetime
    changes: int


def silence_of(connection: Connection) -> Silence | None:
    """Whether this connection's webhooks, which worked before, seem to have stopped."""
    since = heard_at(connection)
    if since is None:
        return None
    missed = _missed(connection, since)
    return Silence(since, missed) if missed >= ENOUGH else None


def ask_for_checks() -> list[int]:
    """Ask for a check of every connection that fell silent; return those newly asked for."""
    asked = []
    for connection in vault.heard():
        silence = silence_of(connection)
        if silence is None:
            continue
        lately = max(silence.since, timezone.now() - CHECKED_EVERY)
        due = Q(checked_at=None) | Q(checked_at__lt=lately)
        states = SyncState.objects.filter(due, connection=connection, check_wanted=False)
        if states.update(check_wanted=True):
            asked.append(connection.pk)
    return asked


def _missed(connection: Connection, since: datetime) -> int:
    """Changes after the last delivery, by the provider's clock, that had time to be told."""
    now = timezone.now()
    changed = Q(updated_at__gt=since + LATE, updated_at__lt=now - LATE)
    begun = Q(active_at__gt=since + LATE, active_at__lt=now - LATE)
    # Whether what we change ourselves comes back as a webhook is not documented (facts A7).
    written = Write.objects.filter(
        connection=connection, status=Write.Status.SENT, settled_at__gt=since
    ).values("upstream_id")
    found: list[QuerySet[Any]] = [Lead.objects.filter(changed), Conversation.objects.filter(begun)]
    return sum(
        rows.filter(workspace=connection.workspace_id, connection=connection)
        .exclude(upstream_id__in=written)
        .order_by()[:ENOUGH]
        .count()
        for rows in found
    )
