"""
Dexra's webhooks, in both spellings its pages show. Source: API facts B5.

They are not signed: what they say is shown as reported, never as verified.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from portal.providers import body as bodies
from portal.providers import reading
from portal.providers.contract import Webhooks
from portal.providers.dexra import parse
from portal.providers.reading import Unreadable
from portal.records import (
    Author,
    ContactRecord,
    ConversationRecord,
    Event,
    Kind,
    MessageRecord,
    News,
)
from portal.texts import gettext_noop

MESSAGES = {"message_in": Author.VISITOR, "message_out": Author.AGENT}
EVENTS = (*MESSAGES, "conversation_created", "user_updated")
BOT_WORDS = frozenset({"ai", "bot", "automation"})
"""Words of `source` for who is not a person; only "ai" is documented."""


def read(body: bytes) -> Event:
    """One delivery. Raises `Unreadable`. Unknown events are no news."""
    try:
        told = bodies.decode(body)
    except ValueError as reason:
        raise Unreadable(str(reason)) from None
    if not isinstance(told, dict):
        raise Unreadable("it is not an object")
    if damage := reading.damage(told):
        raise Unreadable(damage)
    data = _object(told.get("data"))
    match name := reading.text(told.get("event")):
        case "message_in" | "message_out":
            return _message(name, told, data)
        case "conversation_created":
            at = _time(told, data)
            conversation = _conversation_id(told, data)
            kind = Kind.CONVERSATIONS
            return Event(name, News.CHANGED, kind, conversation, at=at, unique=at is not None)
        case "user_updated":
            return _user(name, told, data)
    return Event(name, at=_time(told, data), unique=_time(told, data) is not None)


def _message(name: str, told: Mapping[str, Any], data: Mapping[str, Any]) -> Event:
    """A message: `data.message.content`, or the blog's flat `message_text`."""
    said = _object(data.get("message"))
    places = (said.get("content"), said.get("text"), *(m.get("message_text") for m in (data, told)))
    found = [place for place in places if place is not None]
    if not found:
        raise Unreadable("it holds no message")
    source, at = reading.text(told.get("source")), _time(told, data)
    message = MessageRecord(
        upstream_id=reading.text(said.get("id") or told.get("message_id"))[: reading.MAX_ID],
        author=Author.BOT if source.lower() in BOT_WORDS else MESSAGES[name],
        author_word=source,
        text=reading.text(found[0]),
        private=reading.text(said.get("type")) == "private_note",
        sent_at=at,
        raw=told,
    )
    conversation = _conversation_id(told, data)
    person = _person(data)
    return Event(
        name,
        News.SAID,
        Kind.CONVERSATIONS,
        conversation,
        record=_about(conversation, message, told, data, person if name == "message_in" else None),
        message=message,
        outgoing=name == "message_out",
        person=person,
        at=at,
        unique=bool(message.upstream_id or at),
    )


def _about(
    conversation: str,
    message: MessageRecord,
    told: Mapping[str, Any],
    data: Mapping[str, Any],
    customer: ContactRecord | None,
) -> ConversationRecord:
    """What a message tells of its conversation: the channel, its last words, who wrote."""
    values: dict[str, Any] = {}
    if not message.private:
        values["last_message"] = message.text
    channel = reading.text(told.get("channel") or told.get("source_channel"))
    channel = channel or reading.text(data.get("source_channel"))
    if channel:
        values["source"] = channel
    if customer is not None and customer.email:
        values["visitor_email"] = customer.email
    if customer is not None and customer.first_name:
        values["visitor_name"] = customer.first_name
    return ConversationRecord(conversation, **values, told=frozenset(values))


def _user(name: str, told: Mapping[str, Any], data: Mapping[str, Any]) -> Event:
    """A changed profile, as reported: Dexra has no call that reads users."""
    record = _person(data)
    if record is None:
        raise Unreadable("it names no user")
    at = _time(told, data)
    return Event(
        name,
        News.CHANGED,
        Kind.CONTACTS,
        record.upstream_id,
        record=record,
        at=at,
        unique=at is not None,
    )


def _person(data: Mapping[str, Any]) -> ContactRecord | None:
    """The user an event names, None where it names none; its username stands for a name."""
    user = _object(data.get("user"))
    if not user and "custom_attributes" in data:
        user = {name: value for name, value in data.items() if name != "conversation_id"}
    if isinstance(attributes := data.get("custom_attributes"), dict):
        user = {**user, "custom_attributes": attributes}
    try:
        record = parse.user(user)
    except Unreadable:
        return None
    name = reading.text(user.get("name") or user.get("username"))
    if record.first_name or not name:
        return record
    return replace(record, first_name=name, told=(record.told or frozenset()) | {"first_name"})


def _conversation_id(told: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """In `data`, else at the top. It need not be the API's id: link on an exact match only."""
    try:
        return reading.identity(data.get("conversation_id") or told.get("conversation_id"))
    except ValueError:
        raise Unreadable("it names no conversation") from None


def _time(told: Mapping[str, Any], data: Mapping[str, Any]) -> datetime | None:
    return reading.moment(told.get("timestamp") or data.get("timestamp"))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


WEBHOOKS = Webhooks(
    read=read,
    events=EVENTS,
    steps=(
        gettext_noop("Open the Developer Settings of Dexra's dashboard and look for webhooks."),
        gettext_noop("Paste the address as the URL to be called, and choose all events."),
        gettext_noop("Write a message in any conversation: it appears here within seconds."),
    ),
    caution=(
        gettext_noop(
            "Dexra documents the events of its webhooks, but not the screen where they are set up. "
            "It does not sign them: only this address protects them, so keep it to "
            "yourself. What they say is shown as reported, never as verified."
        )
    ),
)
