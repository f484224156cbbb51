"""
Both sides are measured with the database in the memory of the machine, as it is on a server
that has run for an hour: after `bench_data` most of it is only on the disk.
"""

from pathlib import Path

from django.db import connection

_CHUNK = 2**24


def read_in() -> None:
    """Read the whole database once. PostgreSQL: what belongs to leads, tables and indexes."""
    if connection.vendor == "sqlite":
        with Path(connection.settings_dict["NAME"]).open("rb") as file:
            while file.read(_CHUNK):
                pass
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        cursor.execute(
            "SELECT SUM(pg_prewarm(oid, 'read')) FROM pg_class "
            "WHERE relname LIKE 'portal_lead%%' AND relkind IN ('r', 'i') "
            "OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'portal_lead'::regclass)"
        )
