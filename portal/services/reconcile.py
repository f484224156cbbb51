"""
The check: a complete walk that finds what is gone upstream.

Absence is not deletion: only a walk that read the whole list, undisturbed, may take records
away, few of them without asking, and each comes back when it is seen again. Where the list looks
odd (it is empty, its count disagrees) it takes nothing away by itself: a few records are asked
for one by one, and two 404s prove that one is gone; about more an admin is asked. A walk keeps
its place and what it saw, so that a kill costs nothing and follows may run in between.

What disturbs a walk: rows move while it reads, for the cursor behaves like an offset. A row
deleted behind the cursor lets another one slip past it, and then the count falls. A row that
comes in pushes others down, and then rows come twice, as many as the count grew.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.crash import crash
from portal.live import store as live
from portal.mirror import gone, progress
from portal.mirror.models import SyncState
from portal.providers.errors import Gone
from portal.records import Page
from portal.services import outside
from portal.services.keeping import keep_one
from portal.services.sync_pass import Pass, fell, once_more, their_time
from portal.services.upstream import read_one, surely

CHECK_EVERY = timedelta(hours=24)
# Where no order shows what was changed, everything is read this often, and less often where it
# is much:
# at most a tenth of a key's calls go into it.
WALK_EVERY = timedelta(minutes=10)
WALK_CALLS_PER_MINUTE = 10
# More than this share, and more than this number, is not taken away without asking.
SHARE, NUMBER = 0.05, 20
WALKS = 3
FIRST_PAUSE, LONGEST_PAUSE = 10, 24 * 60
# A walk of more pages is not repeated: what it did not show is asked for one by one.
PAGES_REPEATED = 20
# So many records may be asked for one by one.
ASKED_FOR = 20

_PLACE = ("check_cursor", "check_notes")
_END = (
    *_PLACE,
    "check_started_at",
    "check_pause",
    "checked_at",
    "walked_at",
    "synced_at",
    "bookmark",
    "drift",
    "missing",
    "error",
)


class Verdict(StrEnum):
    """What to make of a walk that came to the end of its list."""

    BELIEVED = "believed"
    PROVEN = "proven"  # what each was asked for; the list itself is not believed
    ASK = "ask"
    AGAIN = "again"
    ONE_BY_ONE = "one by one"
    GIVEN_UP = "given up"


_NOT_BELIEVED = (Verdict.GIVEN_UP, Verdict.PROVEN)


@dataclass(slots=True)
class Notes:
    """
    What a check noticed on its way, kept with its place.

    `first` and `last` are the counts told, `date` the provider's time at the start,
    `nameless` how many rows without an id it met, `off` how many records the last walk saw
    whose number did not agree with the count, `walks` how many walks it took.
    """

    walks: int = 1
    pages: int = 0
    first: int | None = None
    last: int | None = None
    fell: bool = False
    repeats: int = 0
    nameless: int = 0
    ended: bool = False
    date: str = ""
    off: int | None = None

    def add(self, page: Page[Any], repeats: int) -> None:
        self.fell = self.fell or fell(self.last, page)
        self.first = page.total if not self.pages else self.first
        self.last, self.pages = page.total, self.pages + 1
        self.repeats += repeats
        self.nameless += sum(not one.upstream_id for one in page.rejected)
        self.ended = page.next_cursor is None
        self.date = self.date or their_time(page).isoformat()

    @property
    def steady(self) -> bool:
        """Whether no row can have slipped past the cursor."""
        grown = (self.last or 0) - (self.first or 0)
        return not self.fell and self.repeats <= max(0, grown)

    def agrees(self, seen: int) -> bool:
        """Whether so many records are what the provider counted."""
        if self.first is None or self.last is None:
            return True
        return self.first <= seen + self.nameless <= self.last


def is_due(state: SyncState, *, edits_told: bool) -> bool:
    """Whether a check has to begin or to go on; sooner where nothing tells of edits."""
    if state.phase == SyncState.Phase.BACKFILL:
        return False
    if under_way(state):
        return True
    if not edits_told and walk_is_due(state):
        return True
    since = _last_try(state)
    if since is None or timezone.now() - since > CHECK_EVERY:
        return True
    return state.check_wanted and timezone.now() - since >= timedelta(minutes=state.check_pause)


def under_way(state: SyncState) -> bool:
    return state.check_started_at is not None and not state.missing


def walk_is_due(state: SyncState) -> bool:
    """Whether everything is to be read again where no order tells what is new."""
    since = _last_try(state)
    return since is None or _is_long_ago(state, since)


def _is_long_ago(state: SyncState, since: datetime) -> bool:
    """Whether a walk may be followed by the next, by what it takes of the key's calls."""
    pages = (state.told_total or 0) / 100
    every = max(WALK_EVERY, timedelta(minutes=pages / WALK_CALLS_PER_MINUTE))
    return timezone.now() - since > every


def _last_try(state: SyncState) -> datetime | None:
    tried = state.check_notes.get("tried")
    times = [state.checked_at, datetime.fromisoformat(tried) if tried else None]
    return max(filter(None, times), default=None)


def check(run: Pass) -> None:
    """Begin a check or go on with it. One that saw too little since is followed by another."""
    if under_way(run.state):
        old = _is_old(run.state)
        _go_on(run)
        settled = run.state.check_started_at is None
        if not (old and settled):
            return
    progress.grant_check(run.state)
    _begin(run)
    _go_on(run)


def _is_old(state: SyncState) -> bool:
    """Whether what a check has seen is older than the doubt, or than a walk may be."""
    # Where nothing was left to read, what it saw is as old as the kill that came then.
    if Notes(**state.check_notes).ended and state.check_wanted:
        return True
    # It stood still: what changed on the pages it had read, it does not know.
    return state.check_started_at is not None and _is_long_ago(state, state.check_started_at)


def _go_on(run: Pass) -> None:
    """From where the check stands to its verdict, or until its time is up."""
    while True:
        once_more(run, _walk, _begin)
        if run.report.more:
            return
        notes = Notes(**run.state.check_notes)
        verdict = _judge(run, notes)
        if verdict is Verdict.AGAIN:
            _begin(run, notes)
            continue
        if verdict is Verdict.ONE_BY_ONE:
            verdict = _ask_one_by_one(run, notes)
        _end(run, notes, verdict)
        return


def _begin(run: Pass, before: Notes | None = None) -> None:
    """From the first page on; `before` is what the walk noticed that was not believed."""
    state = run.state
    notes = Notes()
    if before is not None:
        notes.walks = before.walks + 1
        notes.off = gone.seen(state) if before.steady else None
    with transaction.atomic():
        gone.forget(state)
        state.check_started_at, state.check_cursor, state.missing = timezone.now(), "", 0
        state.check_notes = asdict(notes)
        progress.save(state, "check_started_at", "missing", *_PLACE)


def _walk(run: Pass) -> None:
    """Read on from where the check stands, to the end of the list."""
    state, notes = run.state, Notes(**run.state.check_notes)
    if notes.ended:
        return
    for page in run.walk(run.follow.backfill, state.check_cursor or None):
        with transaction.atomic():
            run.save(page)
            named = [r.upstream_id for r in page.rejected if r.upstream_id]
            ids = [*(r.upstream_id for r in page.records), *named]
            notes.add(page, gone.note_seen(state, ids))
            state.check_cursor, state.check_notes = page.next_cursor or "", asdict(notes)
            run.keep_place(*_PLACE)
        run.page_done()
        if not notes.ended and run.time_is_up():
            return


def _judge(run: Pass, notes: Notes) -> Verdict:
    """Whether what the walk did not show is gone."""
    seen = gone.seen(run.state)
    absent = gone.missing(run.source, run.kind, run.state).count()
    total = gone.live(run.source, run.kind)
    if not notes.steady:
        return _unsteady(run, notes, absent)
    if not notes.agrees(seen) and notes.off != seen:
        return Verdict.AGAIN if notes.walks < WALKS else Verdict.GIVEN_UP
    if notes.walks == 1 and notes.pages <= PAGES_REPEATED and _more_than_told(run, notes, absent):
        return Verdict.AGAIN
    # A count that is off twice by the same is the provider's own way of counting.
    doubt = not notes.agrees(seen) or notes.nameless > 0 or seen == 0
    many = absent > NUMBER and absent > SHARE * total
    if not absent or not (doubt or many):
        return Verdict.BELIEVED
    # Of an empty list whose count says otherwise nothing is believed.
    few = absent <= ASKED_FOR and (seen > 0 or notes.agrees(seen))
    return Verdict.ONE_BY_ONE if few else Verdict.ASK


def _more_than_told(run: Pass, notes: Notes, absent: int) -> bool:
    """
    Whether more would be left here than the provider counts: one that the walk had met went
    while another came, so that the counts of the walk agree by chance.
    """
    state = run.state
    assert state.check_started_at is not None
    met = gone.aside(run.source, run.kind, since=state.check_started_at)
    return notes.last is not None and gone.live(run.source, run.kind) - absent + met > notes.last


def _unsteady(run: Pass, notes: Notes, absent: int) -> Verdict:
    """Rows moved. Short walks are repeated; after a long one the absent are asked for."""
    if notes.walks < WALKS and notes.pages <= PAGES_REPEATED:
        return Verdict.AGAIN
    return Verdict.ONE_BY_ONE if absent <= ASKED_FOR else Verdict.GIVEN_UP


def _ask_one_by_one(run: Pass, notes: Notes) -> Verdict:
    """Ask for each record that the walk did not show: only two 404s take it away."""
    listed = gone.seen(run.state)
    if listed and not _can_be_asked(run):
        return Verdict.ASK if notes.steady else Verdict.GIVEN_UP
    there = []
    for row in list(gone.missing(run.source, run.kind, run.state)):
        try:
            record = _read(run, row.upstream_id)
        except Gone:
            continue
        keep_one(run.source, run.kind, record)
        there.append(row.upstream_id)
    gone.note_seen(run.state, there)
    return Verdict.PROVEN if there and not listed else Verdict.BELIEVED


def _can_be_asked(run: Pass) -> bool:
    """Whether a record that the list shows is found by its id: else a 404 proves nothing."""
    shown = gone.one_shown(run.source, run.kind, run.state)
    if shown is None:
        return False
    try:
        _read(run, shown)
    except Gone:
        return False
    return True


def _read(run: Pass, upstream_id: str) -> Any:
    return surely(lambda: read_one(run.client, run.kind, upstream_id))


def _end(run: Pass, notes: Notes, verdict: Verdict) -> None:
    """The verdict and what follows from it, in one transaction."""
    state = run.state
    with transaction.atomic():
        if verdict in _NOT_BELIEVED:
            progress.want_check(state)
        if verdict is Verdict.ASK:
            state.missing = gone.missing(run.source, run.kind, state).count()
            state.checked_at = timezone.now()
            run.report.missing = state.missing
        elif verdict is not Verdict.GIVEN_UP:
            _bury(run)
        if verdict is Verdict.BELIEVED:
            _walked(run, notes)
        if verdict is not Verdict.ASK:
            state.check_started_at = None
        state.check_cursor = ""
        state.check_notes = {"tried": timezone.now().isoformat(), "told": state.told_total}
        _space_out(run, verdict)
        run.keep_place(*_END)
    crash("sync.after_gone")
    if not state.missing:
        gone.forget(state)


def _bury(run: Pass) -> None:
    """What the walk did not show is gone, and open pages are told."""
    state = run.state
    ids = gone.bury(run.source, run.kind, gone.missing(run.source, run.kind, state))
    live.note(run.source.workspace_id, run.kind.value, ids)
    outside.note_all_gone(run.source, run.kind, ids)
    if state.check_started_at is not None:
        gone.forget_set_aside(run.source, run.kind, state.check_started_at)
    run.report.gone += len(ids)
    crash("sync.in_gone")


def _walked(run: Pass, notes: Notes) -> None:
    """The whole list was read: everything up to the start of the walk is known."""
    state = run.state
    began = datetime.fromisoformat(notes.date)
    state.bookmark = max(filter(None, [state.bookmark, began]))
    state.walked_at = state.checked_at = state.synced_at = timezone.now()
    state.error = ""
    aside = progress.set_aside_of(run.source, run.kind)
    state.rejected = [{"id": a.upstream_id, "reason": a.reason} for a in aside[:50]]


def _space_out(run: Pass, verdict: Verdict) -> None:
    """What difference stays is no news any more; one that stays shows up less and less often."""
    state = run.state
    here = gone.live(run.source, run.kind) + gone.aside(run.source, run.kind)
    state.drift = 0 if state.told_total is None else state.told_total - here
    settled = verdict not in _NOT_BELIEVED and not state.drift
    longer = max(FIRST_PAUSE, min(2 * state.check_pause, LONGEST_PAUSE))
    state.check_pause = FIRST_PAUSE if settled else longer
