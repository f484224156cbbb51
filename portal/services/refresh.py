"""Ask upstream once for one record that a person looks at."""

from collections.abc import Callable
from typing import Any

from portal.budget.store import Lane
from portal.mirror import store
from portal.mirror.models import Contact, Conversation, Lead
from portal.providers.contract import Client
from portal.providers.errors import NotFound
from portal.records import Kind
from portal.services.keeping import keep_gone, keep_one
from portal.services.upstream import connect, source_of, surely

_KINDS: dict[type, Kind] = {
    Lead: Kind.LEADS,
    Contact: Kind.CONTACTS,
    Conversation: Kind.CONVERSATIONS,
}


def refresh[M: (Lead, Contact, Conversation)](
    row: M,
    read: Callable[[Client], Any],
    *,
    also: Callable[[M, Any], None] | None = None,
    lane: Lane = Lane.PEOPLE,
) -> M | None:
    """
    One read in the lane, merged into our copy; None if it is gone upstream.

    `also` keeps what the record brings beside itself. Raises a `ProviderError` or
    `NotConnected`; then our copy is as old as it was.
    """
    try:
        with connect(row.connection, lane) as client:
            record = surely(lambda: read(client))
    except NotFound:
        keep_gone(row, _KINDS[type(row)])
        return None
    source = source_of(row.connection)
    fresh: M = keep_one(source, _KINDS[type(row)], record)
    store.touch(fresh)
    if also is not None:
        also(fresh, record)
    return fresh
