"""
Pull one connection's records into the mirror (design 6).

A first pass (backfill) walks a kind from the newest record to the oldest and goes on where
it stopped. After that a pass (follow) reads only down to what is known already: the
bookmark, which is never later than the start of the walk that set it, by the provider's
own clock, minus an overlap. A page of records and its progress are one transaction.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.budget.store import Lane
from portal.errors import PortalError
from portal.mirror import progress, threads
from portal.mirror.models import SyncState
from portal.providers import paging
from portal.providers.contract import Client, Follow
from portal.providers.errors import KeyRejected
from portal.records import Kind, Page
from portal.services.errors import NotConnected
from portal.services.keeping import keep_records
from portal.services.upstream import connect, provider_of, source_of
from portal.vault.models import Connection

# How far a pass reads behind its bookmark: clocks and commits are never quite in step.
OVERLAP = timedelta(seconds=90)
# Where an API has no sort, the first page is read each pass and everything this often.
WALK_EVERY = timedelta(minutes=10)

type Watch = Callable[[SyncState], None]


@dataclass(slots=True)
class Report:
    """What one pass over one kind did; `error` is the sentence of what stopped it."""

    connection: str
    kind: str
    requests: int = 0
    rows: int = 0
    created: int = 0
    updated: int = 0
    gone: int = 0
    seconds: float = 0.0
    error: str = ""
    rejected: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Pass:
    """One pass over one kind: what it needs at hand, and what it has done so far."""

    connection: Connection
    kind: Kind
    follow: Follow
    state: SyncState
    client: Client
    report: Report
    watch: Watch | None = None
    asked_at: datetime | None = None

    def walk(self, sort: str | None, start: str | None = None) -> Iterator[Page[Any]]:
        """Pages of the list, each counted as a request; raises if the list cannot end."""

        def fetch(cursor: str | None) -> Page[Any]:
            self.report.requests += 1
            self.asked_at = timezone.now()
            return self.client.list_page(
                self.kind, cursor=cursor or start, sort=sort, filters=self.follow.filters
            )

        return paging.walk(self.connection.provider, fetch)

    def save(self, page: Page[Any]) -> None:
        """The page's records into the mirror. Runs in the caller's transaction."""
        source = source_of(self.connection)
        saved = keep_records(
            source,
            self.kind,
            page.records,
            asked_at=self.asked_at,
            # A conversation's list item and its detail tell different things of it.
            whole=self.kind is not Kind.CONVERSATIONS,
        )
        if self.kind is Kind.CONVERSATIONS and saved.created + saved.updated:
            threads.note_last_messages(source, page.records)
        self.report.rows += len(page.records)
        self.report.created += saved.created
        self.report.updated += saved.updated
        self.report.rejected += [
            {"id": r.upstream_id[:255], "reason": r.reason[:300]} for r in page.rejected
        ]


def sync_connection(
    connection: Connection, *, full: bool = False, watch: Watch | None = None
) -> list[Report]:
    """
    One pass over every kind of a connection; a report for each that was not under way.

    `full` walks everything. Trouble with one kind is noted in its report and its state and
    ends the pass; what was saved before stays. A rejected key stops it without a call.
    """
    reports = []
    for kind, follow in provider_of(connection).kinds.items():
        state = progress.claim(source_of(connection), kind)
        if state is None:
            continue
        report = Report(str(connection), kind.value)
        reports.append(report)
        if not _pass(connection, kind, follow, state, report, full=full, watch=watch):
            break
    return reports


def _pass(
    connection: Connection,
    kind: Kind,
    follow: Follow,
    state: SyncState,
    report: Report,
    *,
    full: bool,
    watch: Watch | None,
) -> bool:
    """Run one kind; tell whether the next kind may follow."""
    started = time.monotonic()
    try:
        with connect(
            connection, Lane.BACKGROUND, deadline_seconds=settings.SYNC_DEADLINE_SECONDS
        ) as client:
            run = Pass(connection, kind, follow, state, client, report, watch)
            _run(run, full=full)
    except PortalError as error:
        report.error = _sentence(error)
        progress.failed(state, report.error)
        return not isinstance(error, KeyRejected | NotConnected)
    finally:
        progress.release(state)
        report.seconds = round(time.monotonic() - started, 3)
    return True


def _run(run: Pass, *, full: bool) -> None:
    if run.state.phase == SyncState.Phase.BACKFILL:
        _backfill(run)
    elif full:
        _walk_all(run)
    elif run.follow.follow:
        _follow(run)
    else:
        _look_at_newest(run)


def _backfill(run: Pass) -> None:
    """The first pass, from where the last one stopped to the end."""
    state = run.state
    for page in run.walk(run.follow.backfill, state.cursor or None):
        with transaction.atomic():
            run.save(page)
            state.walk_started_at = state.walk_started_at or _their_time(page)
            state.rows += len(page.records) + len(page.rejected)
            state.told_total = page.total
            state.cursor = page.next_cursor or ""
            if page.next_cursor is None:
                _complete(run)
            progress.save(state)
        if run.watch:
            run.watch(state)


def _walk_all(run: Pass) -> None:
    """Read everything again. Nothing is taken to be deleted: that needs a reconciliation."""
    started_at: datetime | None = None
    for page in run.walk(run.follow.backfill):
        started_at = started_at or _their_time(page)
        with transaction.atomic():
            run.save(page)
            run.state.told_total = page.total
            progress.save(run.state)
    run.state.walk_started_at = started_at
    with transaction.atomic():
        _complete(run)
        progress.save(run.state)


def _complete(run: Pass) -> None:
    """A whole walk ended: everything up to its start is known."""
    state = run.state
    state.phase = SyncState.Phase.FOLLOW
    state.cursor = ""
    state.bookmark = state.walk_started_at
    state.walk_started_at = None
    state.walked_at = state.synced_at = timezone.now()
    state.rejected, state.error = run.report.rejected[:50], ""


def _follow(run: Pass) -> None:
    """What changed since the bookmark, by each of the kind's sorts."""
    started_at: datetime | None = None
    for sort, attribute in run.follow.follow:
        for page in run.walk(sort):
            started_at = started_at or _their_time(page)
            with transaction.atomic():
                run.save(page)
                run.state.told_total = page.total
                progress.save(run.state)
            if not _in_order(page, attribute):
                _walk_all(run)
                return
            if _reached(page, attribute, run.state.bookmark):
                break
    _caught_up(run, started_at)


def _look_at_newest(run: Pass) -> None:
    """No sort to follow: the first page each pass, everything when it is due."""
    walked = run.state.walked_at
    if walked is None or walked < timezone.now() - WALK_EVERY:
        _walk_all(run)
        return
    page = next(run.walk(None))
    with transaction.atomic():
        run.save(page)
        grown = run.state.told_total != page.total
        run.state.told_total = page.total
        progress.save(run.state)
    if grown and page.next_cursor is not None:
        _walk_all(run)
    else:
        _caught_up(run, _their_time(page))


def _caught_up(run: Pass, started_at: datetime | None) -> None:
    run.state.bookmark = started_at or run.state.bookmark
    run.state.synced_at, run.state.error = timezone.now(), ""
    progress.save(run.state)


def _reached(page: Page[Any], attribute: str, bookmark: datetime | None) -> bool:
    """Whether the page goes back to what was known at the bookmark."""
    if bookmark is None:
        return False
    times = [t for r in page.records if (t := getattr(r, attribute)) is not None]
    return bool(times) and min(times) < bookmark - OVERLAP


def _in_order(page: Page[Any], attribute: str) -> bool:
    """Whether the promised order (newest first) holds: a walk must not stop early by a lie."""
    times = [t for r in page.records if (t := getattr(r, attribute)) is not None]
    return all(a >= b for a, b in pairwise(times))


def _their_time(page: Page[Any]) -> datetime:
    """The provider's clock when the page was made, ours where it tells none."""
    return page.server_date or timezone.now()


def _sentence(error: PortalError) -> str:
    return (getattr(error, "said", "") or error.message)[:300]
