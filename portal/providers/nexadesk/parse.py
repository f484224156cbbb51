"""From NexaDesk's answers to records. Envelopes are strict, single values are not."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from portal.providers import reading
from portal.providers.nexadesk import assumed
from portal.providers.reading import Amount, Count, Moment, Score, Text, Texts, Unreadable
from portal.records import (
    ContactRecord,
    ConversationRecord,
    LeadRecord,
    MessageRecord,
    State,
)

STATES: Mapping[str, State] = {
    "open": State.OPEN,
    "pending": State.PENDING,
    "active": State.OPEN,
    "archived": State.CLOSED,
}
"""Source: API facts A6. What tells `active` from `open` is not documented."""


class LeadAnswer(reading.Answer):
    """Source: API facts A4."""

    name: Text = Field("", alias="visitor_name")
    email: Text = Field("", alias="visitor_email")
    phone: Text = Field("", alias="visitor_phone")
    company: Text = Field("", alias="visitor_company")
    stage: Text = Field("", alias="pipeline_stage")
    source: Text = ""
    tags: Texts = ()
    need_summary: Text = ""
    amount: Amount = Field(None, alias="expected_billing_amount")
    score: Score = Field(None, alias="lead_score")
    rep_id: Text = Field("", alias="assigned_rep_id")
    rep_first_name: Text = ""
    rep_last_name: Text = ""
    rep_email: Text = ""
    created_at: Moment = None
    updated_at: Moment = None


class ContactAnswer(reading.Answer):
    """Source: API facts A5."""

    first_name: Text = ""
    last_name: Text = ""
    email: Text = ""
    phone: Text = ""
    company: Text = Field("", alias="company_name")
    tags: Texts = ()
    conversation_count: Count = None
    last_activity_at: Moment = Field(None, alias="last_activity")
    last_conversation_at: Moment = None
    created_at: Moment = None


class ConversationAnswer(reading.Answer):
    """Source: API facts A6. The detail is only known to hold the first six fields."""

    source: Text = ""
    status: Text = ""
    tags: Texts = ()
    created_at: Moment = None
    updated_at: Moment = None
    visitor_name: Text = ""
    visitor_email: Text = ""
    visitor_company: Text = ""
    agent_name: Text = ""
    last_message: Text = ""
    message_count: Count = None


def lead(raw: Any) -> LeadRecord:
    """One lead. Raises `Unreadable`."""
    answer = reading.read(LeadAnswer, raw)
    more = {}
    if answer.model_fields_set & {"rep_first_name", "rep_last_name", "rep_email"}:
        name = f"{answer.rep_first_name} {answer.rep_last_name}".strip()
        more["rep_name"] = name or answer.rep_email
    return reading.told(LeadRecord, answer, raw, **more)


def contact(raw: Any) -> ContactRecord:
    """One contact. Raises `Unreadable`."""
    return reading.told(ContactRecord, reading.read(ContactAnswer, raw), raw)


def conversation(raw: Any) -> ConversationRecord:
    """One conversation as a list shows it. Raises `Unreadable`."""
    return _conversation(raw, {})


def conversation_detail(data: Any) -> ConversationRecord:
    """
    One conversation as its own answer shows it: `{"conversation": {…}}` (documented for
    reading) or the conversation itself (assumed possible after a change). `messages`
    stays None where the answer holds none; each message keeps its own `raw`, so they are
    left out of the conversation's. Raises `Unreadable`.
    """
    inner = data.get("conversation", data) if isinstance(data, dict) else data
    if not isinstance(inner, dict):
        raise Unreadable("it holds no conversation")
    found = assumed.messages_in(data, inner)
    if found is None:
        return _conversation(inner, {})
    raw = {name: value for name, value in inner.items() if name != "messages"}
    return _conversation(raw, {"messages": messages(found)})


def _conversation(raw: Any, more: dict[str, Any]) -> ConversationRecord:
    answer = reading.read(ConversationAnswer, raw)
    if "status" in answer.model_fields_set:
        more["state"] = STATES.get(answer.status, State.UNKNOWN)
    return reading.told(ConversationRecord, answer, raw, **more)


def messages(items: list[Any]) -> tuple[MessageRecord, ...]:
    """A conversation's messages, oldest first where all tell their time, else as they came."""
    read = [message(item) for item in items]
    dated = [record for record in read if record.sent_at is not None]
    if len(dated) == len(read):
        dated.sort(key=lambda record: record.sent_at or reading.BEGINNING)
        return tuple(dated)
    return tuple(read)


def message(raw: Any) -> MessageRecord:
    """
    One message; none is ever dropped. Its fields are assumed (A6), and what a visitor
    typed may be anything: characters no database keeps are replaced by U+FFFD.
    """
    told: dict[str, Any] = raw if isinstance(raw, dict) else {"text": raw}
    word = _word(_first(told, assumed.SENDER_NAMES))
    return MessageRecord(
        upstream_id=reading.mended(reading.text(told.get("id")))[: reading.MAX_ID],
        author=assumed.author(word),
        author_word=word,
        text=reading.mended(reading.text(_first(told, assumed.TEXT_NAMES))),
        sent_at=reading.moment(told.get("created_at")),
        raw={} if reading.damage(told) else told,
    )


def _first(told: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((told[name] for name in names if told.get(name) not in (None, "")), None)


def _word(sender: Any) -> str:
    """A sender's word: as text, or the type of a sender that is an object."""
    if isinstance(sender, dict):
        sender = sender.get("type") or sender.get("role")
    return reading.mended(reading.text(sender))
