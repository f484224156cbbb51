"""
Keep one connection's copy up to date (design 6): which passes, in which order, and what came
of them. How a pass reads stands in `sync_walks` (first copy, follow) and `reconcile` (check).

What is worth most comes first: news of what is copied already, then first copies, then the
checks that look for what is gone; conversations before leads before contacts. All of it stays
within the background's share of the key's budget.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from portal.budget.store import Lane
from portal.errors import PortalError
from portal.mirror import progress
from portal.mirror.models import SyncRun, SyncState
from portal.providers.contract import Follow
from portal.providers.errors import BudgetSpent, KeyRejected, LeftAlone, RateLimited
from portal.records import Kind
from portal.services import reconcile, sync_walks
from portal.services.deliveries import heard_at
from portal.services.errors import NotConnected
from portal.services.sync_pass import How, Pass, Purpose, Report, Watch
from portal.services.upstream import Meter, connect, provider_of, source_of
from portal.vault.models import Connection

__all__ = ["How", "Purpose", "Report", "Watch", "sync_connection"]

# What people look at first.
_ORDER = (Kind.CONVERSATIONS, Kind.LEADS, Kind.CONTACTS)
_WORK: dict[Purpose, Callable[[Pass], None]] = {
    Purpose.FOLLOW: sync_walks.follow,
    Purpose.OPEN: sync_walks.read_open,
    Purpose.BACKFILL: sync_walks.backfill,
    Purpose.CHECK: reconcile.check,
}
# After these no other kind of the same key has a chance either.
_ENDS_ALL = (KeyRejected, NotConnected, BudgetSpent, LeftAlone, RateLimited)
_USUAL = How()
# Webhooks that came so lately are taken to tell the next change too.
LISTENING = timedelta(days=1)
# What is open is read this often where no order shows what changed, and less often where it is
# much: at most a twentieth of a key's calls goes into it.
OPEN_EVERY, OPEN_CALLS_PER_MINUTE = timedelta(minutes=3), 5


def sync_connection(
    connection: Connection,
    *,
    full: bool = False,
    how: How = _USUAL,
    watch: Watch | None = None,
) -> list[Report]:
    """
    What is due for every kind of a connection; a report for each that was not under way.

    `full` reads everything and takes away what is gone. Trouble with one kind is noted in
    its report and its state and ends its pass; what was saved before stays. A rejected key
    stops all without a call.
    """
    if watch is not None:
        how = How(watch, how.seconds, how.patience_seconds, how.limit)
    reports: dict[Kind, Report] = {}
    for kind, purpose in _plan(connection, full=full, limit=how.limit):
        done = _run(connection, kind, purpose, how)
        if done is None:
            continue
        report, trouble = done
        reports.setdefault(kind, Report(str(connection), kind.value)).add(report)
        if isinstance(trouble, _ENDS_ALL):
            break
    return [reports[kind] for kind in provider_of(connection).kinds if kind in reports]


def _plan(connection: Connection, *, full: bool, limit: int) -> Iterator[tuple[Kind, Purpose]]:
    """The passes that are due; whether a check is, turns out when the others have run."""
    follows = provider_of(connection).kinds
    kinds = [kind for kind in _ORDER if kind in follows]
    copied = [kind for kind in kinds if _is_copied(_state(connection, kind))]
    if not full:
        for kind in copied:
            yield kind, Purpose.FOLLOW
        for kind in copied:
            if follows[kind].open_ones and _open_ones_are_due(connection, kind, limit):
                yield kind, Purpose.OPEN
    for kind in kinds:
        if kind not in copied:
            goes_on = _is_begun(_state(connection, kind))
            yield kind, Purpose.BACKFILL
            # What changed meanwhile on the pages that an earlier pass had read.
            if goes_on and follows[kind].follow and _is_copied(_state(connection, kind)):
                yield kind, Purpose.FOLLOW
    for kind in kinds:
        state = _state(connection, kind)
        told = _edits_are_told(connection, follows[kind])
        if (full and kind in copied) or (state and reconcile.is_due(state, edits_told=told)):
            yield kind, Purpose.CHECK


def _open_ones_are_due(connection: Connection, kind: Kind, limit: int) -> bool:
    """Whether it is long since they were read; never where the first page shows everything."""
    state = _state(connection, kind)
    if state is None or (state.told_total or 0) <= limit or reconcile.under_way(state):
        return False
    last = progress.last_run(source_of(connection), kind, but=Purpose.FOLLOW.value)
    if last is None:
        return True
    every = max(OPEN_EVERY, timedelta(minutes=last.requests / OPEN_CALLS_PER_MINUTE))
    return timezone.now() - last.started_at > every


def _edits_are_told(connection: Connection, follow: Follow) -> bool:
    """Whether an edit shows in a list's order, or by webhooks that came lately."""
    heard = heard_at(connection) if follow.hooks_tell_edits else None
    return follow.shows_edits or (heard is not None and timezone.now() - heard < LISTENING)


def _state(connection: Connection, kind: Kind) -> SyncState | None:
    return progress.state_of(source_of(connection), kind)


def _is_copied(state: SyncState | None) -> bool:
    return state is not None and state.phase == SyncState.Phase.FOLLOW


def _is_begun(state: SyncState | None) -> bool:
    return state is not None and state.walk_started_at is not None


def _run(
    connection: Connection, kind: Kind, purpose: Purpose, how: How
) -> tuple[Report, PortalError | None] | None:
    """One pass over one kind: what it did and what stopped it; None while another one runs."""
    state = progress.claim(source_of(connection), kind)
    if state is None:
        return None
    report, meter = Report(str(connection), kind.value), Meter()
    started, began = timezone.now(), time.monotonic()
    trouble: PortalError | None = None
    try:
        if _is_copied(state) != (purpose is Purpose.BACKFILL):
            _work(connection, purpose, state, meter=meter, report=report, how=how)
    except PortalError as error:
        trouble = error
        report.error = _sentence(error)
        report.waiting = isinstance(error, BudgetSpent | LeftAlone)
        if not isinstance(error, BudgetSpent | LeftAlone | progress.LostLease):
            progress.failed(state, report.error)
    finally:
        progress.release(state)
        report.requests, report.waited_seconds = meter.requests, round(meter.waited_seconds, 3)
        report.seconds = round(time.monotonic() - began, 3)
    progress.note_run(_line(connection, purpose, started, report))
    return report, trouble


def _work(
    connection: Connection,
    purpose: Purpose,
    state: SyncState,
    *,
    meter: Meter,
    report: Report,
    how: How,
) -> None:
    kind = Kind(state.kind)
    follow: Follow = provider_of(connection).kinds[kind]
    with connect(
        connection,
        Lane.BACKGROUND,
        deadline_seconds=settings.SYNC_DEADLINE_SECONDS,
        # News cannot be left half read: it waits. A long walk goes on where it stopped.
        patience_seconds=None if purpose is Purpose.FOLLOW else how.patience_seconds,
        meter=meter,
    ) as client:
        _WORK[purpose](Pass(connection, kind, follow, state, client, meter, report, how))


def _line(connection: Connection, purpose: Purpose, started: datetime, report: Report) -> SyncRun:
    names = ("seconds", "waited_seconds", "requests", "rows", "created", "updated", "gone")
    return SyncRun(
        workspace_id=connection.workspace_id,
        connection_id=connection.pk,
        kind=report.kind,
        purpose=purpose.value,
        started_at=started,
        set_aside=report.set_aside,
        error=report.error,
        **{name: getattr(report, name) for name in names},
    )


def _sentence(error: PortalError) -> str:
    return (getattr(error, "said", "") or error.message)[:300]
