"""
The two walks that bring records in (design 6).

The first copy (backfill) walks a kind from the newest record to the oldest and goes on where
it stopped. After that a follow reads only down to what is known already: the bookmark, which
is never later than the start of the walk that set it, by the provider's own clock, minus an
overlap. A page of records and its progress are one transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.crash import crash
from portal.errors import PortalError
from portal.mirror import gone, progress
from portal.mirror.models import SyncState
from portal.records import Page
from portal.services import reconcile
from portal.services.missing import withdraw_if_back
from portal.services.sync_pass import Pass, fell, once_more, their_time
from portal.texts import gettext_noop

# How far a pass reads behind its bookmark: clocks and commits are never quite in step. After an
# import of thousands the whole of it would be read again and again: a page without news that
# lies as far behind as clocks jitter is enough.
OVERLAP, JITTER = timedelta(seconds=90), timedelta(seconds=5)


class CutShort(PortalError):
    """A list came back empty though records are known: no news, and nothing is believed gone."""

    message = gettext_noop(
        "The service's list came back empty. Nothing was deleted; it is read again."
    )
    http_status = 502


def backfill(run: Pass) -> None:
    """The first copy, from where the last pass stopped to the end."""
    once_more(run, _backfill, _from_the_beginning)


def _backfill(run: Pass) -> None:
    state = run.state
    for page in run.walk(run.follow.backfill, state.cursor or None):
        with transaction.atomic():
            if fell(state.told_total, page):
                progress.want_check(state)
            run.save(page)
            if not state.cursor:
                # What is read first is as old as this, however long the rest takes.
                state.checked_at = timezone.now()
            state.walk_started_at = state.walk_started_at or their_time(page)
            state.rows += len(page.records) + len(page.rejected)
            state.cursor = page.next_cursor or ""
            if page.next_cursor is None:
                crash("sync.before_complete")
                _complete(run, page)
            run.keep_place("cursor", "walk_started_at", "rows", *_COMPLETE)
        run.page_done()
        if page.next_cursor is not None and run.time_is_up():
            return


def _from_the_beginning(run: Pass) -> None:
    run.state.cursor, run.state.rows = "", 0
    progress.save(run.state, "cursor", "rows")


_COMPLETE = ("phase", "bookmark", "walked_at", "checked_at", "synced_at", "error")


def _complete(run: Pass, page: Page[Any]) -> None:
    """The whole list was read: everything up to the start of the walk is known."""
    state = run.state
    state.phase = SyncState.Phase.FOLLOW
    state.bookmark, state.walk_started_at = state.walk_started_at, None
    state.walked_at = state.synced_at = timezone.now()
    state.error = ""
    run.compare(page.total)


@dataclass(slots=True)
class _Way:
    """What a follow met on its way through one sort."""

    attribute: str
    bookmark: datetime | None
    total: int | None = None
    newest: datetime | None = None
    oldest: datetime | None = None
    rows: int = 0
    arrived: bool = False
    disorder: bool = False
    moved: bool = False

    def go(self, page: Page[Any], news: int) -> bool:
        """Take in a page with so much news; whether the walk may stop here."""
        self.moved = self.moved or fell(self.total, page)
        self.total = page.total
        self.rows += len(page.records) + len(page.rejected)
        times = [t for r in page.records if (t := getattr(r, self.attribute)) is not None]
        if times:
            # Rows may come again when others come in before them, but none newer than those.
            above = self.newest is not None and times[0] > self.newest
            self.disorder = above or any(a < b for a, b in pairwise(times))
            self.newest = times[0]
            self.oldest = min([*times, *filter(None, [self.oldest])])
        self.arrived = self._is_behind(page, news)
        if page.next_cursor is None:
            # The whole list: believed if there is something in it.
            self.arrived = self.arrived or self.rows > 0
        return self.arrived or self.disorder

    def _is_behind(self, page: Page[Any], news: int) -> bool:
        """Whether the walk is back among what is known."""
        if self.bookmark is None or self.oldest is None or self._is_all_news(page, news):
            return False
        return self.oldest < self.bookmark - (OVERLAP if news else JITTER)

    def _is_all_news(self, page: Page[Any], news: int) -> bool:
        """Then more may follow, even where their rows are dated by a slower clock than `Date`."""
        return news > 0 and news == len(page.records)


def follow(run: Pass) -> None:
    """What changed since the bookmark, by each of the kind's sorts."""
    if not run.follow.follow:
        _look_at_newest(run)
        return
    once_more(run, _follow, lambda _run: None)


def _follow(run: Pass) -> None:
    began: datetime | None = None
    for sort, attribute in run.follow.follow:
        way = _Way(attribute, run.state.bookmark)
        for page in run.walk(sort):
            began = began or their_time(page)
            with transaction.atomic():
                news = run.save(page)
                run.keep_place()
            run.page_done()
            if way.go(page, news):
                break
        if way.disorder:
            _without_order(run)
            return
        if not way.arrived and gone.live(run.source, run.kind):
            progress.want_check(run.state)
            raise CutShort
        # Records vanished while we read: others may have slipped past us. Read again next time.
        began = run.state.bookmark if way.moved else began
    _caught_up(run, began)


def _look_at_newest(run: Pass) -> None:
    """No sort to follow: the first page each pass; what it does not show, the count tells."""
    page = next(run.walk(None))
    with transaction.atomic():
        run.save(page)
        run.keep_place()
    run.page_done()
    if not page.records and gone.live(run.source, run.kind):
        progress.want_check(run.state)
        raise CutShort
    _caught_up(run, their_time(page))


def read_open(run: Pass) -> None:
    """What people work on, where no order shows what changed in it: all of it."""
    everything = run.state.told_total
    for page in run.walk(None, filters=run.follow.open_ones):
        with transaction.atomic():
            run.save(page)
            run.state.told_total = everything  # the page told of the open ones only
            run.keep_place()
        run.page_done()
    withdraw_if_back(run.state, run.source, run.kind, shown=run.back)


def _without_order(run: Pass) -> None:
    """The promised order does not hold (F22): only reading everything tells what is new."""
    if reconcile.walk_is_due(run.state):
        reconcile.check(run)
        return
    _caught_up(run, run.state.bookmark)


def _caught_up(run: Pass, began: datetime | None) -> None:
    state = run.state
    state.bookmark = began or state.bookmark
    state.synced_at, state.error = timezone.now(), ""
    with transaction.atomic():
        run.compare(state.told_total)
        run.keep_place("bookmark", "synced_at", "error")
    withdraw_if_back(state, run.source, run.kind, shown=run.back)
