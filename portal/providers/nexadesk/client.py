"""NexaDesk's calls: leads, contacts, conversations. Source: API facts, part A."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from portal.providers import paging, reading
from portal.providers.contract import Gate
from portal.providers.http import Answer, Http
from portal.providers.nexadesk import assumed, envelope, parse
from portal.providers.reading import Unreadable
from portal.records import (
    ContactRecord,
    ConversationRecord,
    Kind,
    LeadRecord,
    Page,
    SentMessage,
)

BASE_URL = "https://chats.nexadesk.ai/api/v1/external"
MOST_ROWS = 100
_PATHS = {
    Kind.LEADS: "/leads",
    Kind.CONTACTS: "/contacts",
    Kind.CONVERSATIONS: "/conversations",
}
_PARSERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.LEADS: parse.lead,
    Kind.CONTACTS: parse.contact,
    Kind.CONVERSATIONS: parse.conversation,
}


def sentence(error: Any) -> str:
    """NexaDesk's own sentence in an error: one string, no codes (A2). "" if there is none."""
    said = error.get("error") if isinstance(error, dict) else None
    return said if isinstance(said, str) else ""


@contextmanager
def open_client(
    key: str,
    *,
    base_url: str = BASE_URL,
    gate: Gate | None = None,
    deadline_seconds: float = 30.0,
) -> "Iterator[NexaDesk]":
    """A client with the key in hand; its connections close with the block."""
    with Http(
        assumed.SLUG,
        base_url,
        key,
        sentence=sentence,
        gate=gate,
        deadline_seconds=deadline_seconds,
    ) as http:
        yield NexaDesk(http)


type Parse[R] = Callable[[Any], R]


class NexaDesk:
    """
    The calls NexaDesk documents. All raise the errors of `portal.providers.errors`:
    `KeyRejected`, `NotPermitted` (scope or address), `RateLimited`, `Unreachable`,
    `BrokenContract`, and what each method names. Times are UTC.

    NexaDesk cannot compare versions (the last writer wins: compare before), and knows no
    idempotency key: after an error with `arrived`, look the record up, do not repeat.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def list_page(
        self,
        kind: Kind,
        *,
        cursor: str | None = None,
        page: int | None = None,
        limit: int = 100,
        sort: str | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Page[Any]:
        """
        One page, `limit` up to 100 rows. `sort` is `field:direction`, created_at:desc by
        default. `filters` are NexaDesk's own: stage, search (leads); search, tag
        (contacts); status, search, tag (conversations, where status=all is sent unless
        told otherwise). Keep sort and filters while following one cursor.

        `page` counts from 1 and is documented for leads only; `cursor` wins over it.
        Where leads promise more without a cursor, `next_cursor` names the next page's
        number in our own form. Source: API facts A3 to A6.
        """
        position = _position(cursor, page)
        answer = self._http.get(_PATHS[kind], _query(kind, limit, sort, filters) | position)
        records, rejected = reading.many(envelope.items(answer), _PARSERS[kind])
        return Page(
            records=tuple(records),
            rejected=tuple(rejected),
            total=reading.count(envelope.pagination(answer).get("total_count")),
            next_cursor=envelope.next_cursor(answer, kind, int(position.get("page", "1"))),
            server_date=answer.server_date,
        )

    def walk(
        self, kind: Kind, *, sort: str | None = None, filters: Mapping[str, str] | None = None
    ) -> Iterator[Page[Any]]:
        """
        Every page to the end, 100 rows each, or a raise. The cursor behaves like an offset:
        rows may repeat or be skipped while data changes, so merge by id (A3).
        """

        def fetch(cursor: str | None) -> Page[Any]:
            return self.list_page(kind, cursor=cursor, sort=sort, filters=filters)

        return paging.walk(assumed.SLUG, fetch)

    def _get[R: (LeadRecord, ContactRecord, ConversationRecord)](
        self, path: str, upstream_id: str, parse_one: Parse[R]
    ) -> R:
        answer = self._http.get(*assumed.address(path, upstream_id))
        return _same(answer, upstream_id, parse_one)

    def _create[R](self, path: str, values: Mapping[str, Any], parse_one: Parse[R]) -> R:
        return _one(self._http.write("POST", path, values=values), parse_one)

    def _change[R: (LeadRecord, ContactRecord, ConversationRecord)](
        self, path: str, upstream_id: str, changes: Mapping[str, Any], parse_one: Parse[R]
    ) -> R:
        answer = self._http.write("PATCH", *assumed.address(path, upstream_id), changes)
        return _same(answer, upstream_id, parse_one)

    def _delete(self, path: str, upstream_id: str) -> None:
        place = assumed.address(path, upstream_id)
        envelope.agreed(self._http.write("DELETE", *place, any_body=True))

    def get_lead(self, upstream_id: str) -> LeadRecord:
        """One lead. Raises `NotFound`. The `?id=` address is assumed (A4)."""
        return self._get("/leads", upstream_id, parse.lead)

    def create_lead(self, values: Mapping[str, Any]) -> LeadRecord:
        """
        Make a lead from NexaDesk's own field names; `visitor_name` is required.

        Raises `Refused` with NexaDesk's sentence, `Duplicate` if it says so (no rule is
        documented for leads). `rep_*` fields may be missing. Source: A4, POST /leads.
        """
        return self._create("/leads", values, parse.lead)

    def update_lead(self, upstream_id: str, changes: Mapping[str, Any]) -> LeadRecord:
        """
        Change some fields of one lead; return the lead as NexaDesk now has it.

        `changes` holds NexaDesk's own field names, and only what changes: a field left
        out stays, None clears it. `expected_billing_amount` is a bare number (no currency
        is documented). Raises `Refused`, `NotFound`. Source: A4, PATCH /leads; the `?id=`
        address and the body are assumed there.
        """
        return self._change("/leads", upstream_id, changes, parse.lead)

    def delete_lead(self, upstream_id: str) -> None:
        """Delete one lead. Raises `NotFound`. Address and answer are assumed (A4)."""
        self._delete("/leads", upstream_id)

    def get_contact(self, upstream_id: str) -> ContactRecord:
        """One contact. Raises `NotFound`. The `?id=` address is assumed (A5)."""
        return self._get("/contacts", upstream_id, parse.contact)

    def create_contact(self, values: Mapping[str, Any]) -> ContactRecord:
        """
        Make a contact from NexaDesk's own field names; `first_name` is required.

        Raises `Duplicate` if another contact has the email (the answer need not say which:
        look for it with the `search` filter), `Refused`. Source: A5, POST /contacts.
        """
        return self._create("/contacts", values, parse.contact)

    def update_contact(self, upstream_id: str, changes: Mapping[str, Any]) -> ContactRecord:
        """
        Change some fields of one contact, as `update_lead` does for leads. Raises
        `Duplicate` for an email that is taken (assumed), `Refused`, `NotFound`. Source: A5.
        """
        return self._change("/contacts", upstream_id, changes, parse.contact)

    def delete_contact(self, upstream_id: str) -> None:
        """Delete one contact. Raises `NotFound`. Address and answer are assumed (A5)."""
        self._delete("/contacts", upstream_id)

    def get_conversation(self, upstream_id: str) -> ConversationRecord:
        """
        One conversation with its whole history. Raises `NotFound`.

        Documented: the `?id=` address and the object's first six fields; where the
        messages stand and how they look is assumed (A6). `told` names what it spoke of.
        """
        return self._get("/conversations", upstream_id, parse.conversation_detail)

    def set_status(self, upstream_id: str, status: str) -> ConversationRecord:
        """
        Set a conversation's status: open, pending, active or archived (there is no
        "closed"). Raises `Refused`, `NotFound`. Address and body are assumed (A6).
        """
        change = assumed.status_change(status)
        return self._change("/conversations", upstream_id, change, parse.conversation_detail)

    def create_conversation(self, values: Mapping[str, Any]) -> ConversationRecord:
        """Not in NexaDesk's API (A6)."""
        raise NotImplementedError

    def send_message(self, conversation_id: str, text: str) -> SentMessage:
        """Not in NexaDesk's API (A6)."""
        raise NotImplementedError

    def send_note(self, conversation_id: str, text: str) -> SentMessage:
        """Not in NexaDesk's API (A6)."""
        raise NotImplementedError

    def update_user(self, upstream_id: str, changes: Mapping[str, Any]) -> ContactRecord:
        """Not in NexaDesk's API (A8)."""
        raise NotImplementedError


def _query(
    kind: Kind, limit: int, sort: str | None, filters: Mapping[str, str] | None
) -> dict[str, str]:
    always = {"status": "all"} if kind is Kind.CONVERSATIONS else {}
    order = {"limit": str(min(limit, MOST_ROWS)), "sort": sort or assumed.DEFAULT_SORT}
    return order | always | dict(filters or {})


def _position(cursor: str | None, page: int | None) -> dict[str, str]:
    """Never `cursor` and `page` together: what that means is not documented."""
    if cursor is not None and cursor.startswith(assumed.PAGE_MARK):
        return {"page": cursor.removeprefix(assumed.PAGE_MARK)}
    if cursor is not None:
        return {"cursor": cursor}
    return {} if page is None else {"page": str(page)}


def _one[R](answer: Answer, parse_one: Parse[R]) -> R:
    data = envelope.single(answer)
    try:
        return parse_one(data)
    except Unreadable as reason:
        raise envelope.broken(answer, f"the record cannot be read: {reason}") from None


def _same[R: (LeadRecord, ContactRecord, ConversationRecord)](
    answer: Answer, upstream_id: str, parse_one: Parse[R]
) -> R:
    # The address is partly assumed: a server that ignores it must not pass for another record.
    record = _one(answer, parse_one)
    if record.upstream_id != upstream_id:
        raise envelope.broken(answer, "the answer is about another record")
    return record
