"""
Whether a key opens the account that a connection's records are of (reliability F32).

Neither API tells whose a key is (facts A1, B1), so the records are the mark: the list shows
one that we have, or one of ours can be read by its id.
"""

from portal.mirror import store
from portal.providers.contract import Client
from portal.providers.errors import BrokenContract, NotFound, Refused
from portal.records import Kind
from portal.services.upstream import provider_of, read_one, source_of
from portal.vault.models import Connection

# So many of our newest records are asked for by their ids, where the list shows none of ours.
ASKED_FOR = 3


def opens_account_of(client: Client, connection: Connection) -> bool:
    """
    Whether this client sees records of the connection's copy; True where there is no copy.

    One call where all is well, at most four for each kind. Raises what the provider said.
    """
    strange = False
    for kind in provider_of(connection).kinds:
        ours = store.newest_ids(source_of(connection), kind, ASKED_FOR)
        if not ours:
            continue
        if _lists_ours(client, connection, kind) or any(_knows(client, kind, id_) for id_ in ours):
            return True
        strange = True
    return not strange


def _lists_ours(client: Client, connection: Connection, kind: Kind) -> bool:
    follow = provider_of(connection).kinds[kind]
    page = client.list_page(kind, sort=follow.backfill, filters=follow.filters)
    ids = [record.upstream_id for record in page.records]
    return bool(store.copies(source_of(connection), kind, ids))


def _knows(client: Client, kind: Kind, upstream_id: str) -> bool:
    try:
        read_one(client, kind, upstream_id)
    except (NotFound, BrokenContract, Refused):
        return False
    return True
