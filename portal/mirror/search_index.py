"""
The trigram indexes behind the search, one for each kind, kept by the database itself.

PostgreSQL: a GIN index of pg_trgm, which knows words only: so spaces and usual signs are made
letters first (`LOOSE`), else "li d" or "o'b" would be looked for in all words that begin with d
or b. The text itself decides. SQLite: an FTS5 table `<table>_text` without content of its own,
kept by triggers only when the text or the order changed. Its rowid is the list's sort key:
seconds since 1900 of the sorted time, then the record's id, so that the newest hits are read
first and reading stops there. A workspace is one token of the column `place`.

Where neither can be made (no right to create the extension, an old SQLite) the search reads
the rows themselves: slow, but right. `manage.py check --database default` says so.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connections, transaction

log = logging.getLogger(__name__)
ID_BITS = 30
"""Ids below 2**30 fit beside 33 bits of seconds: until the year 2172."""
SECONDS_FROM_1900 = 2_208_988_800
_DIGIT = 8192
_FIRST = 0x3400
_EVENTS = ("ai", "au", "ad")
# Replaced one by one: PostgreSQL's translate() takes ten times as long.
_LETTERS = {" ": "q"} | dict.fromkeys(".-'@&/%+_,:#", "x")
LOOSE = "search_text"
for _sign, _letter in _LETTERS.items():
    LOOSE = f"replace({LOOSE}, '{_sign.replace("'", "''")}', '{_letter}')"


@dataclass(frozen=True, slots=True)
class Index:
    """One kind's index. `newest` is the time by which its list is sorted."""

    table: str
    newest: str

    @property
    def text(self) -> str:
        return f"{self.table}_text"

    @property
    def gin(self) -> str:
        return f"{self.table}_letters"

    @property
    def triggers(self) -> list[str]:
        return [f"{self.text}_{event}" for event in _EVENTS]


INDEXES = (
    Index("portal_lead", "created_at"),
    Index("portal_contact", "created_at"),
    Index("portal_conversation", "active_at"),
)
_BY_TABLE = {index.table: index for index in INDEXES}
_found: dict[str, bool] = {}


def of(table: str) -> Index:
    return _BY_TABLE[table]


def place(workspace_id: int) -> str:
    """The three characters that stand for a workspace in an FTS5 table: one trigram."""
    digits = (workspace_id // _DIGIT**power % _DIGIT for power in range(3))
    return "".join(chr(_FIRST + digit) for digit in digits)


def loosened(piece: str) -> str:
    """What `LOOSE` makes of a piece of the text."""
    return piece.translate({ord(sign): letter for sign, letter in _LETTERS.items()})


def ready(alias: str = "default") -> bool:
    """Whether all indexes exist; asked of the database once a process."""
    if alias not in _found:
        _found[alias] = exists(alias)
    return _found[alias]


def exists(alias: str = "default") -> bool:
    """
    Whether all indexes exist. Asked on the connection itself: the page that happens to be
    a process's first search has no query more than the others.
    """
    database = connections[alias]
    database.ensure_connection()
    if database.vendor == "postgresql":
        names, mark = [index.gin for index in INDEXES], "%s"
        sql = "SELECT COUNT(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        sql += " WHERE i.indisvalid AND pg_table_is_visible(c.oid) AND c.relname IN"
    else:
        names, mark = [name for index in INDEXES for name in (index.text, *index.triggers)], "?"
        sql = "SELECT COUNT(*) FROM sqlite_master WHERE name IN"
    raw: Any = database.connection
    with database.wrap_database_errors:
        found = raw.execute(f"{sql} ({', '.join([mark] * len(names))})", names).fetchone()
    return bool(found[0] == len(names))


def ensure(alias: str = "default") -> bool:
    """Make and fill the indexes if one is missing; tell whether they are there."""
    _found.pop(alias, None)
    if not exists(alias):
        try:
            with transaction.atomic(using=alias):
                build(alias)
        except DatabaseError as error:
            log.warning("The search index could not be made: %s", error)
            return False
    return True


def build(alias: str = "default") -> None:
    """Make the indexes anew from the rows. Raises `DatabaseError` where they cannot be."""
    drop(alias)
    postgres = connections[alias].vendor == "postgresql"
    if postgres:
        # Of a million rows it takes longer than any page may.
        patient = ["SET LOCAL statement_timeout = 0", "SET LOCAL maintenance_work_mem = '256MB'"]
        _run(alias, [*patient, "CREATE EXTENSION IF NOT EXISTS pg_trgm"])
    for index in INDEXES:
        _run(alias, _postgres(index) if postgres else _sqlite(index))


def drop(alias: str = "default") -> None:
    _found.pop(alias, None)
    for index in INDEXES:
        if connections[alias].vendor == "postgresql":
            # The first one knew words only, the second one words and spaces.
            names = (index.gin, f"{index.table}_trgm", f"{index.table}_loose")
            _run(alias, [f"DROP INDEX IF EXISTS {name}" for name in names])
        else:
            _run(alias, [f"DROP TRIGGER IF EXISTS {name}" for name in index.triggers])
            _run(alias, [f"DROP TABLE IF EXISTS {index.text}"])


def _run(alias: str, statements: Sequence[str]) -> None:
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _postgres(index: Index) -> list[str]:
    on = f"{index.table} USING gin ({LOOSE} gin_trgm_ops)"
    return [f"CREATE INDEX {index.gin} ON {on} WHERE gone_at IS NULL"]


def _sqlite(index: Index) -> list[str]:
    table, text = index.table, index.text
    into = f"INSERT INTO {text} (rowid, place, body)"
    new, old = _values(index, "new"), _values(index, "old")
    add = f"{into} SELECT {new} WHERE new.gone_at IS NULL;"
    remove = f"INSERT INTO {text} ({text}, rowid, place, body) SELECT 'delete', {old}"
    remove += " WHERE old.gone_at IS NULL;"
    looked_at = ("search_text", "gone_at", "workspace_id", "id", index.newest)
    changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in looked_at)
    inserted, updated, deleted = index.triggers
    made = "place, body, content='', columnsize=0, tokenize='trigram case_sensitive 1'"
    rows = f"SELECT {_values(index, table)} FROM {table} WHERE gone_at IS NULL ORDER BY 1"  # noqa: S608
    return [
        f"CREATE VIRTUAL TABLE {text} USING fts5 ({made})",
        f"{into} {rows}",
        f"CREATE TRIGGER {inserted} AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER {updated} AFTER UPDATE ON {table} WHEN {changed} BEGIN {remove} {add} END",
        f"CREATE TRIGGER {deleted} AFTER DELETE ON {table} BEGIN {remove} END",
    ]


def _values(index: Index, row: str) -> str:
    """The rowid, the place and the text of a row, in SQLite's words."""
    digits = (f"{_FIRST} + {row}.workspace_id / {_DIGIT**power} % {_DIGIT}" for power in range(3))
    key = key_sql(f"{row}.{index.newest}", f"{row}.id")
    return f"{key}, char({', '.join(digits)}), {row}.search_text"


def key_sql(time: str, pk: str) -> str:
    """The sort key of a row: a time's whole seconds, then the id; the time missing is 0."""
    seconds = f"strftime('%s', substr({time}, 1, 19)) + {SECONDS_FROM_1900}"
    return f"(coalesce(min(max({seconds}, 1), 8589934591), 0) << {ID_BITS} | {pk})"


def key(time: Any, pk: int) -> int:
    """What `key_sql` makes of an aware time, or None, and an id."""
    seconds = 0 if time is None else int(time.timestamp() // 1) + SECONDS_FROM_1900
    return (min(max(seconds, 1), 2**33 - 1) if time is not None else 0) << ID_BITS | pk
