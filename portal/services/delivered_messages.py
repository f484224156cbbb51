"""Messages that only deliveries tell: into the thread, once each, and onto the open pages."""

from dataclasses import replace

from django.core.cache import cache
from django.db import transaction

from portal.deliveries import store
from portal.deliveries.models import Delivery
from portal.mirror import delivered, threads
from portal.mirror import store as mirror
from portal.mirror.models import Conversation
from portal.mirror.store import Source
from portal.outbox import store as outbox
from portal.outbox.models import Write
from portal.records import ConversationRecord, Event, Kind
from portal.services.keeping import keep_records, thread_changed
from portal.services.upstream import source_of
from portal.services.verdicts import Group, by_moment, moment_of
from portal.team.holding import hold
from portal.texts import gettext_noop
from portal.vault.models import Connection

# Webhooks may name conversations by ids of another form (facts B5): not each costs a request.
STRANGER_SECONDS = 600
SENDING_SECONDS = 5.0


def keep(connection: Connection, group: Group) -> None:
    """What was said in a conversation that we have, and what that tells of it and its user."""
    source = source_of(connection)
    conversation = mirror.find(source, Kind.CONVERSATIONS, group.upstream_id)
    assert isinstance(conversation, Conversation)
    held = [(d, e) for d, e in group.told if _being_sent(connection, group, e)]
    told = [pair for pair in by_moment(group) if pair not in held]
    with transaction.atomic():
        hold(connection.workspace_id)
        _keep_people(source, [event for _, event in told])
        changed = [_keep_message(conversation, delivery, event) for delivery, event in told]
        _keep_about(source, conversation, told)
        if any(changed):
            threads.make_searchable([conversation.pk])
            thread_changed(conversation)
        store.end([delivery for delivery, _ in told], Delivery.Status.DONE)
    if held:
        waits = [delivery for delivery, _ in held]
        store.put_off(
            waits,
            gettext_noop("A message with this text is just being sent."),
            seconds=SENDING_SECONDS,
        )


def is_stranger(source: Source, upstream_id: str) -> bool:
    """Whether the API said lately that it knows no conversation with this id."""
    return cache.get(_stranger_key(source, upstream_id)) is not None


def note_stranger(source: Source, upstream_id: str) -> None:
    cache.add(_stranger_key(source, upstream_id), 1, STRANGER_SECONDS)


def _stranger_key(source: Source, upstream_id: str) -> str:
    return f"stranger:{source.connection_id}:{upstream_id.encode().hex()[:200]}"


def _keep_people(source: Source, events: list[Event]) -> None:
    for event in events:
        if event.person is not None:
            keep_records(source, Kind.CONTACTS, [event.person])


def _keep_message(conversation: Conversation, delivery: Delivery, event: Event) -> bool:
    if event.message is None:
        return False
    at = moment_of(delivery, event)
    name = "repeat" if delivery.possibly_repeated else "delivery"
    return delivered.save_delivered(
        conversation,
        replace(event.message, sent_at=at),
        key=f"{name}-{delivery.pk}",
        at=at,
        outgoing=event.outgoing,
    )


def _keep_about(
    source: Source, conversation: Conversation, told: list[tuple[Delivery, Event]]
) -> None:
    """The newest message is the conversation's last one, if nothing newer is known."""
    for delivery, event in told[-1:]:
        at, record = moment_of(delivery, event), event.record
        if not isinstance(record, ConversationRecord):
            continue
        if conversation.active_at is not None and at < conversation.active_at:
            continue
        known = (record.told or frozenset()) | {"updated_at"}
        keep_records(source, Kind.CONVERSATIONS, [replace(record, updated_at=at, told=known)])


def _being_sent(connection: Connection, group: Group, event: Event) -> bool:
    """
    Whether a message of ours with this text is on its way: until its receipt tells its id,
    nobody knows whether this event speaks of it.
    """
    if not event.outgoing or event.message is None:
        return False
    writes = outbox.unsettled_of(connection.pk, Kind.CONVERSATIONS.value, group.upstream_id)
    sending = writes.filter(status=Write.Status.IN_FLIGHT, action="message.send")
    return any(write.changes.get("text") == event.message.text for write in sending)
