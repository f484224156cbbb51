"""What probes of both providers share: they read, and say what they saw."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from portal.providers.contract import Client
from portal.providers.errors import (
    BrokenContract,
    Duplicate,
    NotFound,
    NotPermitted,
    ProviderError,
    Refused,
)
from portal.records import Kind, Page

type Seen = tuple[bool | None, str]
"""(holds, what was seen); None where this key's data cannot tell."""

ANSWERS_NO = (BrokenContract, Duplicate, NotFound, NotPermitted, Refused)


def describe(error: ProviderError) -> str:
    """An error in a line, for the person who runs the probe."""
    words = [type(error).__name__, str(error.status or ""), getattr(error, "what", ""), error.said]
    return " ".join(word for word in words if word)


def answers(call: Callable[[], Seen]) -> Seen:
    """What the call saw; an answer that says no means that the assumption does not hold."""
    try:
        return call()
    except ANSWERS_NO as error:
        return False, describe(error)


def first(client: Client, kind: Kind, **options: Any) -> Page[Any]:
    """The first page of a kind, small."""
    return client.list_page(kind, **{"limit": 10} | options)


def in_order(kind: Kind, sort: str | None, attribute: str) -> Callable[[Client], Seen]:
    """Probes that a list comes newest first by one of the record's times."""

    def probe(client: Client) -> Seen:
        page = first(client, kind, sort=sort, limit=100)
        times = [getattr(record, attribute) for record in page.records]
        known = [time for time in times if time is not None]
        if len(known) < 2:
            return None, f"{len(known)} of {len(times)} rows tell {attribute}"
        falling = all(one >= other for one, other in pairwise(known))
        return falling, f"{len(known)} rows, {'newest first' if falling else 'out of order'}"

    return lambda client: answers(lambda: probe(client))


def one_by_id(kind: Kind, get: Callable[[Client, str], Any]) -> Callable[[Client], Seen]:
    """Probes that the first record of a kind can be read by itself."""

    def probe(client: Client) -> Seen:
        page = first(client, kind)
        if not page.records:
            return None, f"there are no {kind} to try it on"
        get(client, page.records[0].upstream_id)
        return True, "the first one was read by its id"

    return lambda client: answers(lambda: probe(client))


def missing_is_404(get: Callable[[Client], Any]) -> Callable[[Client], Seen]:
    """Probes that a record that does not exist is answered with 404."""

    def probe(client: Client) -> Seen:
        try:
            get(client)
        except NotFound as error:
            return True, describe(error)
        return False, "an unknown id was answered with a record"

    return lambda client: answers(lambda: probe(client))


def next_page(kind: Kind) -> Callable[[Client], Seen]:
    """Probes that a cursor leads to other rows, and says how many repeat."""

    def probe(client: Client) -> Seen:
        one = first(client, kind)
        if one.next_cursor is None:
            return None, f"all {len(one.records)} {kind} fit on one page"
        other = first(client, kind, cursor=one.next_cursor)
        repeated = ids(one.records) & ids(other.records)
        return not repeated, f"{len(repeated)} rows of the second page were on the first"

    return lambda client: answers(lambda: probe(client))


def full_page(kind: Kind) -> Callable[[Client], Seen]:
    """Probes that `limit=100` gives 100 rows where there are as many."""

    def probe(client: Client) -> Seen:
        page = first(client, kind, limit=100)
        rows = len(page.records) + len(page.rejected)
        if page.next_cursor is None:
            return None, f"all {rows} {kind} fit on one page"
        return rows == 100, f"{rows} rows on a page of 100"

    return lambda client: answers(lambda: probe(client))


def counted(kind: Kind) -> Callable[[Client], Seen]:
    """Probes that a list tells how many there are."""

    def probe(client: Client) -> Seen:
        page = first(client, kind)
        return page.total is not None, f"total {page.total}, {len(page.records)} rows read"

    return lambda client: answers(lambda: probe(client))


def known_words(kind: Kind, attribute: str, words: Iterable[str]) -> Callable[[Client], Seen]:
    """Probes that an attribute holds only words we know; others are shown as they are."""
    known = frozenset(words)

    def probe(client: Client) -> Seen:
        page = first(client, kind, limit=100)
        found = {getattr(record, attribute) for record in page.records} - {""}
        if not found:
            return None, f"no row tells its {attribute}"
        unknown = sorted(found - known)
        return not unknown, f"also: {', '.join(unknown)}" if unknown else ", ".join(sorted(found))

    return lambda client: answers(lambda: probe(client))


def ids(records: Iterable[Any]) -> set[str]:
    """The ids of some records."""
    return {record.upstream_id for record in records}
