"""
What Dexra's documentation leaves open, and what this client assumes. Nowhere else.

`manage.py probe` tries with a real key what reads can tell; correct it here.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from portal.providers import probing
from portal.providers.contract import Assumption, Client
from portal.providers.errors import NotFound
from portal.providers.probing import Seen
from portal.records import Kind, ParticipantRecord

SLUG = "dexra"
CUSTOMERS = frozenset({"user", "customer", "visitor", "contact", "lead", "client"})
"""Words for a participant who is not of the team."""


def address(path: str, upstream_id: str) -> str:
    """
    Path of one record, `/:id` (documented, B3). Raises `NotFound` for an id that would
    name something else: nothing, or a step in the path.
    """
    if upstream_id in {"", ".", ".."}:
        raise NotFound(SLUG)
    return f"{path}/{quote(upstream_id, safe='')}"


def sentence(error: Any) -> str:
    """
    Dexra's own sentence in an error, "" if there is none: no form is documented (B2), so
    `error` as a text or an object with `message`, else `message`.
    """
    if not isinstance(error, dict):
        return ""
    inner = error.get("error")
    places = (
        inner,
        inner.get("message") if isinstance(inner, dict) else None,
        error.get("message"),
    )
    return next((said for said in places if isinstance(said, str) and said), "")


def visitor(participants: Iterable[ParticipantRecord]) -> dict[str, str]:
    """Who of the participants is the customer: by role, else the only one; {} if unclear."""
    known = [one for one in participants if one.name or one.email]
    customers = [one for one in known if one.role.lower() in CUSTOMERS]
    if not customers and len(known) == 1 and not known[0].role:
        customers = known
    if not customers:
        return {}
    return {"visitor_name": customers[0].name, "visitor_email": customers[0].email}


NOBODY = "conv_none_of_this_name"


def _filtered(status: str) -> Any:
    def probe(client: Client) -> Seen:
        page = client.list_page(Kind.CONVERSATIONS, limit=100, filters={"status": status})
        words = {record.status for record in page.records}
        return words <= {status}, f"{len(page.records)} rows, statuses: {sorted(words)}"

    return lambda client: probing.answers(lambda: probe(client))


def _all_statuses(client: Client) -> Seen:
    """Without `status` there are as many as the three statuses hold together."""
    everything = client.list_page(Kind.CONVERSATIONS, limit=1).total
    parts = {
        status: client.list_page(Kind.CONVERSATIONS, limit=1, filters={"status": status}).total
        for status in ("open", "snoozed", "closed")
    }
    known = [total for total in parts.values() if total is not None]
    if everything is None or len(known) < len(parts):
        return None, "meta.total is missing"
    return everything == sum(known), f"total {everything}, by status {parts}"


def _participants(client: Client) -> Seen:
    page = probing.first(client, Kind.CONVERSATIONS)
    if not page.records:
        return None, "there are no conversations to try it on"
    found = client.get_conversation(page.records[0].upstream_id).participants
    if not found:
        return None, f"participants: {found}"
    named = sum(bool(one.name or one.email or one.upstream_id) for one in found)
    return named == len(found), f"{named} of {len(found)} have a name, an email or an id"


ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        "order",
        "Conversations come newest first",
        "B2",
        probing.in_order(Kind.CONVERSATIONS, None, "created_at"),
    ),
    Assumption(
        "cursor",
        "A cursor leads to the rows that follow",
        "B2",
        probing.next_page(Kind.CONVERSATIONS),
    ),
    Assumption(
        "full pages", "limit=100 gives 100 rows", "B2", probing.full_page(Kind.CONVERSATIONS)
    ),
    Assumption(
        "total",
        "meta.total counts all rows of the list",
        "B2",
        probing.counted(Kind.CONVERSATIONS),
    ),
    Assumption(
        "no status",
        "Without a status the list holds every conversation",
        "B3",
        lambda client: probing.answers(lambda: _all_statuses(client)),
    ),
    Assumption("status", "status=open lists open conversations only", "B3", _filtered("open")),
    Assumption(
        "statuses",
        "Conversations are open, closed or snoozed",
        "B3",
        probing.known_words(Kind.CONVERSATIONS, "status", ("open", "closed", "snoozed")),
    ),
    Assumption(
        "one conversation",
        "A listed conversation is read at GET /conversations/:id",
        "B3",
        probing.one_by_id(Kind.CONVERSATIONS, lambda client, one: client.get_conversation(one)),
    ),
    Assumption(
        "participants",
        "They are texts, or objects with some of id, email, first_name, name, type",
        "B3",
        lambda client: probing.answers(lambda: _participants(client)),
    ),
    Assumption(
        "unknown id",
        "An id that does not exist is answered with 404",
        "B2",
        probing.missing_is_404(lambda client: client.get_conversation(NOBODY)),
    ),
    Assumption("rate", "A key may make 100 calls a minute (more on larger plans)", "B1"),
    Assumption("errors", "400 or 422 refuses values, 401 the key, 403 the right, 409 a copy", "B2"),
    Assumption("new conversation", "An unknown user_id makes the user or is refused", "B3"),
    Assumption("private note", "A message of type private_note is seen by the team only", "B3"),
    Assumption("attributes", "Saving custom_attributes may drop those not sent", "B3"),
)
