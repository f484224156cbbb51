"""
Did it arrive? What a look-up finds of a write whose answer was lost, by reads only.

Changes and deletions: reading the record tells. Creations: the provider's list tells, as its
`Recognition` says. Messages: nothing tells for sure that one did not arrive, so those end with
a person (design 5).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from portal.mirror import store, threads
from portal.mirror.models import Conversation
from portal.mirror.store import Source
from portal.outbox import doubts
from portal.outbox.models import Write
from portal.providers import registry
from portal.providers.contract import Client, Recognition
from portal.providers.errors import NotFound
from portal.records import Can, Kind, Page, SentMessage
from portal.services.upstream import surely
from portal.services.values import same_text, same_value
from portal.texts import gettext_noop

# Their clock's second may be cut off, and ours was read a moment before the call left.
CLOCK_SLACK = timedelta(seconds=5)
PAGES_FOR_A_MESSAGE = 3
# A text this short may as well have been typed by the customer.
TELLING_LENGTH = 20


class Proof(StrEnum):
    ARRIVED = "arrived"
    ABSENT = "absent"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What was found. `answer` is what the provider would have answered, for `Action.keep`;
    `evidence` is what a person who has to decide is shown: "why" in words, and "found".
    """

    proof: Proof
    answer: Any = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


type Look = Callable[[Client, Source, Write], Finding]


def of_change(read: Callable[[Client, str], Any]) -> Look:
    """
    A change has arrived if the record reads so. It has surely not if the record is as it was:
    not changed since by anybody, where the provider tells when.

    Raises `NotFound` where the record is gone: then the change can never be made.
    """

    def look(client: Client, _source: Source, write: Write) -> Finding:
        current = surely(lambda: read(client, write.upstream_id))
        if all(same_value(current.raw.get(n), mine) for n, mine in write.changes.items()):
            return Finding(Proof.ARRIVED, current)
        seen, version = write.evidence.get("version"), _version(current)
        touched = seen is not None and version is not None and seen != version
        back = all(same_value(current.raw.get(n), write.before.get(n)) for n in write.changes)
        if touched and back:
            return Finding(Proof.UNSURE, evidence={"why": CHANGED_BACK})
        return Finding(Proof.ABSENT)

    return look


CHANGED_BACK = gettext_noop(
    "It was changed there meanwhile and reads as before: somebody may have undone yours."
)


def version_of(record: Any) -> dict[str, Any]:
    """What of a record that was just read tells later whether it was changed since."""
    version = _version(record)
    return {} if version is None else {"version": version}


def _version(record: Any) -> str | None:
    moment: datetime | None = getattr(record, "updated_at", None)
    return moment.isoformat() if moment else None


def of_deletion(read: Callable[[Client, str], Any]) -> Look:
    """A deletion has arrived if the record is not there."""

    def look(client: Client, _source: Source, write: Write) -> Finding:
        try:
            surely(lambda: read(client, write.upstream_id))
        except NotFound:
            return Finding(Proof.ARRIVED)
        return Finding(Proof.ABSENT)

    return look


def of_creation(kind: Kind, can: Can) -> Look:
    """A creation has arrived if the list shows a record like it, made since our try."""

    def look(client: Client, _source: Source, write: Write) -> Finding:
        known_by = registry.get(write.connection.provider).recognised_by[can]
        search = _Search(known_by, write)
        search.read(client, kind)
        return search.finding(client)

    return look


@dataclass(slots=True)
class _Search:
    """The records made since our try, and whether those were all."""

    known_by: Recognition
    write: Write
    since: list[Any] = field(default_factory=list)
    whole: bool = True

    def read(self, client: Client, kind: Kind) -> None:
        """Fill `since`, newest first where the API has a sort; else from the whole list."""
        found: dict[str, Any] = {}
        totals: set[int | None] = set()
        for page in self._pages(client, kind):
            floor = self._floor(page)
            totals.add(page.total)
            self.whole = self.whole and not page.rejected
            found |= {r.upstream_id: r for r in page.records if _made_since(r, floor)}
            if self.known_by.sort and any(_made_before(r, floor) for r in page.records):
                break
        # Rows move while a list is read: one may have slipped through between two pages.
        self.whole = self.whole and len(totals) <= 1
        taken = doubts.claimed_ids(self.write)
        self.since = [record for name, record in found.items() if name not in taken]

    def _pages(self, client: Client, kind: Kind) -> Iterator[Page[Any]]:
        known_by = self.known_by
        walk = client.walk(kind, sort=known_by.sort, filters=known_by.filters or None)
        for number, page in enumerate(walk, start=1):
            yield page
            if number >= known_by.pages and page.next_cursor:
                self.whole = False
                return

    def _floor(self, page: Page[Any]) -> datetime:
        """The moment of our first try on the provider's clock."""
        now = timezone.now()
        tried = self.write.tried_at or self.write.created_at
        return tried + ((page.server_date or now) - now) - CLOCK_SLACK

    def finding(self, client: Client) -> Finding:
        equal = [record for record in self.since if self._is_ours(record)]
        if self.known_by.by:
            equal = [record for record in equal if self._is_for(client, record)]
        if equal:
            return Finding(Proof.ARRIVED, min(equal, key=lambda r: (r.created_at, r.upstream_id)))
        alike = [record for record in self.since if self._is_alike(record)]
        if alike:
            why = gettext_noop(
                "Something like it was made there since, but not with the same values."
            )
            return Finding(Proof.UNSURE, evidence=_shown(why, alike))
        if not self.whole:
            why = gettext_noop(
                "The service's list is too long or changed too much to say that it is not there."
            )
            return Finding(Proof.UNSURE, evidence={"why": why})
        return Finding(Proof.ABSENT)

    def _is_ours(self, record: Any) -> bool:
        told = [n for n in self.known_by.same if self.write.changes.get(n)]
        return bool(told) and all(same_text(record.raw.get(n), self.write.changes[n]) for n in told)

    def _is_alike(self, record: Any) -> bool:
        changes = self.write.changes
        told = [name for name in self.known_by.hints if changes.get(name)]
        if not told:
            return True  # Nothing tells ours apart from any other that is new.
        return any(same_text(record.raw.get(name), changes[name]) for name in told)

    def _is_for(self, client: Client, record: Any) -> bool:
        """Whether it was made for the person we named, as far as its participants tell."""
        people = client.get_conversation(record.upstream_id).participants or ()
        names = {p.upstream_id for p in people if p.upstream_id}
        return not names or str(self.write.changes.get(self.known_by.by)) in names


def _made_since(record: Any, floor: datetime) -> bool:
    return record.created_at is None or record.created_at >= floor


def _made_before(record: Any, floor: datetime) -> bool:
    return record.created_at is not None and record.created_at < floor


def _shown(why: str, records: list[Any]) -> dict[str, Any]:
    return {"why": why, "found": [dict(record.raw) for record in records[:5]]}


def of_user(_client: Client, _source: Source, _write: Write) -> Finding:
    """No call reads a user (facts B3): nobody can tell."""
    why = gettext_noop(
        "The service's API cannot show a user, so nothing tells whether the change arrived."
    )
    return Finding(Proof.UNSURE, evidence={"why": why})


def of_message(client: Client, source: Source, write: Write) -> Finding:
    """
    A message has arrived if an event told of it, or if it is the conversation's last one.
    Absence is never proved: no call reads messages (facts B3).
    """
    conversation = store.find(source, Kind.CONVERSATIONS, write.upstream_id)
    tried = (write.tried_at or write.created_at) - CLOCK_SLACK
    text = str(write.changes["text"])
    private = write.action == "message.note"
    if isinstance(conversation, Conversation):
        told = threads.told_since(conversation, text, tried, private=private)
        if told is not None:
            receipt = SentMessage(told.upstream_id, write.upstream_id, sent_at=told.sent_at)
            return Finding(Proof.ARRIVED, receipt)
    last = _last_message(client, write.upstream_id)
    same = last is not None and same_text(last.last_message, text)
    if same and len(text) >= TELLING_LENGTH and _is_news(conversation, last, tried):
        return Finding(Proof.ARRIVED, SentMessage(last.last_message_id, write.upstream_id))
    return Finding(Proof.UNSURE, evidence={"why": SAME_WORDS if same else NO_HISTORY})


SAME_WORDS = gettext_noop(
    "The conversation's last message reads the same, but nothing tells who wrote it."
)
NO_HISTORY = gettext_noop(
    "The service's API cannot show messages, so nothing tells whether yours arrived."
)


def _is_news(conversation: Any, last: Any, tried: datetime) -> bool:
    """Whether this last message was not known here before our try, nor is another of ours."""
    if not last.last_message_id or not isinstance(conversation, Conversation):
        return False
    return not threads.knew(conversation, last.last_message_id, before=tried)


def _last_message(client: Client, upstream_id: str) -> Any:
    """
    The conversation with its last message: read alone, else from the list's first pages;
    None where neither shows it.
    """
    try:
        alone = client.get_conversation(upstream_id)
    except NotFound:
        return None
    if alone.last_message:
        return alone
    for number, page in enumerate(client.walk(Kind.CONVERSATIONS), start=1):
        found = [record for record in page.records if record.upstream_id == upstream_id]
        if found or number >= PAGES_FOR_A_MESSAGE:
            return next(iter(found), None)
    return None
