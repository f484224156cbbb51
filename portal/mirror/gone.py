"""What a check has seen, and which of our copies it has not: those are gone, if it is believed."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from portal.mirror import counters, store
from portal.mirror.models import Seen, SetAside, SyncState, Upstream
from portal.mirror.store import MODELS, Source
from portal.records import Kind


def note_seen(state: SyncState, ids: Collection[str]) -> int:
    """Remember what one page of a check showed; return how many it had shown before."""
    unique = set(ids)
    before = set(
        Seen.objects.filter(state=state, upstream_id__in=unique).values_list(
            "upstream_id", flat=True
        )
    )
    Seen.objects.bulk_create(
        [Seen(state=state, upstream_id=one) for one in sorted(unique - before)]
    )
    return len(ids) - len(unique) + len(before)


def seen(state: SyncState) -> int:
    """How many records the check has seen."""
    return Seen.objects.filter(state=state).count()


def one_shown(source: Source, kind: Kind, state: SyncState) -> str | None:
    """One live copy's id at the provider that the check has seen."""
    rows: Any = MODELS[kind]._default_manager.filter(
        connection_id=source.connection_id, gone_at=None
    )
    shown = Seen.objects.filter(state=state, upstream_id__in=rows.values("upstream_id"))
    return shown.values_list("upstream_id", flat=True).first()


def forget(state: SyncState) -> None:
    """What a check had seen is of no use any more."""
    Seen.objects.filter(state=state).delete()


def missing(source: Source, kind: Kind, state: SyncState) -> "QuerySet[Upstream]":
    """
    The live copies that the walk did not show, without what came to us after it began:
    made here, told by a webhook, or seen by another pass.
    """
    shown = Seen.objects.filter(state=state, upstream_id=OuterRef("upstream_id"))
    rows: Any = MODELS[kind]._default_manager.filter(
        connection_id=source.connection_id, gone_at=None, seen_at__lt=state.check_started_at
    )
    found: QuerySet[Upstream] = rows.filter(~Exists(shown))
    return found


def bury(source: Source, kind: Kind, rows: "QuerySet[Upstream]") -> tuple[int, ...]:
    """These records are not there any more; return our ids of them. In the caller's transaction."""
    return store.mark_all_gone(source, kind, rows.values_list("pk", flat=True))


def live(source: Source, kind: Kind) -> int:
    """How many live copies of a kind this connection has."""
    return counters.live(source.connection_id, kind)


def aside(source: Source, kind: Kind, since: datetime | None = None) -> int:
    """
    How many records are upstream but not here because they cannot be read or kept; only those
    that were met since a time, if one is given.
    """
    rows = SetAside.objects.filter(connection_id=source.connection_id, kind=kind.value)
    if since is not None:
        rows = rows.filter(seen_at__gte=since)
    copies: Any = MODELS[kind]._default_manager.filter(
        connection_id=source.connection_id, upstream_id=OuterRef("upstream_id"), gone_at=None
    )
    return rows.filter(~Exists(copies)).count()


def forget_set_aside(source: Source, kind: Kind, before: datetime) -> None:
    """What was set aside and a whole walk since then did not meet again is not there any more."""
    SetAside.objects.filter(
        connection_id=source.connection_id, kind=kind.value, seen_at__lt=before
    ).delete()


def changed_since(source: Source, kind: Kind, asked_at: datetime, ours: Iterable[int]) -> bool:
    """
    Whether copies changed after this moment by others than us (`ours`: the ids we saved):
    then their count, told at that moment, cannot be held against ours.
    """
    rows: Any = MODELS[kind]._default_manager.filter(connection_id=source.connection_id)
    if rows.filter(gone_at__gt=asked_at).exists():
        return True
    newer: bool = rows.filter(seen_at__gt=asked_at).exclude(pk__in=list(ours)).exists()
    return newer
