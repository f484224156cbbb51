"""One pass over one kind of one connection: pages in, records kept, the odd one set aside."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Any

from django.db import DataError, transaction
from django.utils import timezone

from portal.crash import crash
from portal.mirror import gone, progress, threads
from portal.mirror.models import SyncState
from portal.mirror.store import Record, Saved, Source
from portal.providers import paging
from portal.providers.contract import Client, Follow
from portal.providers.errors import NotFound, Refused
from portal.records import Kind, Page, Rejected
from portal.services.keeping import keep_records
from portal.services.upstream import Meter, source_of
from portal.vault.models import Connection

log = logging.getLogger(__name__)

# Where a provider tells no time of its own: how wrong our clock may be.
SKEW = timedelta(minutes=15)
# What a database says of one value it cannot hold; anything else is not the record's fault.
_UNFIT = (DataError, ValueError, ArithmeticError, TypeError)
# What every page of every walk moves.
PLACE = ("told_total", "rejected")

type Watch = Callable[[SyncState], None]


class Purpose(StrEnum):
    """What a pass is for, in the order of its value."""

    FOLLOW = "follow"
    OPEN = "open"
    BACKFILL = "backfill"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class How:
    """
    How passes go about their work.

    `watch` is called after every page. `seconds` is when a long walk makes room for others
    (None: it goes on to its end), `patience_seconds` how long such a walk waits for its
    place in the budget (None: as long as the lane's patience lasts). `limit` is the rows
    of a page.
    """

    watch: Watch | None = None
    seconds: float | None = None
    patience_seconds: float | None = None
    limit: int = 100


@dataclass(slots=True)
class Report:
    """
    What was done for one kind; `error` is the sentence of what stopped it.

    `more` tells that the walk made room and goes on in the next pass, `waiting` that it
    stopped for want of calls. `missing` records are not where they were: an admin decides.
    """

    connection: str
    kind: str
    requests: int = 0
    rows: int = 0
    created: int = 0
    updated: int = 0
    gone: int = 0
    set_aside: int = 0
    missing: int = 0
    seconds: float = 0.0
    waited_seconds: float = 0.0
    error: str = ""
    more: bool = False
    waiting: bool = False
    rejected: list[dict[str, str]] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Another pass over the same kind."""
        for name in ("requests", "rows", "created", "updated", "gone", "set_aside"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seconds = round(self.seconds + other.seconds, 3)
        self.waited_seconds = round(self.waited_seconds + other.waited_seconds, 3)
        self.missing = other.missing or self.missing
        self.error = other.error or self.error
        self.more, self.waiting = self.more or other.more, self.waiting or other.waiting
        self.rejected += other.rejected


@dataclass(slots=True)
class Pass:
    """One pass over one kind: what it needs at hand, and what it has done so far."""

    connection: Connection
    kind: Kind
    follow: Follow
    state: SyncState
    client: Client
    meter: Meter
    report: Report
    how: How
    began: float = field(default_factory=monotonic)
    onward: bool = False
    last_ids: tuple[int, ...] = ()
    back: bool = False

    @property
    def source(self) -> Source:
        return source_of(self.connection)

    def walk(
        self,
        sort: str | None,
        start: str | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Iterator[Page[Any]]:
        """Pages of the list from a cursor on; raises if the list cannot end."""

        def fetch(cursor: str | None) -> Page[Any]:
            place = cursor or start
            self.onward = place is not None
            page = self.client.list_page(
                self.kind,
                cursor=place,
                limit=self.how.limit,
                sort=sort,
                filters=self.follow.filters if filters is None else filters,
            )
            crash("sync.after_fetch")
            return page

        return paging.walk(self.connection.provider, fetch)

    def save(self, page: Page[Any]) -> int:
        """
        The page's records into the mirror; how many of them were news. Runs in the caller's
        transaction.
        """
        self.back = self.back or self._shows_missing(page)
        saved, unfit = self._keep(page.records)
        crash("sync.in_page")
        if self.kind is Kind.CONVERSATIONS and saved.created + saved.updated:
            threads.note_last_messages(self.source, page.records)
        rejected = [*page.rejected, *unfit]
        readable = {r.upstream_id for r in page.records} - {r.upstream_id for r in unfit}
        self.report.set_aside += progress.set_aside(self.source, self.kind, rejected, readable)
        self.report.rejected += [_told(one) for one in rejected]
        self.report.rows += len(page.records)
        self.report.created += saved.created
        self.report.updated += saved.updated
        self.last_ids = saved.ids
        self.state.told_total = page.total
        if rejected or self.state.rejected:
            aside = progress.set_aside_of(self.source, self.kind)
            self.state.rejected = [{"id": a.upstream_id, "reason": a.reason} for a in aside[:50]]
        return saved.created + saved.updated

    def _shows_missing(self, page: Page[Any]) -> bool:
        """Whether it shows one of those that an admin is asked about."""
        if not self.state.missing:
            return False
        shown = [record.upstream_id for record in page.records]
        rows = gone.missing(self.source, self.kind, self.state)
        return rows.filter(upstream_id__in=shown).exists()

    def _keep(self, records: tuple[Record, ...]) -> tuple[Saved, list[Rejected]]:
        """All records in one go; where the database refuses one, one by one without it."""
        try:
            with transaction.atomic():
                return self._keep_all(records), []
        except _UNFIT:
            log.warning("a page of %s does not fit as a whole", self.kind, exc_info=True)
        saved, unfit = Saved(), list[Rejected]()
        for record in records:
            try:
                with transaction.atomic():
                    one = self._keep_all((record,))
            except _UNFIT as error:
                reason = f"the database cannot hold it ({type(error).__name__})"
                unfit.append(Rejected(record.upstream_id, reason))
            else:
                saved = _sum(saved, one)
        return saved, unfit

    def _keep_all(self, records: tuple[Record, ...]) -> Saved:
        return keep_records(
            self.source,
            self.kind,
            records,
            asked_at=self.meter.asked_at,
            # A conversation's list item and its detail tell different things of it.
            whole=self.kind is not Kind.CONVERSATIONS,
        )

    def keep_place(self, *columns: str) -> None:
        """The progress of this page, in the page's transaction."""
        progress.save(self.state, *PLACE, *columns)

    def page_done(self) -> None:
        """Between two pages: what looks on may act."""
        crash("sync.after_page")
        if self.how.watch:
            self.how.watch(self.state)

    def time_is_up(self) -> bool:
        """Whether this pass makes room for others."""
        seconds = self.how.seconds
        self.report.more = seconds is not None and monotonic() - self.began > seconds
        return self.report.more

    def compare(self, total: int | None) -> None:
        """
        Hold the provider's count against ours: a difference that this pass does not explain
        asks for a check. It costs no call. What is too much here and was left so by a check
        (an admin is asked, or said no) is no news.
        """
        if total is None:
            return
        drift = total - gone.live(self.source, self.kind) - gone.aside(self.source, self.kind)
        asked_at = self.meter.asked_at or timezone.now()
        if drift == 0 or drift == self.state.drift < 0:
            return
        if not gone.changed_since(self.source, self.kind, asked_at, self.last_ids):
            progress.want_check(self.state)


def their_time(page: Page[Any]) -> datetime:
    """The provider's clock when the page was made; ours, set back, where it tells none."""
    return page.server_date or timezone.now() - SKEW


def fell(before: int | None, page: Page[Any]) -> bool:
    """Whether records vanished while the list was read: then others slipped past the cursor."""
    return before is not None and page.total is not None and page.total < before


def once_more(run: Pass, work: Callable[[Pass], None], begin_anew: Callable[[Pass], None]) -> None:
    """Do the work; where a cursor is refused on the way, once more from the beginning (F20)."""
    try:
        work(run)
    except (Refused, NotFound):
        if not run.onward:
            raise
        begin_anew(run)
        work(run)


def _told(one: Rejected) -> dict[str, str]:
    return {"id": one.upstream_id[:255], "reason": one.reason[:300]}


def _sum(one: Saved, other: Saved) -> Saved:
    return Saved(
        one.created + other.created,
        one.updated + other.updated,
        one.unchanged + other.unchanged,
        one.ids + other.ids,
    )
