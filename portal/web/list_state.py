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

from portal.mirror.ranges import Sort
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


class _Reader:
    """Reads one query string; what it does not understand becomes a notice."""

    def __init__(
        self,
        table: Table,
        words: Mapping[str, Words],
        known: Mapping[str, Collection[str]],
    ) -> None:
        self.table, self.words, self.known = table, words, known
        self.notices: list[str] = []

    def filters(self, told: QueryDict) -> Iterable[tuple[str, tuple[str, ...]]]:
        for name in told:
            base = name.removesuffix("!")
            rule = self.table.filters.get(base)
            texts = [text for text in dict.fromkeys(told.getlist(name)) if text.strip()]
            if rule is None or (name != base and not rule.negates):
                self._unknown_name(name)
                continue
            good = [text for text in texts[:MAX_VALUES] if self._known(base, text)]
            if good:
                yield name, tuple(good if rule.many else good[-1:])

    def sort(self, public: str) -> Sort:
        default = self.table.sort(self.table.default)
        assert default is not None
        found = self.table.sort(public) if public else default
        if found is None:
            self.notices.append(_("This list cannot be sorted by “%s”.") % public[:60])
        return found or default

    def per(self, text: str) -> int:
        if not text or text in map(str, PER_PAGE):
            return int(text or DEFAULT_PER_PAGE)
        self.notices.append(_("A page has 25, 50 or 100 rows, not “%s”.") % text[:60])
        return DEFAULT_PER_PAGE

    def _known(self, name: str, text: str) -> bool:
        known = self.known.get(name)
        try:
            self.table.filters[name].read(text)
            fits = known is None or text == NONE or text in known
        except ValueError:
            fits = False
        if not fits:
            label = self.words[name].label if name in self.words else name
            self.notices.append(
                _("“%(value)s” is no value of the filter %(name)s: it was left out.")
                % {"value": text[:60], "name": label}
            )
        return fits

    def _unknown_name(self, name: str) -> None:
        if name not in ("q", "sort", "per", *_PLACES):
            self.notices.append(_("This list has no filter “%s”: it was left out.") % name[:60])


def read(
    table: Table,
    told: QueryDict,
    *,
    path: str,
    words: Mapping[str, Words],
    known: Mapping[str, Collection[str]] | None = None,
) -> State:
    """
    The state an address asks for. Whatever cannot be understood is left out and said in
    `notices`: no value of any parameter is an error.

    `known` names the values of filters whose values are all known.
    """
    reader = _Reader(table, words, known or {})
    after, before = told.get("after", ""), told.get("before", "")
    return State(
        table,
        path,
        told.get("q", "").replace("\x00", "").strip()[:MAX_TEXT],
        reader.sort(told.get("sort", "")),
        tuple(reader.filters(told)),
        reader.per(told.get("per", "")),
        after,
        "" if after else before,
        _start(told.get("from", "")) if after or before else 1,
        tuple(dict.fromkeys(reader.notices)),
    )


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def tidy(request: HttpRequest, state: State) -> str:
    """
    The address a plain form ought to have led to: fields left empty out of it. "" if it did.
    """
    untidy = any(value == "" for values in request.GET.lists() for value in values[1])
    return state.url if untidy and not state.notices and not is_partial(request) else ""
