"""How far the copy has come: the rows of `SyncState`, and who is working on them."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from portal.mirror.models import SyncState
from portal.mirror.store import Source
from portal.records import Kind

LEASE = timedelta(minutes=3)


def claim(source: Source, kind: Kind) -> SyncState | None:
    """The kind's state, held by us until `release`; None while another pass holds it."""
    state, _ = SyncState.objects.get_or_create(
        connection_id=source.connection_id,
        kind=kind.value,
        defaults={"workspace_id": source.workspace_id},
    )
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    mine = SyncState.objects.filter(free, pk=state.pk).update(lease_until=now + LEASE)
    if not mine:
        return None
    state.refresh_from_db()
    return state


def save(state: SyncState) -> None:
    """Keep the progress, and the hold on it for as long as pages come."""
    state.lease_until = timezone.now() + LEASE
    state.save()


def failed(state: SyncState, sentence: str) -> None:
    """The pass stopped; what it had saved stays, and the next one goes on from there."""
    now = timezone.now()
    SyncState.objects.filter(pk=state.pk).update(error=sentence[:300], failed_at=now)


def release(state: SyncState) -> None:
    SyncState.objects.filter(pk=state.pk).update(lease_until=None)
