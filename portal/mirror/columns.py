"""From a record to the columns of our copy: cut, cleaned, and ready to sort and search."""

import math
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portal.mirror.models import TEXT_LIMIT
from portal.records import ContactRecord, ConversationRecord, LeadRecord

KEY_LIMIT = 200
SEARCH_SEPARATOR = "\x1f"
LARGEST_AMOUNT = Decimal(10) ** 15
YEARS = range(1900, 2200)


def lead_columns(record: LeadRecord) -> dict[str, Any]:
    return {
        "name": clean(record.name),
        "name_key": sort_key(record.name),
        "email": clean(record.email),
        "email_key": email_key(record.email),
        "phone": clean(record.phone),
        "company": clean(record.company),
        "company_key": sort_key(record.company),
        "stage": clean(record.stage, 100),
        "source": clean(record.source, 100),
        "tags": clean_tags(record.tags),
        "rep_id": clean(record.rep_id, 255),
        "rep_name": clean(record.rep_name, 200),
        "amount": amount(record.amount),
        "score": record.score if record.score is not None and math.isfinite(record.score) else None,
        "created_at": moment(record.created_at),
        "updated_at": moment(record.updated_at),
        "search_text": search_text(record.name, record.email, record.phone, record.company),
    }


def contact_columns(record: ContactRecord) -> dict[str, Any]:
    name = " ".join(filter(None, [record.first_name, record.last_name]))
    return {
        "name": clean(name),
        "name_key": sort_key(name),
        "first_name": clean(record.first_name, 200),
        "last_name": clean(record.last_name, 200),
        "email": clean(record.email),
        "email_key": email_key(record.email),
        "phone": clean(record.phone),
        "company": clean(record.company),
        "company_key": sort_key(record.company),
        "tags": clean_tags(record.tags),
        "conversation_count": whole(record.conversation_count),
        "last_activity_at": moment(record.last_activity_at),
        "last_conversation_at": moment(record.last_conversation_at),
        "created_at": moment(record.created_at),
        "search_text": search_text(name, record.email, record.phone, record.company),
    }


def conversation_columns(record: ConversationRecord) -> dict[str, Any]:
    who, last = record.visitor_name, record.last_message
    updated, created = moment(record.updated_at), moment(record.created_at)
    return {
        "subject": clean(record.subject),
        "status": clean(record.status, 100),
        "state": record.state.value,
        "source": clean(record.source, 100),
        "tags": clean_tags(record.tags),
        "visitor_name": clean(who),
        "name_key": sort_key(who or record.subject),
        "visitor_email": clean(record.visitor_email),
        "email_key": email_key(record.visitor_email),
        "visitor_company": clean(record.visitor_company),
        "agent_name": clean(record.agent_name, 200),
        "last_message": clean(last, 20_000),
        "message_count": whole(record.message_count),
        "created_at": created,
        "updated_at": updated,
        "active_at": updated or created,
        "search_text": search_text(
            who, record.visitor_email, record.visitor_company, record.subject, last
        ),
    }


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Text that every database takes: no NUL, no lone surrogate, at most `limit` characters."""
    text = text[:limit].replace("\x00", "\ufffd")
    return text.encode("utf-8", "replace").decode() if _has_surrogate(text) else text


def clean_tags(tags: tuple[str, ...]) -> list[str]:
    return [clean(tag, 200) for tag in tags[:200]]


def sort_key(text: str) -> str:
    """What lists sort by: case and accents folded, so that É stands beside e."""
    text = clean(text, KEY_LIMIT)
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if not unicodedata.combining(c)).strip()[:KEY_LIMIT]


def email_key(email: str) -> str:
    """What tells equal addresses: services fold case when they look for duplicates."""
    return clean(email, KEY_LIMIT).strip().casefold()


def search_text(*texts: str) -> str:
    """The case-folded texts a search looks through, apart from each other."""
    return SEARCH_SEPARATOR.join(clean(text, 2_000).casefold() for text in texts if text)


def search_term(text: str) -> str:
    """A person's search words in the form of `search_text`."""
    return clean(text, 200).strip().casefold()


def amount(value: Decimal | None) -> Decimal | None:
    """The amount as the column holds it; what does not fit stays in `raw` alone."""
    if value is None or not value.is_finite() or abs(value) >= LARGEST_AMOUNT:
        return None
    return round(value, 4)


def whole(value: int | None) -> int | None:
    return value if value is not None and abs(value) < 2**31 else None


def moment(value: datetime | None) -> datetime | None:
    """A time both databases hold and every page can show, in UTC."""
    if value is None or value.year not in YEARS:
        return None
    return value.astimezone(UTC)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)
