"""
How a batch runs: row by row, in order, within the budget, a turn at a time.

Every row is a write of its own (`writes.submit`) whose form is named by batch and row: who is
killed between any two lines finds it again, and nothing is sent twice.
"""

import logging
import time
from collections.abc import Iterator

from django.utils import timezone

from portal.batches import store, turns
from portal.batches.models import Batch, BatchRow
from portal.budget import breaker, pace
from portal.budget.store import Lane
from portal.crash import crash
from portal.errors import NotAllowed, PortalError
from portal.mirror import store as mirror
from portal.mirror.models import Upstream
from portal.outbox import store as outbox
from portal.outbox.models import Write
from portal.providers.errors import Gone, KeyRejected, NotFound
from portal.services.actions import ACTIONS
from portal.services.batch_time import calls_of
from portal.services.errors import CannotDo, NotConnected, StaleRecord
from portal.services.upstream import provider_of, source_of
from portal.services.values import same_value
from portal.services.writes import Ask, submit
from portal.team.models import Membership
from portal.texts import gettext_noop
from portal.vault import store as vault
from portal.vault.models import Connection

log = logging.getLogger(__name__)

TURN_SECONDS = 45.0
# A worker's thread is not kept for a longer wait than this: the turn ends, another one comes.
NAP_SECONDS = 2.0
AGAIN_SECONDS = 15.0
MOST_TRIES = 3

SO_ALREADY = gettext_noop("It was so already.")
KILLED = gettext_noop("The worker ended three times on this row: it was left out.")
NOT_THERE = gettext_noop("It is not there any more.")
HELD = gettext_noop("This workspace sends nothing until an admin releases its outbox.")
READ_ONLY = gettext_noop("The key of this connection may only read.")
# After these there is nothing (any more) that should be changed.
_SKIPS = {error.__name__: error.message for error in (StaleRecord, Gone, NotFound, CannotDo)}


def run(batch_id: int, *, seconds: float = TURN_SECONDS) -> float | None:
    """
    Try the rows that wait, in their order, for so many seconds at most.

    Returns in how many seconds another turn is wanted; None if none is: the batch ended, stands
    still, or somebody else is at it. Whoever calls again too early changes nothing.
    """
    batch = turns.claim(batch_id)
    if batch is None:
        return None
    follow_writes(batch)
    wait = _work(batch, time.monotonic() + seconds)
    if wait is not None:
        turns.put_off(batch, wait)
    return wait


def _work(batch: Batch, until: float) -> float | None:
    """One turn; returns as `run` does."""
    for row in _waiting(batch):
        while wait := _obstacle(batch, row):
            if wait > NAP_SECONDS or time.monotonic() + wait > until:
                return wait
            time.sleep(wait)
        if wait is None or not (tries := turns.begin_row(batch, row)):
            return None
        crash("batch.begun")
        _try(batch, row, tries)
        crash("batch.settled")
        if time.monotonic() > until:
            return 0.0
    turns.finish(batch)
    return None


def _waiting(batch: Batch) -> Iterator[BatchRow]:
    while rows := turns.next_rows(batch):
        yield from rows


def _obstacle(batch: Batch, row: BatchRow) -> float | None:
    """
    What stands in the way of the next row: 0.0 nothing, else the seconds until there is room
    for its calls. None: the batch was paused and says why.
    """
    connection = _connection(batch, row)
    if connection is None:
        return AGAIN_SECONDS  # Its rows went with it: the next turn reads what is left.
    reason = _reason_to_pause(batch, connection)
    if reason:
        store.pause(batch, reason)
        return None
    if blocked := _seconds_blocked(batch):
        return blocked
    rest = breaker.rests([connection.key_mark]).get(connection.key_mark)
    if rest is not None and rest.seconds_left > 0:
        return rest.seconds_left
    limit = provider_of(connection).calls_per_minute
    return pace.wait_for(connection.key_mark, limit=limit, calls=calls_of(batch, row.action))


def _reason_to_pause(batch: Batch, connection: Connection) -> str:
    member = _member(batch)
    if member is None or not member.reaches(Membership.Role.AGENT):
        return NotAllowed.message
    if outbox.is_held(batch.workspace):
        return HELD
    if connection.status == Connection.Status.KEY_REJECTED:
        return KeyRejected.message
    if connection.status != Connection.Status.OK:
        return NotConnected.message
    return "" if connection.may_write else READ_ONLY


def _member(batch: Batch) -> Membership | None:
    """Who started it, as they stand in the workspace now."""
    members = Membership.objects.filter(
        workspace_id=batch.workspace_id, user_id=batch.actor_id or 0
    )
    return members.filter(user__is_active=True).select_related("workspace", "user").first()


def _connection(batch: Batch, row: BatchRow) -> Connection | None:
    """The row's connection as it stands now; None if it was removed meanwhile."""
    return vault.by_id(row.connection_id or batch.connection_id or 0)


def form_of(batch: Batch, row: BatchRow) -> str:
    """The form id of a row's write: the same after a kill."""
    return f"batch-{batch.pk}-{row.number}"


def _try(batch: Batch, row: BatchRow, tries: int) -> None:
    """Try one row, unless it was before, and write down how it went."""
    earlier = outbox.by_form(batch.workspace, form_of(batch, row))
    if earlier is not None:
        _follow(row, earlier)
    elif tries > MOST_TRIES:
        turns.settle_row(row, store.FAILED, KILLED)
    else:
        _send(batch, row)


def _send(batch: Batch, row: BatchRow) -> None:
    connection, member = _connection(batch, row), _member(batch)
    if connection is None or member is None:
        return  # Since a moment: the look before the next row tells.
    action, subject = row.action or batch.action, None
    if row.upstream_id:
        subject = mirror.find(source_of(connection), ACTIONS[action].kind, row.upstream_id)
        if reason := _nothing_to_do(row, subject):
            turns.settle_row(row, store.SKIPPED, reason)
            return
    ask = Ask(
        action,
        connection,
        changes=row.changes,
        before=row.before,
        subject=subject,
        title=row.title,
        batch=batch,
        undoes=_undone(batch, row),
    )
    _submit(batch, row, ask, member)


def _submit(batch: Batch, row: BatchRow, ask: Ask, member: Membership) -> None:
    form, refused = form_of(batch, row), PortalError()
    try:
        submit(ask, actor=member, form_id=form, lane=Lane.BACKGROUND)
    except PortalError as error:
        refused = error
    crash("batch.sent")
    write = outbox.by_form(batch.workspace, form)
    if write is not None:
        _follow(row, write)
    else:
        turns.settle_row(row, *_refusal(type(refused).__name__, refused.message))


def _nothing_to_do(row: BatchRow, subject: Upstream | None) -> str:
    """Why this row needs no call, "" if it does."""
    if subject is None or subject.gone_at is not None:
        return NOT_THERE
    same = (same_value(subject.raw.get(name), value) for name, value in row.changes.items())
    return SO_ALREADY if row.changes and all(same) else ""


def _undone(batch: Batch, row: BatchRow) -> Write | None:
    told = row.cells.get("undoes") if batch.kind == Batch.Kind.UNDO else None
    return Write.objects.filter(workspace=batch.workspace, pk=told).first() if told else None


def _refusal(name: str, said: str) -> tuple[str, str]:
    """The row's status and reason after a refusal of this name."""
    return (store.SKIPPED, _SKIPS[name]) if name in _SKIPS else (store.FAILED, said)


def _follow(row: BatchRow, write: Write) -> None:
    """The row stands as its write does."""
    if write.status == Write.Status.SENT:
        status, reason = str(store.DONE), ""
    elif write.status == Write.Status.REFUSED:
        status, reason = _refusal(write.reason, write.said or write.entry.reason)
    else:
        status, reason = store.ON_ITS_WAY, str(write.get_status_display())
    turns.settle_row(row, status, reason, write_id=write.pk)


def _seconds_blocked(batch: Batch) -> float:
    """
    While a write of this batch waits to be sent, no more of them are made. One that waits
    behind another change of its record does not hold the others back.
    """
    held = turns.on_their_way(batch).filter(write__status=Write.Status.QUEUED)
    row = held.exclude(write__reason=outbox.ORDER).first()
    if row is None or row.write is None:
        return 0.0
    due = row.write.not_before
    left = (due - timezone.now()).total_seconds() + 1.0 if due else 0.0
    return max(left, AGAIN_SECONDS)


def follow_writes(batch: Batch) -> None:
    """Settle the rows that were on their way by how their writes stand now."""
    for row in turns.on_their_way(batch).select_related("write__entry"):
        if row.write is None:
            turns.settle_row(row, store.FAILED, gettext_noop("Its write was removed."))
        else:
            _follow(row, row.write)


def follow_all() -> None:
    """The rows of every batch, ended or not, whose writes were settled meanwhile."""
    for batch in turns.left_open():
        follow_writes(batch)
