"""What people do with conversations."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from portal.budget.store import Lane
from portal.mirror import threads
from portal.mirror.models import Conversation
from portal.outbox.models import Write
from portal.records import ContactRecord, ConversationRecord, Kind, ParticipantRecord
from portal.services.keeping import keep_records, thread_changed
from portal.services.refresh import refresh
from portal.services.upstream import source_of
from portal.services.writes import Ask, Outcome, submit
from portal.team.holding import hold
from portal.team.models import Membership
from portal.vault.models import Connection


def set_status(
    conversation: Conversation, status: str, *, before: str, actor: Membership, form_id: str
) -> Outcome:
    """Change the provider's own status word. `before` is the one the person saw."""
    ask = Ask(
        "conversation.status",
        conversation.connection,
        changes={"status": status},
        before={"status": before},
        subject=conversation,
    )
    return submit(ask, actor=actor, form_id=form_id)


def send_reply(
    conversation: Conversation,
    text: str,
    *,
    actor: Membership,
    form_id: str,
    replaces: Write | None = None,
) -> Outcome:
    """
    Send a message to the customer (Markdown), after the seconds in which it can be taken back.
    Never sent again by itself. `replaces` is an earlier one that was not sent.
    """
    ask = Ask(
        "message.send",
        conversation.connection,
        {"text": text},
        subject=conversation,
        replaces=replaces,
    )
    return submit(ask, actor=actor, form_id=form_id, hold_seconds=settings.HOLD_SECONDS)


def add_note(
    conversation: Conversation,
    text: str,
    *,
    actor: Membership,
    form_id: str,
    replaces: Write | None = None,
) -> Outcome:
    """Leave a private note, at once. It never falls back to a message for the customer."""
    ask = Ask(
        "message.note",
        conversation.connection,
        {"text": text},
        subject=conversation,
        replaces=replaces,
    )
    return submit(ask, actor=actor, form_id=form_id)


def start_conversation(
    connection: Connection, values: Mapping[str, Any], *, actor: Membership, form_id: str
) -> Outcome:
    """Open a conversation with a user. `values`: user_id, subject, tags."""
    title = str(values.get("subject") or values.get("user_id") or "")
    ask = Ask("conversation.create", connection, changes=values, title=title)
    return submit(ask, actor=actor, form_id=form_id)


def refresh_conversation(
    conversation: Conversation, *, lane: Lane = Lane.PEOPLE
) -> Conversation | None:
    """Ask upstream for this conversation and what it tells of its thread; None if gone."""
    return refresh(
        conversation,
        lambda client: client.get_conversation(conversation.upstream_id),
        also=keep_thread,
        lane=lane,
    )


def keep_thread(conversation: Conversation, record: ConversationRecord) -> None:
    """The history and the participants, where this provider tells them."""
    if record.messages is not None:
        with transaction.atomic():
            if threads.save_history(conversation, record.messages):
                thread_changed(conversation)
    elif record.last_message:
        with transaction.atomic():
            hold(conversation.workspace_id)
            if threads.note_last_messages(source_of(conversation.connection), [record]):
                thread_changed(conversation)
    people = [p for p in record.participants or () if p.upstream_id]
    if people:
        with transaction.atomic():
            keep_records(
                source_of(conversation.connection),
                Kind.CONTACTS,
                [
                    ContactRecord(p.upstream_id, first_name=p.name, email=p.email, told=_told(p))
                    for p in people
                    if p.role not in ("agent", "bot")
                ],
            )


def _told(person: ParticipantRecord) -> frozenset[str]:
    told = {"first_name": person.name, "email": person.email}
    return frozenset(name for name, value in told.items() if value)
