"""From Dexra's answers to records. Envelopes are strict, single values are not."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from portal.providers import reading
from portal.providers.dexra import assumed
from portal.providers.errors import BrokenContract
from portal.providers.http import Answer
from portal.providers.reading import Moment, Text, Texts, Unreadable
from portal.records import (
    ContactRecord,
    ConversationRecord,
    ParticipantRecord,
    SentMessage,
    State,
)

STATES: Mapping[str, State] = {
    "open": State.OPEN,
    "snoozed": State.SNOOZED,
    "closed": State.CLOSED,
}
"""Source: API facts B3."""


class ConversationAnswer(reading.Answer):
    """Source: API facts B3; tags, channel and updated_at are read if they come."""

    status: Text = ""
    subject: Text = ""
    source: Text = Field("", alias="channel")
    tags: Texts = ()
    created_at: Moment = None
    updated_at: Moment = None


class MessageAnswer(reading.Answer):
    """What POST /messages tells. Source: API facts B3."""

    conversation_id: Text = ""
    status: Text = ""
    timestamp: Moment = None


class UserAnswer(reading.Answer):
    """What PATCH /users tells. Source: API facts B3; first_name is read if it comes (B4)."""

    first_name: Text = ""
    email: Text = ""


def conversation(raw: Any) -> ConversationRecord:
    """One conversation, from a list or by itself. Raises `Unreadable`."""
    answer = reading.read(ConversationAnswer, raw)
    more: dict[str, Any] = {}
    if "status" in answer.model_fields_set:
        more["state"] = STATES.get(answer.status, State.UNKNOWN)
    if "last_message" in raw:
        more |= _last_message(raw["last_message"])
    if isinstance(items := raw.get("participants"), list):
        more["participants"] = tuple(map(participant, items))
        more |= assumed.visitor(more["participants"])
    return reading.told(ConversationRecord, answer, raw, **more)


def _last_message(told: Any) -> dict[str, str]:
    """An object with `id` and `text` (documented), a text or null (assumed possible)."""
    if not isinstance(told, dict):
        return {"last_message": reading.text(told), "last_message_id": ""}
    return {
        "last_message": reading.text(told.get("text", told.get("content"))),
        "last_message_id": reading.text(told.get("id")),
    }


def participant(told: Any) -> ParticipantRecord:
    """Somebody in a conversation: a text (an id or an email) or an object; all assumed (B3)."""
    if not isinstance(told, dict):
        word = reading.text(told)
        return ParticipantRecord(email=word) if "@" in word else ParticipantRecord(word)
    first, last = reading.text(told.get("first_name")), reading.text(told.get("last_name"))
    return ParticipantRecord(
        upstream_id=reading.text(told.get("id")),
        name=reading.text(told.get("name")) or f"{first} {last}".strip(),
        email=reading.text(told.get("email")),
        role=reading.text(told.get("type", told.get("role"))),
    )


def sent_message(raw: Any) -> SentMessage:
    """The receipt of a message. Raises `Unreadable`."""
    answer = reading.read(MessageAnswer, raw)
    return SentMessage(
        upstream_id=answer.upstream_id,
        conversation_id=answer.conversation_id,
        status=answer.status,
        sent_at=answer.timestamp,
        raw=raw,
    )


def user(raw: Any) -> ContactRecord:
    """A user as its update shows it; `raw` holds `custom_attributes`. Raises `Unreadable`."""
    return reading.told(ContactRecord, reading.read(UserAnswer, raw), raw)


def items(answer: Answer) -> list[Any]:
    """The rows of a list: a missing list is never an empty one. Raises `BrokenContract`."""
    data = answer.data.get("data") if isinstance(answer.data, dict) else None
    if not isinstance(data, list):
        raise _broken(answer, "data is not a list")
    return data


def meta(answer: Answer) -> Mapping[str, Any]:
    """Where a list stands. Without it the end could not be told: raises `BrokenContract`."""
    found = answer.data.get("meta") if isinstance(answer.data, dict) else None
    if not isinstance(found, dict):
        raise _broken(answer, "meta is missing")
    return found


def next_cursor(answer: Answer) -> str | None:
    """The cursor to go on with, None at the end: null, empty or missing (assumed, B2)."""
    cursor = meta(answer).get("next_cursor")
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        cursor = str(cursor)
    if cursor is not None and not isinstance(cursor, str):
        raise _broken(answer, "next_cursor is not a text")
    return cursor or None


def single[R](answer: Answer, parse_one: Callable[[Any], R]) -> R:
    """The record of a bare object. Raises `BrokenContract`."""
    try:
        return parse_one(answer.data)
    except Unreadable as reason:
        raise _broken(answer, f"the record cannot be read: {reason}") from None


def _broken(answer: Answer, what: str) -> BrokenContract:
    return BrokenContract(assumed.SLUG, what, status=answer.status)
