"""How far the copy has come: the rows of `SyncState`, who is working on them, what they did."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.utils import timezone

from portal.errors import PortalError
from portal.mirror.models import SetAside, SyncRun, SyncState
from portal.mirror.store import Source
from portal.records import Kind, Rejected
from portal.team.models import Workspace
from portal.texts import gettext_noop

LEASE = timedelta(minutes=3)
RUNS_KEPT = 500
_PRUNE_EVERY = 25


class LostLease(PortalError):
    """
    Another pass took over while this one stood still (a suspended process, a long pause).

    What it was about to save is not saved: it may be older than what is there.
    """

    message = gettext_noop("Another pass took over.")


def state_of(source: Source, kind: Kind) -> SyncState | None:
    """The kind's state, None before its first pass."""
    rows = SyncState.objects.filter(connection_id=source.connection_id, kind=kind.value)
    return rows.first()


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


def save(state: SyncState, *columns: str) -> None:
    """
    Keep these columns of the progress, and the hold on it for as long as pages come.

    The others may have been changed meanwhile by whoever asked for a check. Raises
    `LostLease` if the state is not held by us any more.
    """
    until = timezone.now() + LEASE
    values: dict[str, Any] = {name: getattr(state, name) for name in columns}
    ours = SyncState.objects.filter(pk=state.pk, lease_until=state.lease_until)
    if not ours.update(**values, lease_until=until):
        raise LostLease(state.pk)
    state.lease_until = until


def failed(state: SyncState, sentence: str) -> None:
    """The pass stopped; what it had saved stays, and the next one goes on from there."""
    now = timezone.now()
    SyncState.objects.filter(pk=state.pk).update(error=sentence[:300], failed_at=now)


def release(state: SyncState) -> None:
    """Let the next pass begin; a pass that took over from us keeps its hold."""
    ours = SyncState.objects.filter(pk=state.pk, lease_until__lte=state.lease_until)
    ours.update(lease_until=None)


def want_check(state: SyncState, *, pause: int | None = None) -> None:
    """Ask for a complete walk that looks for what is gone; `pause` 0: without waiting."""
    values: dict[str, Any] = {"check_wanted": True}
    if pause is not None:
        values["check_pause"] = pause
    SyncState.objects.filter(pk=state.pk).update(**values)


def grant_check(state: SyncState) -> None:
    """A check begins: whoever asks for one from now on gets another."""
    SyncState.objects.filter(pk=state.pk).update(check_wanted=False)


def set_aside(
    source: Source, kind: Kind, rejected: Iterable[Rejected], readable: Iterable[str]
) -> int:
    """
    Keep what could not be read or kept, with the reason; forget what became readable.

    Runs in the page's transaction. Returns how many records are set aside by this.
    """
    rows = SetAside.objects.filter(connection_id=source.connection_id, kind=kind.value)
    rows.filter(upstream_id__in=list(readable)).delete()
    now = timezone.now()
    found = {name: one.reason for name, one in _named(rejected).items()}
    SetAside.objects.bulk_create(
        [
            SetAside(
                workspace_id=source.workspace_id,
                connection_id=source.connection_id,
                kind=kind.value,
                upstream_id=name,
                reason=reason[:300],
                seen_at=now,
            )
            for name, reason in found.items()
        ],
        update_conflicts=True,
        unique_fields=["connection", "kind", "upstream_id"],
        update_fields=["reason", "seen_at"],
    )
    return len(found)


def _named(rejected: Iterable[Rejected]) -> Mapping[str, Rejected]:
    """Each record by its id; one without an id by its place among such of the page."""
    named: dict[str, Rejected] = {}
    for one in rejected:
        name = one.upstream_id.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
        named[name[:255] or f"#{sum(key.startswith('#') for key in named)}"] = one
    return named


def set_aside_of(source: Source, kind: Kind) -> list[SetAside]:
    """The records of a kind that are set aside now, the newest first."""
    rows = SetAside.objects.filter(connection_id=source.connection_id, kind=kind.value)
    return list(rows.order_by("-seen_at", "-id"))


def all_set_aside(workspace: Workspace, limit: int = 200) -> list[SetAside]:
    """What is set aside in a workspace, the newest first."""
    rows = SetAside.objects.filter(workspace=workspace)
    return list(rows.order_by("-seen_at", "-id")[:limit])


def note_run(run: SyncRun) -> None:
    """Keep what a pass did; now and then forget the oldest beyond `RUNS_KEPT`."""
    run.save()
    if run.pk % _PRUNE_EVERY:
        return
    rows = SyncRun.objects.filter(connection_id=run.connection_id).order_by("-id")
    oldest = rows.values_list("pk", flat=True)[RUNS_KEPT : RUNS_KEPT + 1].first()
    if oldest is not None:
        rows.filter(pk__lte=oldest).delete()


def runs(workspace: Workspace, limit: int = 50) -> list[SyncRun]:
    """The workspace's last passes, newest first."""
    return list(SyncRun.objects.filter(workspace=workspace).order_by("-id")[:limit])


def last_run(source: Source, kind: Kind, *, but: str) -> SyncRun | None:
    """The last pass over a kind that was for another purpose than this one."""
    rows = SyncRun.objects.filter(
        workspace_id=source.workspace_id, connection_id=source.connection_id, kind=kind.value
    )
    return rows.exclude(purpose=but).order_by("-id").first()


def requests_since(connection_id: int, since: datetime) -> int:
    """How many calls the passes of a connection made since then, first copies left out."""
    rows = SyncRun.objects.filter(connection_id=connection_id, started_at__gte=since)
    told = rows.exclude(purpose=SyncState.Phase.BACKFILL).aggregate(n=Sum("requests"))
    return int(told["n"] or 0)
