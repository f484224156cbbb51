"""Dexra's five calls: conversations, messages, users. Source: API facts, part B."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from portal.providers import paging, reading
from portal.providers.contract import Gate
from portal.providers.dexra import assumed, parse
from portal.providers.errors import BrokenContract
from portal.providers.http import Http
from portal.records import (
    ContactRecord,
    ConversationRecord,
    Kind,
    LeadRecord,
    Page,
    SentMessage,
)

BASE_URL = "https://api.dexra.net/v1"
MOST_ROWS = 100
_PATH = "/conversations"


@contextmanager
def open_client(
    key: str,
    *,
    base_url: str = BASE_URL,
    gate: Gate | None = None,
    deadline_seconds: float = 30.0,
) -> "Iterator[Dexra]":
    """A client with the key in hand; its connections close with the block."""
    with Http(
        assumed.SLUG,
        base_url,
        key,
        sentence=assumed.sentence,
        gate=gate,
        deadline_seconds=deadline_seconds,
    ) as http:
        yield Dexra(http)


class Dexra:
    """
    The calls Dexra documents. All raise the errors of `portal.providers.errors`:
    `KeyRejected`, `NotPermitted`, `RateLimited`, `Unreachable`, `BrokenContract`, and
    what each method names. Times are UTC.

    Dexra has no call that reads messages or users, none that closes, snoozes or assigns.
    After an error with `arrived` nobody knows whether a message was sent: do not repeat.
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
        One page of the conversations, `limit` up to 100 rows; `filters` knows `status`:
        open, closed or snoozed. Dexra has no sort and no page numbers: they must be None.
        An item has no author, channel or time of its last message. Source: B2, B3.
        """
        if kind is not Kind.CONVERSATIONS or page is not None or sort is not None:
            raise NotImplementedError
        position = {} if cursor is None else {"cursor": cursor}
        query = {"limit": str(min(limit, MOST_ROWS))} | position | dict(filters or {})
        answer = self._http.get(_PATH, query)
        records, rejected = reading.many(parse.items(answer), parse.conversation)
        return Page(
            records=tuple(records),
            rejected=tuple(rejected),
            total=reading.count(parse.meta(answer).get("total")),
            next_cursor=parse.next_cursor(answer),
            server_date=answer.server_date,
        )

    def walk(
        self, kind: Kind, *, sort: str | None = None, filters: Mapping[str, str] | None = None
    ) -> Iterator[Page[Any]]:
        """Every page to the end, 100 rows each, or a raise. Rows may repeat: merge by id."""

        def fetch(cursor: str | None) -> Page[Any]:
            return self.list_page(kind, cursor=cursor, sort=sort, filters=filters)

        return paging.walk(assumed.SLUG, fetch)

    def get_conversation(self, upstream_id: str) -> ConversationRecord:
        """
        One conversation: its status and participants, whose shape is assumed (B3). Its
        messages cannot be read. Raises `NotFound`. Source: GET /conversations/:id.
        """
        answer = self._http.get(assumed.address(_PATH, upstream_id))
        record = parse.single(answer, parse.conversation)
        if record.upstream_id != upstream_id:
            raise BrokenContract(assumed.SLUG, "the answer is about another record")
        return record

    def create_conversation(self, values: Mapping[str, Any]) -> ConversationRecord:
        """
        Begin a conversation: `user_id` (the user's id in *your* system) is required,
        `subject` and `tags` are not. There is no field for a channel or a first message.

        Dexra answers without subject and tags: the record has them as sent, its `raw`
        only what came. Raises `Refused` or `NotFound` for a user it does not know
        (assumed). Source: B3, POST /conversations.
        """
        answer = self._http.write("POST", _PATH, values=values)
        record = parse.single(answer, parse.conversation)
        told = record.told or frozenset()
        sent = {
            "subject": reading.text(values.get("subject")),
            "tags": tuple(values.get("tags") or ()),
        }
        added = {name: value for name, value in sent.items() if name not in told}
        return replace(record, told=told.union(added), **added)  # type: ignore[arg-type]

    def send_message(self, conversation_id: str, text: str) -> SentMessage:
        """
        Send a message to the customer; `text` is Markdown. Never repeated by itself.

        Raises `Refused` with Dexra's sentence (on WhatsApp also when the last message of
        the user is older than 24 hours), `NotFound`. Source: B3, POST /messages.
        """
        return self._send(conversation_id, text, "text")

    def send_note(self, conversation_id: str, text: str) -> SentMessage:
        """
        Leave a note, type `private_note`; that only the team sees it is assumed (B3).
        It never falls back to a message. Raises as `send_message`.
        """
        return self._send(conversation_id, text, "private_note")

    def _send(self, conversation_id: str, text: str, kind: str) -> SentMessage:
        values = {"conversation_id": conversation_id, "content": text, "type": kind}
        receipt = parse.single(
            self._http.write("POST", "/messages", values=values), parse.sent_message
        )
        return replace(receipt, conversation_id=receipt.conversation_id or conversation_id)

    def update_user(self, upstream_id: str, changes: Mapping[str, Any]) -> ContactRecord:
        """
        Change a user's `email` or `custom_attributes` (name -> text or number).

        Whether attributes are merged or replaced is not documented, and no call reads them
        first: those not sent may be lost. `raw` holds what Dexra now has. Raises `Refused`,
        `NotFound`. Source: B3, PATCH /users/:id.
        """
        place = assumed.address("/users", upstream_id)
        return parse.single(self._http.write("PATCH", place, values=changes), parse.user)

    def get_lead(self, upstream_id: str) -> LeadRecord:
        """Not in Dexra's API (B3)."""
        raise NotImplementedError

    def create_lead(self, values: Mapping[str, Any]) -> LeadRecord:
        """Not in Dexra's API (B3)."""
        raise NotImplementedError

    def update_lead(self, upstream_id: str, changes: Mapping[str, Any]) -> LeadRecord:
        """Not in Dexra's API (B3)."""
        raise NotImplementedError

    def delete_lead(self, upstream_id: str) -> None:
        """Not in Dexra's API (B3)."""
        raise NotImplementedError

    def get_contact(self, upstream_id: str) -> ContactRecord:
        """Not in Dexra's API (B3)."""
        raise NotImplementedError

    def create_contact(self, values: Mapping[str, Any]) -> ContactRecord:
        """Not in Dexra's API (B3)."""
        raise NotImplementedError

    def update_contact(self, upstream_id: str, changes: Mapping[str, Any]) -> ContactRecord:
        """Not in Dexra's API (B3): see `update_user`."""
        raise NotImplementedError

    def delete_contact(self, upstream_id: str) -> None:
        """Not in Dexra's API (B3)."""
        raise NotImplementedError

    def set_status(self, upstream_id: str, status: str) -> ConversationRecord:
        """Not in Dexra's API (B3), though its introduction promises it."""
        raise NotImplementedError
