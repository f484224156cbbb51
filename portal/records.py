"""
The values rooms hand each other: what a provider's record means to the portal.

Text is kept as it came ("" where upstream sent null or nothing), times are aware UTC
datetimes or None, `raw` is the whole answer with the fields we do not know. No Django here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal


class Kind(StrEnum):
    """The kinds of upstream records that the portal mirrors."""

    LEADS = "leads"
    CONTACTS = "contacts"
    CONVERSATIONS = "conversations"


class State(StrEnum):
    """One normal form of a conversation's state, beside the provider's own word."""

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Author(StrEnum):
    """Who wrote a message, as far as the provider tells."""

    VISITOR = "visitor"
    AGENT = "agent"
    BOT = "bot"
    UNKNOWN = "unknown"


class Can(StrEnum):
    """The abilities an API may have, beyond listing the kinds it has."""

    CREATE_LEAD = "create_lead"
    UPDATE_LEAD = "update_lead"
    DELETE_LEAD = "delete_lead"
    CREATE_CONTACT = "create_contact"
    UPDATE_CONTACT = "update_contact"
    DELETE_CONTACT = "delete_contact"
    CREATE_CONVERSATION = "create_conversation"
    SET_STATUS = "set_status"
    SEND_MESSAGE = "send_message"
    SEND_NOTE = "send_note"
    READ_MESSAGES = "read_messages"
    UPDATE_USER = "update_user"


class Form(StrEnum):
    """The forms a provider describes."""

    LEAD = "lead"
    CONTACT = "contact"
    CONVERSATION = "conversation"
    USER = "user"


class News(StrEnum):
    """What a webhook event means: a record changed, is gone, got a message, or nothing to us."""

    CHANGED = "changed"
    GONE = "gone"
    SAID = "said"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """
    One writable field of a record, under the provider's own name.

    `kind` picks the widget and the check. `max_length` is in characters, None where no
    limit is known. `choices` are suggestions: any other value is allowed and kept.
    `assumed` marks a field that the provider's documentation does not state. `attribute` is
    the record's attribute that the field fills, "" where it fills none.
    """

    name: str
    label: str
    kind: Literal["text", "long_text", "email", "phone", "tags", "amount", "attributes"] = "text"
    required: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    example: str = ""
    on_update: bool = True
    assumed: bool = False
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """
    A sales lead. `amount` has no currency (none is documented).

    `told` names the attributes this answer speaks of, None for all, as below.
    """

    upstream_id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    stage: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    need_summary: str = ""
    amount: Decimal | None = None
    score: float | None = None
    rep_id: str = ""
    rep_name: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    told: frozenset[str] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A person the provider knows. `told` names the attributes this answer speaks of."""

    upstream_id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    tags: tuple[str, ...] = ()
    conversation_count: int | None = None
    last_activity_at: datetime | None = None
    last_conversation_at: datetime | None = None
    created_at: datetime | None = None
    told: frozenset[str] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """
    One message of a conversation.

    `upstream_id` is "" where the provider gives none. `private` marks a note that only
    the team sees. `author` is the normal form of `author_word`, the provider's own.
    """

    upstream_id: str = ""
    author: Author = Author.UNKNOWN
    author_word: str = ""
    text: str = ""
    private: bool = False
    sent_at: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParticipantRecord:
    """Somebody who takes part in a conversation; every text may be ""."""

    upstream_id: str = ""
    name: str = ""
    email: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """
    A conversation. `status` is the provider's own word, `state` its normal form.

    `messages` and `participants` are None where this answer does not tell them
    (a list item), and a tuple where it does (the detail). `told` names the attributes
    that this answer speaks of, None for all: what is not told must not clear our copy.
    """

    upstream_id: str
    status: str = ""
    state: State = State.UNKNOWN
    subject: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    visitor_name: str = ""
    visitor_email: str = ""
    visitor_company: str = ""
    agent_name: str = ""
    last_message: str = ""
    last_message_id: str = ""
    message_count: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    messages: tuple[MessageRecord, ...] | None = None
    participants: tuple[ParticipantRecord, ...] | None = None
    told: frozenset[str] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """
    What one webhook delivery told.

    `name` is the provider's own word, `news` its normal form. `kind` and `upstream_id` name
    the record it speaks of, None and "" where it names none. `record` is what it told of
    that record, a part of it unless `whole`; `message` what was said in it (`outgoing`: by
    us or a bot); `person` what it told of the user beside. `at` is the provider's time, or
    None. `account` is the provider's id of the workspace that sent it, "" if not told.
    `unique` is False where equal bodies may mean two events: neither id nor time is in it.
    """

    name: str
    news: News = News.NOTHING
    kind: Kind | None = None
    upstream_id: str = ""
    record: LeadRecord | ContactRecord | ConversationRecord | None = None
    whole: bool = False
    message: MessageRecord | None = None
    outgoing: bool = False
    person: ContactRecord | None = None
    at: datetime | None = None
    account: str = ""
    unique: bool = True


@dataclass(frozen=True, slots=True)
class SentMessage:
    """The provider's receipt for a message: its own word for the status, aware UTC time."""

    upstream_id: str
    conversation_id: str
    status: str = ""
    sent_at: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record of a page that cannot be read: its id if found ("" else) and why."""

    upstream_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page[R]:
    """
    One page of a list.

    `total` is the provider's own count or None; `next_cursor` is None on the last page;
    `server_date` is the provider's `Date` header, aware UTC, or None.
    """

    records: tuple[R, ...]
    rejected: tuple[Rejected, ...] = ()
    total: int | None = None
    next_cursor: str | None = None
    server_date: datetime | None = None
