"""
Many made-up or restored records at once, past the one writer: for measuring, not for use.

Rows go straight into the table (COPY on PostgreSQL) while its indexes and triggers are off;
they are made again afterwards, and the counters are counted anew.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import Any

from django.db import connection as database
from django.utils import timezone

from portal.mirror import counters, search_index, store
from portal.mirror.store import Record, Source
from portal.records import Kind
from portal.team.models import Workspace

BATCH = 5_000


@contextmanager
def unindexed(kinds: Sequence[Kind]) -> Iterator[None]:
    """Take the kinds' sort indexes and the search index away, and make them again after."""
    models = [store.MODELS[kind] for kind in kinds]
    search_index.drop()
    with database.schema_editor() as editor:
        for model in models:
            for index in model._meta.indexes:
                editor.remove_index(model, index)
    try:
        yield
    finally:
        with database.schema_editor() as editor:
            for model in models:
                for index in model._meta.indexes:
                    editor.add_index(model, index)
        search_index.ensure()
        with database.cursor() as cursor:
            cursor.execute("ANALYZE")


def insert(source: Source, kind: Kind, records: Iterable[Record]) -> int:
    """Insert records that are not there yet; return how many."""
    now, count = timezone.now(), 0
    for some in batched(records, BATCH):
        rows = [_row(source, kind, record, now) for record in some]
        names, values = list(rows[0]), [list(row.values()) for row in rows]
        table = store.MODELS[kind]._meta.db_table
        (_copy if database.vendor == "postgresql" else _execute)(table, names, values)
        count += len(rows)
    return count


def count(workspace: Workspace) -> None:
    """The counters of what was inserted."""
    counters.mend(workspace)


def _row(source: Source, kind: Kind, record: Any, now: datetime) -> dict[str, Any]:
    values = {
        "workspace_id": source.workspace_id,
        "connection_id": source.connection_id,
        "upstream_id": record.upstream_id,
        "raw": json.dumps(record.raw, separators=(",", ":")),
        "seen_at": now,
        **store.columns_of(kind, record),
    }
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value)
    if isinstance(value, datetime) and database.vendor == "sqlite":
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return str(value) if value is not None and not isinstance(value, int | float | str) else value


def _execute(table: str, names: list[str], rows: list[list[Any]]) -> None:
    marks = ", ".join(["%s"] * len(names))
    with database.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
            rows,
        )


def _copy(table: str, names: list[str], rows: list[list[Any]]) -> None:
    with (
        database.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
