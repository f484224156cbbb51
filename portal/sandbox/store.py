"""Tables in memory: records by id in the order of their making, and sorted lists kept at hand."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from .exchange import Record

LISTS_KEPT = 24


class Table:
    """
    Records of one kind, each with an `id`.

    Fields that begin with an underscore are ours and never shown. A record is replaced,
    never changed in place, so a record once handed out stays as it was.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Record] = {}
        self._lists: dict[Hashable, list[Record]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._rows

    def get(self, record_id: str) -> Record | None:
        """The record, or None."""
        return self._rows.get(record_id)

    def put(self, record: Record) -> Record:
        """Add a record or replace the one with its id."""
        self._rows[record["id"]] = record
        self._lists.clear()
        return record

    def remove(self, record_id: str) -> Record:
        """Take a record out and return it."""
        self._lists.clear()
        return self._rows.pop(record_id)

    def all(self) -> list[Record]:
        """All records, oldest first."""
        return list(self._rows.values())

    def listed(self, name: Hashable, make: Callable[[list[Record]], list[Record]]) -> list[Record]:
        """The list `make` builds of all records, built again only after a change."""
        if name not in self._lists:
            if len(self._lists) >= LISTS_KEPT:
                self._lists.clear()
            self._lists[name] = make(self.all())
        return self._lists[name]

    def load(self, rows: Iterable[Record]) -> None:
        """Replace all records."""
        self._rows = {row["id"]: row for row in rows}
        self._lists.clear()


def shown(record: Record) -> Record:
    """A record as the outside sees it."""
    return {name: value for name, value in record.items() if not name.startswith("_")}


def contains(record: Record, fields: Iterable[str], text: str) -> bool:
    """Whether one of the fields holds the text, upper and lower case alike."""
    wanted = text.casefold()
    return any(wanted in str(record.get(name) or "").casefold() for name in fields)


def in_order(rows: list[Record], field: str, *, descending: bool) -> list[Record]:
    """Rows sorted by one field, case-insensitively; rows without a value come last."""
    filled = [row for row in rows if row.get(field) is not None]
    empty = [row for row in rows if row.get(field) is None]
    return sorted(filled, key=lambda row: _folded(row[field]), reverse=descending) + empty


def _folded(value: object) -> tuple[int, float, str]:
    """Numbers before text, so that a list of both can be sorted."""
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, 0.0, str(value).casefold())
