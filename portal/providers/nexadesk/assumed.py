"""
What NexaDesk's documentation leaves open, and what this client assumes. Nowhere else.

`manage.py probe` tries with a real key what reads can tell; correct it here.
"""

from collections.abc import Mapping
from typing import Any

from portal.providers import probing
from portal.providers.contract import Assumption, Client
from portal.providers.errors import NotFound
from portal.providers.probing import Seen
from portal.records import Author, Kind

SLUG = "nexadesk"
DEFAULT_SORT = "created_at:desc"
PAGED_BY_NUMBER = frozenset({Kind.LEADS})
"""Where `page=` is documented, the way on when a list promises more without a cursor."""

PAGE_MARK = "#page="
"""Makes a page's number a cursor of ours; NexaDesk's own are base64 and hold no "#"."""

SENDER_NAMES = ("sender_type", "sender", "role")
TEXT_NAMES = ("content", "text", "message")
AUTHORS: Mapping[str, Author] = {
    "visitor": Author.VISITOR,
    "customer": Author.VISITOR,
    "user": Author.VISITOR,
    "agent": Author.AGENT,
    "human": Author.AGENT,
    "operator": Author.AGENT,
    "bot": Author.BOT,
    "ai": Author.BOT,
    "assistant": Author.BOT,
}


def address(path: str, upstream_id: str) -> tuple[str, dict[str, str]]:
    """
    Path and query of one record. Documented for reading conversations (A6), assumed
    for everything else (A4, A5). Raises `NotFound` for an empty id, which would
    otherwise name the whole list.
    """
    if not upstream_id:
        raise NotFound(SLUG)
    return path, {"id": upstream_id}


def status_change(status: str) -> dict[str, str]:
    """The body that changes a conversation's status (A6)."""
    return {"status": status}


def messages_in(data: Mapping[str, Any], conversation: Mapping[str, Any]) -> list[Any] | None:
    """The messages of one conversation's answer: beside it or inside it; None if neither."""
    for place in (data, conversation):
        if isinstance(found := place.get("messages"), list):
            return found
    return None


def author(word: str) -> Author:
    """Who a sender's word means; any case, unknown words stay unknown."""
    return AUTHORS.get(word.strip().lower(), Author.UNKNOWN)


NOBODY = "00000000-0000-4000-8000-000000000000"


def _messages(client: Client) -> Seen:
    """Opens the first conversation that says it has messages."""
    page = client.list_page(Kind.CONVERSATIONS, limit=100)
    spoken = [record for record in page.records if record.message_count]
    if not spoken:
        return None, "no conversation says that it has messages"
    messages = client.get_conversation(spoken[0].upstream_id).messages
    if not messages:
        return False, "a conversation with messages was read without them"
    words = sorted({message.author_word for message in messages} - {""})
    empty = sum(not message.text for message in messages)
    known = all(author(word) is not Author.UNKNOWN for word in words)
    return bool(words) and known and not empty, (
        f"{len(messages)} messages, {empty} without text, senders: {', '.join(words) or 'none'}"
    )


def _pages(client: Client) -> Seen:
    """Reads the second page of the leads by its number."""
    one = client.list_page(Kind.LEADS, limit=10)
    if one.next_cursor is None:
        return None, "all leads fit on one page"
    other = client.list_page(Kind.LEADS, limit=10, page=2)
    repeated = probing.ids(one.records) & probing.ids(other.records)
    return not repeated, f"{len(repeated)} rows of page 2 were on page 1"


def _dated(client: Client) -> Seen:
    page = client.list_page(Kind.LEADS, limit=1)
    return page.server_date is not None, f"Date: {page.server_date}"


ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        "lead address",
        "One lead is read at GET /leads?id=…",
        "A4",
        probing.one_by_id(Kind.LEADS, lambda client, one: client.get_lead(one)),
    ),
    Assumption(
        "contact address",
        "One contact is read at GET /contacts?id=…",
        "A5",
        probing.one_by_id(Kind.CONTACTS, lambda client, one: client.get_contact(one)),
    ),
    Assumption(
        "conversation answer",
        "GET /conversations?id=… holds the conversation under data.conversation, or is it",
        "A6",
        probing.one_by_id(Kind.CONVERSATIONS, lambda client, one: client.get_conversation(one)),
    ),
    Assumption(
        "messages",
        "The history stands in data.messages or data.conversation.messages; the sender under "
        "sender_type, sender or role; the text under content, text or message",
        "A6",
        lambda client: probing.answers(lambda: _messages(client)),
    ),
    Assumption(
        "unknown id",
        "An id that does not exist is answered with 404",
        "A2, A4",
        probing.missing_is_404(lambda client: client.get_lead(NOBODY)),
    ),
    Assumption(
        "pages by number",
        "page=2 of the leads is the second page",
        "A3",
        lambda client: probing.answers(lambda: _pages(client)),
    ),
    Assumption(
        "cursor", "A cursor leads to the rows that follow", "A3", probing.next_page(Kind.LEADS)
    ),
    Assumption("full pages", "limit=100 gives 100 rows", "A3", probing.full_page(Kind.LEADS)),
    Assumption(
        "total", "total_count counts all rows of the list", "A3", probing.counted(Kind.LEADS)
    ),
    Assumption(
        "leads by change",
        "sort=updated_at:desc gives the last changed lead first",
        "A3",
        probing.in_order(Kind.LEADS, "updated_at:desc", "updated_at"),
    ),
    Assumption(
        "contacts by activity",
        "sort=last_activity:desc gives the last active contact first",
        "A3",
        probing.in_order(Kind.CONTACTS, "last_activity:desc", "last_activity_at"),
    ),
    Assumption(
        "conversations by change",
        "sort=updated_at:desc gives the last changed conversation first",
        "A3",
        probing.in_order(Kind.CONVERSATIONS, "updated_at:desc", "updated_at"),
    ),
    Assumption(
        "statuses",
        "Conversations are open, pending, active or archived, and status=all lists every one",
        "A6",
        probing.known_words(
            Kind.CONVERSATIONS, "status", ("open", "pending", "active", "archived")
        ),
    ),
    Assumption(
        "clock",
        "Every answer tells the time in a Date header",
        "HTTP",
        lambda client: probing.answers(lambda: _dated(client)),
    ),
    Assumption(
        "lead fields",
        "need_summary, tags, source, pipeline_stage, "
        "expected_billing_amount and assigned_rep_id can be written",
        "A4",
    ),
    Assumption("contact fields", "tags and profile_notes can be written", "A5"),
    Assumption("change", "PATCH ?id=… takes any part of the fields; null clears one", "A4, A5"),
    Assumption("deletion", "DELETE ?id=… answers with any 2xx, with or without a body", "A4, A5"),
    Assumption("status change", 'PATCH /conversations?id=… takes {"status": …}', "A6"),
    Assumption("dead key", "An expired or revoked key is answered with 401", "A1"),
)
