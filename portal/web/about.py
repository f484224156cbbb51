"""What is known of a conversation beside its thread: who takes part, and where else they appear."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from portal.mirror import columns, store
from portal.mirror.models import Contact, Conversation, Lead

HINTS = 5
# What the panel shows by itself; the rest of the answer is "other fields".
SHOWN = frozenset(
    {"id", "status", "subject", "source", "channel", "tags", "agent_name", "participants"}
    | {"visitor_name", "visitor_email", "visitor_company", "last_message", "message_count"}
    | {"created_at", "updated_at"}
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part; every text may be "". `contact_id` is our row, if there is one."""

    name: str
    email: str
    upstream_id: str
    role: str
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class About:
    """The side panel. The lists are hints from the copy alone, newest first, at most 5 each."""

    people: list[Person]
    contacts: list[Contact]
    leads: list[Lead]
    others: list[Conversation]
    more: list[tuple[str, str]]


def about(conversation: Conversation) -> About:
    """Everything the panel shows: at most three queries."""
    people = participants(conversation.raw)
    emails = {conversation.visitor_email, *(person.email for person in people)} - {""}
    contacts = _contacts(conversation, emails, {p.upstream_id for p in people} - {""})
    known = {contact.upstream_id: contact.pk for contact in contacts}
    people = [
        Person(p.name, p.email, p.upstream_id, p.role, known.get(p.upstream_id)) for p in people
    ]
    named = {person.contact_id for person in people}
    return About(
        people,
        [contact for contact in contacts if contact.pk not in named],
        _leads(conversation, emails),
        _others(conversation, emails),
        other_fields(conversation.raw),
    )


def participants(raw: Mapping[str, Any]) -> list[Person]:
    """Who the provider says takes part: objects, or texts that are an id or an e-mail (B3)."""
    told = raw.get("participants")
    return [_person(one) for one in told if one] if isinstance(told, list) else []


def _person(told: Any) -> Person:
    if not isinstance(told, dict):
        word = _text(told)
        return Person("", word, "", "") if "@" in word else Person("", "", word, "")
    name = _text(told.get("name"))
    parts = (_text(told.get("first_name")), _text(told.get("last_name")))
    return Person(
        name or " ".join(filter(None, parts)),
        _text(told.get("email")),
        _text(told.get("id")),
        _text(told.get("type", told.get("role"))),
    )


def other_fields(raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the provider told and no part of the page shows, as text."""
    return [(name, _text(value)) for name, value in raw.items() if name not in SHOWN]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _any_of(emails: set[str]) -> Q:
    return Q(email_key__in=[columns.email_key(email) for email in sorted(emails)[:HINTS]])


def _contacts(conversation: Conversation, emails: set[str], ids: set[str]) -> list[Contact]:
    if not emails and not ids:
        return []
    same = Q(connection_id=conversation.connection_id, upstream_id__in=ids)
    rows = store.contacts(conversation.workspace).filter(same | _any_of(emails))
    return list(rows.order_by("-created_at", "id")[:HINTS])


def _leads(conversation: Conversation, emails: set[str]) -> list[Lead]:
    if not emails:
        return []
    rows = store.leads(conversation.workspace).filter(_any_of(emails))
    return list(rows.order_by("-created_at", "id")[:HINTS])


def _others(conversation: Conversation, emails: set[str]) -> list[Conversation]:
    """Other conversations of the same people, of every service."""
    if not emails:
        return []
    rows = store.conversations(conversation.workspace).exclude(pk=conversation.pk)
    rows = rows.filter(_any_of(emails))
    return list(rows.order_by("-active_at", "-id")[:HINTS])
