"""What people decide about writes that wait, failed, or may have arrived."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from portal.audit import log
from portal.audit.models import Entry
from portal.mirror import store
from portal.mirror.models import Upstream
from portal.outbox import decisions
from portal.outbox import store as outbox
from portal.outbox.decisions import Behind, HeldBack, MovedOn
from portal.outbox.models import Write
from portal.records import SentMessage
from portal.services.actions import ACTIONS
from portal.services.errors import CannotDo, NewerMessage
from portal.services.keeping import write_moved
from portal.services.sending import came_too_late
from portal.services.taking_back import take_back
from portal.services.upstream import source_of
from portal.services.writes import Ask, Outcome, attempt, settle_refusal, submit
from portal.team.models import Membership, Workspace
from portal.texts import gettext_noop

MESSAGES = ("message.send", "message.note")


def it_arrived(write: Write, *, actor: Membership) -> None:
    """
    A person looked there and found it: it counts as sent. A message takes its place in the
    thread, which no call may be able to read again. Raises `MovedOn`.
    """
    _may(write, actor)
    with transaction.atomic():
        decisions.confirm(write)
        log.end(write.entry, Entry.Outcome.DONE, reason=f"decided by {actor.user}")
        _log("write.it_arrived", write, actor)
        if write.action in MESSAGES:
            receipt = SentMessage("", write.upstream_id, sent_at=write.tried_at or write.created_at)
            ACTIONS[write.action].keep(source_of(write.connection), write, receipt)
        write_moved(write)


def send_again(write: Write, *, actor: Membership) -> None:
    """
    Back into the queue, in the name of who wants it so. What was not confirmed may arrive a
    second time: the page says so before. Raises `MovedOn`.
    """
    _may(write, actor)
    with transaction.atomic():
        entry = write.entry
        if entry.outcome != Entry.Outcome.PENDING:
            entry = _entry_like(entry, actor)
        _log("write.send_again", write, actor)
        decisions.requeue(write, actor_id=actor.user_id, entry_id=entry.pk)
        write_moved(write)


def discard(write: Write, *, actor: Membership) -> None:
    """
    Not to be sent, or not to be shown any more; its text stays at its address. One that is
    being sent cannot be stopped. Raises `MovedOn`.
    """
    _may(write, actor)
    with transaction.atomic():
        _log("write.discard", write, actor)
        take_back(write)


def retry_now(write: Write, *, actor: Membership) -> Outcome:
    """
    Try a queued write at once, without waiting for its time. Raises `MovedOn` if it is not
    queued any more, `Behind` if an earlier change of its record goes first (it follows),
    `HeldBack`, `NewerMessage` for a reply that something newer stops, and what sending raises.
    """
    _may(write, actor)
    if decisions.held(actor.workspace) is not None:
        raise HeldBack(actor.workspace_id)
    with transaction.atomic():
        decisions.hurry(write)
        write_moved(write)
    claimed = outbox.claim(write.pk)
    if claimed is None:
        raise Behind(write.pk)
    if came_too_late(claimed):
        # The list of what waits does not show the conversation: who presses there has not read it.
        newer = NewerMessage()
        settle_refusal(claimed, newer)
        raise newer
    return attempt(claimed)


def edit(
    write: Write,
    changes: Mapping[str, Any],
    *,
    before: Mapping[str, Any],
    actor: Membership,
    form_id: str,
) -> Outcome:
    """
    Another write in the place of one that was refused, waits or was not confirmed; the old
    one is taken back in the same transaction. What was to take another change back still does,
    unless its values were changed. Raises `MovedOn` and what `submit` raises.
    """
    _may(write, actor)
    ask = Ask(
        write.action,
        write.connection,
        changes=changes,
        before=before,
        subject=subject_of(write),
        title=write.entry.subject,
        undoes=write.undoes if dict(changes) == write.changes else None,
        replaces=write,
    )
    return submit(ask, actor=actor, form_id=form_id)


def subject_of(write: Write) -> Upstream | None:
    """Our copy of the record it changes, None if it makes one. Raises `CannotDo` if it is gone."""
    if not write.upstream_id or write.action.endswith(".create"):
        return None
    row = store.find(source_of(write.connection), ACTIONS[write.action].kind, write.upstream_id)
    if row is None or row.gone_at is not None:
        raise CannotDo(write.pk, message=gettext_noop("The record is not there any more."))
    return row


def release(workspace: Workspace, *, actor: Membership) -> bool:
    """Let a workspace whose outbox was stopped send again; False if nothing stopped it."""
    actor.require(Membership.Role.ADMIN)
    with transaction.atomic():
        released = decisions.release(workspace)
        if released:
            log.record(workspace, "outbox.release", actor=actor.user, subject=workspace.name)
    return released


def _may(write: Write, actor: Membership) -> None:
    actor.require(Membership.Role.AGENT)
    if write.workspace_id != actor.workspace_id:
        raise MovedOn(write.pk)


def _entry_like(entry: Entry, actor: Membership) -> Entry:
    """
    An entry that has ended stays as it is, also one that is not confirmed: whatever the second
    try comes to, the first may have arrived. What is tried anew is a new line of the log.
    """
    return log.open_entry(
        actor.workspace,
        entry.action,
        actor=actor.user,
        subject=entry.subject,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        before=entry.before,
        after=entry.after,
        batch=entry.batch,
    )


def _log(action: str, write: Write, actor: Membership) -> None:
    entry = write.entry
    log.record(
        actor.workspace,
        action,
        actor=actor.user,
        subject=entry.subject,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        after={"action": write.action, **write.changes},
    )
