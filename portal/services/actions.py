"""
Every write the portal knows: how a row of the outbox is sent, and what is kept of the answer.

Both read only the row, so that the worker sends a queued write exactly as a page would.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.crash import crash
from portal.mirror import store, threads
from portal.mirror.models import Conversation
from portal.mirror.store import Source
from portal.outbox import store as outbox
from portal.outbox.models import Write
from portal.providers.contract import Client
from portal.providers.errors import Gone, NotFound, ProviderError, Refused
from portal.records import Can, ContactRecord, Kind
from portal.services import lookups
from portal.services.clashes import clashes_in
from portal.services.errors import Clash, StaleRecord
from portal.services.keeping import keep_gone, keep_one, thread_changed
from portal.services.outside import news
from portal.services.upstream import surely
from portal.services.values import same_value
from portal.texts import gettext_noop


@dataclass(frozen=True, slots=True)
class Action:
    """
    `send` makes the calls and returns the provider's answer; `keep` saves it and returns
    our copy; `look` tells whether it arrived after its answer was lost. `can` is the ability
    the provider must have.
    """

    kind: Kind
    can: Can
    send: Callable[[Client, Source, Write], Any]
    keep: Callable[[Source, Write, Any], Any]
    look: lookups.Look

    @property
    def creates(self) -> bool:
        """Whether it makes a record, which the provider may say exists already."""
        return self.can in _CREATES


def _update_lead(client: Client, source: Source, write: Write) -> Any:
    _read_first(source, Kind.LEADS, client.get_lead, write)
    return client.update_lead(write.upstream_id, write.changes)


def _update_contact(client: Client, source: Source, write: Write) -> Any:
    _read_first(source, Kind.CONTACTS, client.get_contact, write)
    return client.update_contact(write.upstream_id, write.changes)


def _set_status(client: Client, source: Source, write: Write) -> Any:
    _read_first(source, Kind.CONVERSATIONS, client.get_conversation, write)
    return client.set_status(write.upstream_id, write.changes["status"])


def _read_first(source: Source, kind: Kind, read: Callable[[str], Any], write: Write) -> None:
    """
    The record as it is now, compared with what the person saw. A read that fails has changed
    nothing. What version was seen is written down before anything is sent, so that a look-up
    can tell whether somebody was there since.
    """
    try:
        current = surely(lambda: read(write.upstream_id))
    except ProviderError as error:
        error.arrived = False
        raise
    if clashes := _clashes(current.raw, write, write.changes):
        raise StaleRecord(keep_one(source, kind, current), clashes)
    _note_others(source, kind, current)
    write.evidence = {**write.evidence, **lookups.version_of(current)}
    outbox.still_mine(write, evidence=write.evidence)
    crash("outbox.before_send")


def _note_others(source: Source, kind: Kind, current: Any) -> None:
    """
    What somebody else changed in other fields is merged silently, and is theirs in the log:
    the answer to our own change, which shows it too, could not be told apart from it.
    """
    ours = store.find(source, kind, current.upstream_id)
    if ours is not None and any(ours.raw.get(name) != now for name, now in current.raw.items()):
        keep_one(source, kind, current)


def _update_user(client: Client, source: Source, write: Write) -> Any:
    """No call shows a user: our copy, which webhooks and colleagues may have changed, has to do."""
    row = store.find(source, Kind.CONTACTS, write.upstream_id)
    known = {name: mine for name, mine in write.changes.items() if name in write.before}
    if row is not None and (clashes := _clashes(row.raw, write, known)):
        raise StaleRecord(row, clashes)
    return client.update_user(write.upstream_id, write.changes)


def _clashes(now: Mapping[str, Any], write: Write, wanted: Mapping[str, Any]) -> list[Clash]:
    """
    The fields wanted otherwise that somebody else changed meanwhile.

    Other fields merge silently: a PATCH carries only what changed. What the same person's
    earlier writes made of it is no clash. The API cannot compare for us, so a writer may
    still slip in between our read and our write.
    """
    earlier = outbox.allowed_before(write)
    return [
        clash
        for name, mine in wanted.items()
        if not any(same_value(now.get(name), values.get(name)) for values in earlier)
        for clash in clashes_in(name, write.before.get(name), now.get(name), mine)
    ]


def _delete(
    kind: Kind,
    read: Callable[[str], Any],
    delete: Callable[[str], None],
    source: Source,
    write: Write,
) -> None:
    try:
        if write.undoes_id is not None:
            _unless_changed(kind, read, source, write)
        delete(write.upstream_id)
    except Gone:
        """Somebody was faster; what the person wanted is so."""
    except NotFound:
        _is_not_there(read, write)


def _is_not_there(read: Callable[[str], Any], write: Write) -> None:
    """The deletion found nothing: done only if the record shows no more, else `Refused` (F11)."""
    try:
        read(write.upstream_id)
    except NotFound:
        return
    raise Refused(write.connection.provider, status=404, message=STILL_THERE)


STILL_THERE = gettext_noop("The service does not find it to delete it, but still shows it.")


def _unless_changed(kind: Kind, read: Callable[[str], Any], source: Source, write: Write) -> None:
    """
    Who takes back that a record was made means the record as they saw it: what somebody else
    wrote into it meanwhile is not thrown away unseen.
    """
    try:
        current = surely(lambda: read(write.upstream_id))
    except ProviderError as error:
        error.arrived = False
        raise
    names = news(write.before, current.raw)
    if names:
        clashes = [Clash(n, write.before[n], current.raw[n], None) for n in sorted(names)]
        raise StaleRecord(keep_one(source, kind, current), clashes)


def _keep(kind: Kind) -> Callable[[Source, Write, Any], Any]:
    return lambda source, _write, record: keep_one(source, kind, record, ours=True)


def _keep_gone(kind: Kind) -> Callable[[Source, Write, Any], Any]:
    def keep(source: Source, write: Write, _answer: Any) -> Any:
        row = store.find(source, kind, write.upstream_id)
        if row is not None:
            keep_gone(row, kind, ours=True)
        return row

    return keep


def _keep_message(private: bool) -> Callable[[Source, Write, Any], Any]:
    def keep(source: Source, write: Write, sent: Any) -> Any:
        conversation = store.find(source, Kind.CONVERSATIONS, write.upstream_id)
        if isinstance(conversation, Conversation):
            author = str(write.actor) if write.actor else ""
            text = write.changes["text"]
            threads.save_sent(
                conversation,
                sent,
                text=text,
                private=private,
                author_name=author,
                write_id=write.pk,
            )
            thread_changed(conversation)
        return conversation

    return keep


def _keep_new_conversation(source: Source, write: Write, record: Any) -> Any:
    """The answer echoes neither subject, tags nor user (facts B3): keep what we sent."""
    subject = record.subject or write.changes.get("subject") or ""
    tags = record.tags or tuple(write.changes.get("tags") or ())
    told = None if record.told is None else record.told | {"subject", "tags"}
    user = ContactRecord(upstream_id=str(write.changes["user_id"]), told=frozenset())
    if store.find(source, Kind.CONTACTS, user.upstream_id) is None:
        keep_one(source, Kind.CONTACTS, user)
    whole = replace(record, subject=subject, tags=tags, told=told)
    return keep_one(source, Kind.CONVERSATIONS, whole, ours=True)


_CREATES = frozenset({Can.CREATE_LEAD, Can.CREATE_CONTACT, Can.CREATE_CONVERSATION})

ACTIONS: dict[str, Action] = {
    "lead.create": Action(
        Kind.LEADS,
        Can.CREATE_LEAD,
        lambda c, s, w: c.create_lead(w.changes),
        _keep(Kind.LEADS),
        lookups.of_creation(Kind.LEADS, Can.CREATE_LEAD),
    ),
    "lead.update": Action(
        Kind.LEADS,
        Can.UPDATE_LEAD,
        _update_lead,
        _keep(Kind.LEADS),
        lookups.of_change(lambda c, one: c.get_lead(one)),
    ),
    "lead.delete": Action(
        Kind.LEADS,
        Can.DELETE_LEAD,
        lambda c, s, w: _delete(Kind.LEADS, c.get_lead, c.delete_lead, s, w),
        _keep_gone(Kind.LEADS),
        lookups.of_deletion(lambda c, one: c.get_lead(one)),
    ),
    "contact.create": Action(
        Kind.CONTACTS,
        Can.CREATE_CONTACT,
        lambda c, s, w: c.create_contact(w.changes),
        _keep(Kind.CONTACTS),
        lookups.of_creation(Kind.CONTACTS, Can.CREATE_CONTACT),
    ),
    "contact.update": Action(
        Kind.CONTACTS,
        Can.UPDATE_CONTACT,
        _update_contact,
        _keep(Kind.CONTACTS),
        lookups.of_change(lambda c, one: c.get_contact(one)),
    ),
    "contact.delete": Action(
        Kind.CONTACTS,
        Can.DELETE_CONTACT,
        lambda c, s, w: _delete(Kind.CONTACTS, c.get_contact, c.delete_contact, s, w),
        _keep_gone(Kind.CONTACTS),
        lookups.of_deletion(lambda c, one: c.get_contact(one)),
    ),
    "user.update": Action(
        Kind.CONTACTS,
        Can.UPDATE_USER,
        _update_user,
        _keep(Kind.CONTACTS),
        lookups.of_user,
    ),
    "conversation.create": Action(
        Kind.CONVERSATIONS,
        Can.CREATE_CONVERSATION,
        lambda c, s, w: c.create_conversation(w.changes),
        _keep_new_conversation,
        lookups.of_creation(Kind.CONVERSATIONS, Can.CREATE_CONVERSATION),
    ),
    "conversation.status": Action(
        Kind.CONVERSATIONS,
        Can.SET_STATUS,
        _set_status,
        _keep(Kind.CONVERSATIONS),
        lookups.of_change(lambda c, one: c.get_conversation(one)),
    ),
    "message.send": Action(
        Kind.CONVERSATIONS,
        Can.SEND_MESSAGE,
        lambda c, s, w: c.send_message(w.upstream_id, w.changes["text"]),
        _keep_message(private=False),
        lookups.of_message,
    ),
    "message.note": Action(
        Kind.CONVERSATIONS,
        Can.SEND_NOTE,
        lambda c, s, w: c.send_note(w.upstream_id, w.changes["text"]),
        _keep_message(private=True),
        lookups.of_message,
    ),
}
