"""
The life of a write (design 5): a row, then a request, then the answer, the copy and the
audit entry in one transaction. Nothing is ever sent twice for one row's attempt.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from portal.audit import log
from portal.audit.models import Entry
from portal.batches.models import Batch
from portal.budget.store import Lane
from portal.crash import crash
from portal.errors import PortalError
from portal.mirror import store
from portal.mirror.models import Upstream
from portal.mirror.store import Source
from portal.outbox import store as outbox
from portal.outbox.models import WITHDRAWN, Write
from portal.providers.contract import Client
from portal.providers.errors import (
    BrokenContract,
    Duplicate,
    Gone,
    KeyRejected,
    NotPermitted,
    ProviderError,
    TryLater,
)
from portal.services.actions import ACTIONS, Action
from portal.services.errors import CannotDo, NotConnected, StaleRecord
from portal.services.keeping import keep_gone, write_moved
from portal.services.lookups import Proof
from portal.services.taking_back import take_back
from portal.services.upstream import connect, provider_of, source_of
from portal.team.models import Membership
from portal.vault import store as vault
from portal.vault.models import Connection

RETRY_SECONDS, LONGEST_WAIT_SECONDS = 30.0, 600.0
# Nothing is wrong with the write itself: it waits.
_PASSING = (TryLater, KeyRejected, NotConnected, BrokenContract)


@dataclass(frozen=True, slots=True)
class Ask:
    """
    What a person wants changed. `before` and `changes` use the provider's own field names;
    `subject` is our copy of the record, None when one is being made. `undoes` is the write
    that this one takes back, `batch` what it is a part of. `replaces` is one that has not been
    sent, and is taken back as this one is written down.
    """

    action: str
    connection: Connection
    changes: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    subject: Upstream | None = None
    title: str = ""
    undoes: Write | None = None
    batch: Batch | None = None
    replaces: Write | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How a write stands now: `sent`, `queued` or `unknown` (a refusal is raised instead).
    `record` is our copy of what it made or changed; None while nothing is confirmed.
    """

    write: Write
    record: Any = None

    @property
    def sent(self) -> bool:
        return self.write.status == Write.Status.SENT


def submit(
    ask: Ask,
    *,
    actor: Membership,
    form_id: str,
    lane: Lane = Lane.PEOPLE,
    hold_seconds: float = 0,
) -> Outcome:
    """
    Write it down, then try it at once. The same `form_id` never makes two writes: the
    second call returns how the first one stands.

    With `hold_seconds` it is only written down, and sent by a worker when they are over: until
    then it can be taken back. `lane` is whose share of the budget the calls use.

    Behind another write of the same record that is not settled it waits in the queue.

    Raises `NotAllowed`, `CannotDo`, `StaleRecord`, `Refused`, `Duplicate`,
    `NotFound`, `NotPermitted`: then nothing was changed, and the row says why.
    """
    actor.require(Membership.Role.AGENT)
    action, provider = ACTIONS[ask.action], provider_of(ask.connection)
    if action.can not in provider.can:
        raise CannotDo(ask.action, message=provider.cannot.get(action.can, CannotDo.message))
    earlier = outbox.by_form(actor.workspace, form_id)
    if earlier is not None:
        return _as_it_stands(earlier)
    try:
        write = _write_down(ask, actor, form_id, lane, hold_seconds)
    except IntegrityError:
        # The second press of the same moment: the first one's row stands.
        first = outbox.by_form(actor.workspace, form_id)
        if first is None:
            raise
        return _as_it_stands(first)
    crash("outbox.written")
    return attempt(write) if write.status == Write.Status.IN_FLIGHT else Outcome(write)


def _write_down(
    ask: Ask, actor: Membership, form_id: str, lane: Lane, hold_seconds: float
) -> Write:
    """The outbox row and its audit entry, committed before the first byte leaves."""
    with transaction.atomic(durable=True):
        if ask.replaces is not None and ask.replaces.reason != WITHDRAWN:
            take_back(ask.replaces)
        entry = log.open_entry(
            actor.workspace,
            ask.action,
            actor=actor.user,
            subject=ask.title or str(ask.subject or ""),
            subject_kind=ACTIONS[ask.action].kind.value,
            subject_id=ask.subject.pk if ask.subject else None,
            before=ask.before,
            after=ask.changes,
            batch=ask.batch,
        )
        write = outbox.begin(
            actor.workspace,
            connection_id=ask.connection.pk,
            entry_id=entry.pk,
            actor=actor.user,
            form_id=form_id,
            action=ask.action,
            kind=ACTIONS[ask.action].kind.value,
            upstream_id=ask.subject.upstream_id if ask.subject else "",
            before=ask.before,
            changes=ask.changes,
            lane=lane.value,
            undoes=ask.undoes,
            hold_seconds=hold_seconds,
        )
        if write.status == Write.Status.QUEUED:
            write_moved(write)
    return write


def attempt(write: Write) -> Outcome:
    """
    Send a write that is in flight by our claim, and settle it by what came back.

    If another process took it over meanwhile, nothing more is sent and its outcome stands.
    """
    crash("outbox.in_flight")
    try:
        return _attempt(write)
    except outbox.LostClaim:
        return _as_it_stands(outbox.whole(write.pk))


def _attempt(write: Write) -> Outcome:
    action, source = ACTIONS[write.action], source_of(write.connection)
    guard = partial(outbox.still_mine, write)
    try:
        with connect(write.connection, Lane(write.lane), guard=guard) as client:
            answer = _send(client, source, write)
    except (ProviderError, StaleRecord, NotConnected) as error:
        return _settle_failure(write, error)
    crash("outbox.after_send")
    record = keep_answer(write, action, answer)
    vault.note_may_write(write.connection, True)
    return Outcome(write, record)


def _send(client: Client, source: Source, write: Write) -> Any:
    """The answer; also that of an earlier try which a `Duplicate` proves to have arrived."""
    action = ACTIONS[write.action]
    try:
        return action.send(client, source, write)
    except Duplicate:
        if write.tries < 2 or not action.creates:
            raise
        earlier = replace_tried_at(write)
        finding = action.look(client, source, earlier)
        if finding.proof is not Proof.ARRIVED:
            raise
        return finding.answer


def replace_tried_at(write: Write) -> Write:
    """The same write as tried since it was written down: any of its tries may have arrived."""
    whole = copy(write)
    whole.tried_at = write.created_at
    return whole


def keep_answer(write: Write, action: Action, answer: Any) -> Any:
    """The copy, the row and the log say that it is sent, in one transaction; our copy."""
    with transaction.atomic():
        record = action.keep(source_of(write.connection), write, answer)
        outbox.settle(write, Write.Status.SENT, upstream_id=record.upstream_id if record else "")
        log.end(write.entry, Entry.Outcome.DONE, subject_id=record.pk if record else None)
        if write.attempt > 1:
            write_moved(write)
        crash("outbox.in_settling")
    crash("outbox.settled")
    return record


def _settle_failure(write: Write, error: PortalError) -> Outcome:
    """Queued if it certainly did not arrive, unknown if it may have, else refused and raised."""
    arrived = getattr(error, "arrived", False)
    if isinstance(error, _PASSING) and not arrived:
        with transaction.atomic():
            outbox.put_off(write, _wait_seconds(write, error), reason=type(error).__name__)
            write_moved(write)
        return Outcome(write)
    if arrived:
        with transaction.atomic():
            log.end(write.entry, Entry.Outcome.UNKNOWN, reason=error.message)
            outbox.settle(write, Write.Status.UNKNOWN, reason=type(error).__name__)
            write_moved(write)
        return Outcome(write)
    settle_refusal(write, error)
    raise error


def _wait_seconds(write: Write, error: PortalError) -> float:
    """As long as we are told to, else longer with each try."""
    told: float | None = getattr(error, "retry_after", None)
    if told:
        return told
    return min(RETRY_SECONDS * 2.0 ** min(max(write.tries - 1, 0), 10), LONGEST_WAIT_SECONDS)


def settle_refusal(write: Write, error: PortalError) -> None:
    said = getattr(error, "said", "")
    with transaction.atomic():
        # The log's lock first, as where an answer is kept: two orders could wait for each other.
        log.end(write.entry, Entry.Outcome.REFUSED, reason=said or error.message)
        outbox.settle(write, Write.Status.REFUSED, said=said, reason=type(error).__name__)
        write_moved(write)
        if isinstance(error, Gone):
            _forget(write)
    if isinstance(error, NotPermitted):
        vault.note_may_write(write.connection, False)


def _forget(write: Write) -> None:
    row = store.find(source_of(write.connection), ACTIONS[write.action].kind, write.upstream_id)
    if row is not None:
        keep_gone(row, ACTIONS[write.action].kind)


def _as_it_stands(write: Write) -> Outcome:
    """The same form again: tell how its write ended, send nothing."""
    record = None
    if write.status == Write.Status.SENT and write.upstream_id:
        kind = ACTIONS[write.action].kind
        record = store.find(source_of(write.connection), kind, write.upstream_id)
    return Outcome(write, record)
