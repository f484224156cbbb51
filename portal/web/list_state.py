"""
What a list's address asks for: read without an error whatever it says, and written again.

Used through `portal.web.lists`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from portal.mirror.keyset import Sort
from portal.mirror.tables import NONE, Table
from portal.web.htmx import is_partial

PER_PAGE = (25, 50, 100)
DEFAULT_PER_PAGE = 50
MAX_VALUES = 50
MAX_TEXT = 200
_PLACES = ("after", "before", "from")


@dataclass(frozen=True, slots=True)
class Words:
    """What a filter is called, and what its values are called where that differs."""

    label: str
    values: Mapping[str, str] = field(default_factory=dict)

    def of(self, value: str) -> str:
        return self.values.get(value) or (_("none") if value == NONE else value)


@dataclass(frozen=True, slots=True)
class State:
    """
    What the address asks for. `filters` holds (name, values); the name of a negated filter
    ends in "!". `start` is the number of the first row, for showing only. `notices` say
    what was not understood.
    """

    table: Table
    path: str
    q: str
    sort: Sort
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    per: int = DEFAULT_PER_PAGE
    after: str = ""
    before: str = ""
    start: int = 1
    notices: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The query string of this page, defaults left out."""
        pairs: list[tuple[str, str]] = [("q", self.q)] if self.q else []
        pairs += [(name, value) for name, values in self.filters for value in values]
        if self.sort.public != self.table.default:
            pairs.append(("sort", self.sort.public))
        if self.per != DEFAULT_PER_PAGE:
            pairs.append(("per", str(self.per)))
        place = "after" if self.after else "before" if self.before else ""
        if place:
            pairs.append((place, self.after or self.before))
            pairs.append(("from", str(self.start)))
        return urlencode(pairs, safe="!")

    @property
    def url(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.filters)

    def values(self, name: str) -> tuple[str, ...]:
        """The values asked of one filter; "stage!" are those asked not to be."""
        return dict(self.filters).get(name, ())

    def first_page(self, **changes: Any) -> "State":
        """Another state, on its first page: whatever changes, its pages are others."""
        return replace(self, after="", before="", start=1, **changes)

    def without(self, name: str) -> "State":
        return self.first_page(filters=tuple(pair for pair in self.filters if pair[0] != name))

    def sorted_by(self, name: str) -> "State":
        """The next of a column's three states: up, down, default (T3)."""
        default = self.table.sort(self.table.default) or self.sort
        turns = [name, f"-{name}"]
        if self.sort.name != name:
            turn = turns[0]
        elif default.name == name:
            turn = turns[0] if self.sort.down else turns[1]
        else:
            turn = default.public if self.sort.down else turns[1]
        return self.first_page(sort=self.table.sort(turn) or default)
