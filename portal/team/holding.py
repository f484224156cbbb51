"""One lock per workspace for what must happen in an order: its counters, the chain of its log."""

from django.db import connection as database

# Any number that nobody else locks by; the workspace's id is the other half of the key.
_LOCK = 0x6D69_7272


def hold(workspace_id: int) -> None:
    """
    Let no other transaction change what is counted or chained of this workspace until ours
    ends.

    Taken first, before any row, so that two writers never wait for each other. It is one lock
    and not one for each purpose, so that nobody can take two of them in the other order.
    SQLite has one writer anyway.
    """
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, workspace_id % 2**31])
