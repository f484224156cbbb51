"""From a record to the columns of our copy: cut, cleaned, and ready to sort and search."""

import math
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from portal.mirror.models import TEXT_LIMIT
from portal.records import ContactRecord, ConversationRecord, LeadRecord

KEY_LIMIT = 200
# What stands between the parts of `search_text`: no text holds them, white space is folded.
FIELD, START, TAG, THREAD = "\x1f", "\x1e", "\x1d", "\x1c"
SHORT = 3
"""From so many characters on a search looks anywhere in the text, below at word starts."""
MOST_STARTS = 200
THREAD_LIMIT = 20_000
LARGEST_AMOUNT = Decimal(10) ** 15
YEARS = range(1900, 2200)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"\w+")


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
        "search_text": search_text(
            record.name, record.email, record.phone, record.company, tags=record.tags
        ),
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
        "search_text": search_text(
            name, record.email, record.phone, record.company, tags=record.tags
        ),
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
            who,
            record.visitor_email,
            record.visitor_company,
            record.subject,
            last,
            tags=record.tags,
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
    if text.isascii():
        return text.casefold().strip()
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if not unicodedata.combining(c)).strip()[:KEY_LIMIT]


def email_key(email: str) -> str:
    """What tells equal addresses: services fold case when they look for duplicates."""
    return clean(email, KEY_LIMIT).strip().casefold()


def search_text(*texts: str, tags: tuple[str, ...] = ()) -> str:
    """
    The case-folded text that a search looks through: each text, the first two letters of
    each word, each tag, all apart from each other.
    """
    told = [folded(text, 2_000) for text in texts if text]
    words = (word[:2] for text in told for word in _WORD.findall(text))
    starts = [START * 2 + word for word in islice(dict.fromkeys(words), MOST_STARTS)]
    marked = [TAG + folded(tag, 200) + TAG for tag in tags[:200]]
    return FIELD.join(told) + "".join(starts) + "".join(marked)


def with_thread(text: str, messages: Iterable[str]) -> str:
    """A conversation's `search_text` with its messages, newest first, cut to what is bearable."""
    found, left = list[str](), THREAD_LIMIT
    for message in messages:
        found.append(folded(message, left))
        left -= len(found[-1])
        if left <= 0:
            break
    return text.partition(THREAD)[0] + (THREAD + FIELD.join(found) if found else "")


def folded(text: str, limit: int) -> str:
    """Text as it is searched: case folded, any white space one space."""
    return " ".join(clean(text, limit).casefold().split())


def search_term(text: str) -> str:
    """
    What `search_text` must contain where a person searches for this text, "" for nothing.

    One or two characters are looked for at the beginnings of words.
    """
    term = folded(text, 200)
    if not term or len(term) >= SHORT:
        return term
    word = re.sub(r"^\W+", "", term) or term
    return START * (SHORT - len(word)) + word


def tag_term(tag: str) -> str:
    """What `search_text` contains where this is one of the tags."""
    return TAG + folded(tag, 200) + TAG


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
    return not text.isascii() and _SURROGATE.search(text) is not None
