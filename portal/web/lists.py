"""
A list's state is its address: query string -> state -> rows and links (ux F1 to F7, T3, T7).

For every table of `mirror/tables.py`:

    words = {"stage": Words(_("Stage"), {...}), ...}       # a filter's label and its values' words
    state = read(LEADS, request.GET, path=request.path, words=words, known={"stage": {...}})
    if url := tidy(request, state): return redirect(url)
    listing = show_list(state, workspace, noun=..., words=words, heads=HEADS)
    return answer(request, "leads/list.html", {"menus": [...]}, listing)

Templates: components/table_tools.html (over the region `results`), and inside of it
table_around.html, table_head.html, pager.html; the listing is `list` there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from portal.mirror import keyset
from portal.mirror.columns import SHORT
from portal.mirror.keyset import CAP
from portal.mirror.search import Hits, needles
from portal.mirror.tables import PRESETS, Bound, Facets, Number, Since, Table, Word
from portal.team.models import Workspace
from portal.web.htmx import is_partial, show
from portal.web.list_state import DEFAULT_PER_PAGE, PER_PAGE, State, Words, read, tidy

__all__ = [
    "Asked",
    "Chip",
    "Head",
    "Listing",
    "State",
    "Words",
    "answer",
    "around",
    "ids_of",
    "narrowed",
    "page_of",
    "read",
    "show_list",
    "tidy",
]


class Asked(NamedTuple):
    """What an address asks a list for, what its filters are called, the words in use."""

    state: State
    words: Mapping[str, Words]
    counted: Facets


@dataclass(frozen=True, slots=True)
class Chip:
    """An applied filter (F1): `name` `operator` `value`, and the address without it."""

    key: str
    name: str
    operator: str
    value: str
    remove_href: str


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: `sort` its public sort name ("" if none), `css` its classes."""

    label: str
    sort: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class ShownHead:
    """A column's head on the page; `aria` is "ascending", "descending" or ""."""

    label: str
    css: str
    name: str
    href: str
    aria: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything a list's template shows around its cells; `rows` are the records."""

    state: State
    rows: list[Any]
    heads: tuple[ShownHead, ...]
    chips: list[Chip]
    total: str
    first: int
    last: int
    previous_href: str
    next_href: str
    caption: str
    announcement: str
    notices: tuple[str, ...]
    back: str

    @property
    def clear_href(self) -> str:
        """The address without search and filters; "" while one remove link does the same."""
        many = len(self.chips) + bool(self.state.q) > 1
        return self.all_href if many else ""

    @property
    def export_href(self) -> str:
        """The page that exports this list: the same rows in the same order, all of them."""
        return replace(self.state.first_page(), path=self.state.path + "export/").url

    @property
    def per_pages(self) -> tuple[int, ...]:
        return PER_PAGE

    @property
    def all_href(self) -> str:
        return self.state.first_page(q="", filters=()).url

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the filter form must carry along: order, page size, negated filters."""
        kept = [(n, v) for n, values in self.state.filters if n.endswith("!") for v in values]
        if self.state.sort.public != self.state.table.default:
            kept.append(("sort", self.state.sort.public))
        if self.state.per != DEFAULT_PER_PAGE:
            kept.append(("per", str(self.state.per)))
        return kept


def narrowed(state: State, workspace: Workspace) -> Any:
    """The workspace's rows that the state's filters ask for, not looking at its search."""
    rows = state.table.rows(workspace)
    for name, texts in state.filters:
        rule = state.table.filters[name.removesuffix("!")]
        values = [rule.read(text) for text in texts]
        rows = rule.narrow(rows, values, negated=name.endswith("!"))
    return rows


def show_list(
    state: State,
    workspace: Workspace,
    *,
    noun: str,
    words: Mapping[str, Words],
    heads: Iterable[Head] = (),
    counted: Facets | None = None,
) -> Listing:
    """
    Read the page; `noun` is what the list holds, in the plural ("leads").

    `counted` are the words in use with their numbers: they tell totals without counting.
    """
    page = page_of(state, workspace, counted)
    first, notices = _first(state, page), _notices(state)
    if page.lost:
        notices = (_("That page does not exist any more: this is the first one."), *notices)
    total = _number(page.total, capped=page.capped)
    shown_heads = tuple(_head(state, head) for head in heads)
    return Listing(
        state,
        page.rows,
        shown_heads,
        _chips(state, words),
        total,
        first,
        first + len(page.rows) - 1,
        _neighbour(state, before=page.before, start=max(1, first - state.per)),
        _neighbour(state, after=page.after, start=first + len(page.rows)),
        _caption(noun, total, shown_heads),
        f"{total} {noun}",
        notices,
        _back((state.first_page() if page.lost else state).query),
    )


def around(
    state: State,
    rows: list[Any],
    *,
    noun: str,
    words: Mapping[str, Words],
    total: int,
    capped: bool,
    back: str,
) -> Listing:
    """
    What stands around rows that are no table: the same search, filters, chips and words.

    `back` is the query by which the list's own address leads to this view again.
    """
    shown = _number(total, capped=capped)
    said = f"{shown} {noun}"
    chips, notices = _chips(state, words), _notices(state)
    return Listing(
        state, rows, (), chips, shown, 1, len(rows), "", "", said, said, notices, _back(back)
    )


def answer(
    request: HttpRequest, template: str, context: dict[str, Any], listing: Listing
) -> HttpResponse:
    """The page, or its `results` with the address htmx puts in the bar (F5)."""
    partial = is_partial(request)
    context = {"list": listing, "partial": partial, **context}
    response = show(request, template, context, partial="results")
    if partial:
        typing = request.headers.get("HX-Source", "").endswith("#q")
        response["HX-Replace-Url" if typing else "HX-Push-Url"] = listing.state.url
    return response


def ids_of(state: State, workspace: Workspace, *, limit: int) -> list[int]:
    """The ids of all that the state finds, whatever its page, in its order."""
    rows, wanted = narrowed(state, workspace), needles(state.q, state.values("tag"))
    hits = Hits(workspace.pk, rows, wanted, filtered=bool(state.filters)) if wanted else None
    return keyset.first_ids(rows, state.sort, limit=limit, reader=hits)


def page_of(state: State, workspace: Workspace, counted: Facets | None) -> keyset.Page[Any]:
    """The page that the state asks for, with its total."""
    rows = state.table.lines(narrowed(state, workspace), state.sort)
    place: dict[str, Any] = {"after": state.after, "before": state.before, "limit": state.per}
    wanted = needles(state.q, state.values("tag"))
    if not wanted:
        total = _known_total(state, counted)
        reader = keyset.Sift(rows) if state.filters and (total or 0) <= CAP else None
        return keyset.page(rows, state.sort, reader=reader, total=total, **place)
    hits = Hits(workspace.pk, rows, wanted, filtered=bool(state.filters))
    return keyset.page(rows, state.sort, reader=hits, total=hits.total(), **place)


def _known_total(state: State, counted: Facets | None) -> int | None:
    """The number of rows where the counters tell it: all of them, or those of some words."""
    if counted is None or len(state.filters) > 1:
        return None
    if not state.filters:
        return counted.total
    name, texts = state.filters[0]
    rule = state.table.filters[name.removesuffix("!")]
    if not isinstance(rule, Word | Number) or not counted.tells(rule.column):
        return None
    numbers = counted.counts(rule.column)
    found = sum(numbers.get(rule.read(text), 0) for text in dict.fromkeys(texts))
    return counted.total - found if name.endswith("!") else found


def _number(value: int, *, capped: bool = False) -> str:
    return number_format(value, force_grouping=True) + ("+" if capped else "")


def _notices(state: State) -> tuple[str, ...]:
    """What was not understood of an address, or not as one may think."""
    if 0 < len(state.q) < SHORT:
        words = _("One or two characters are found at the beginnings of words only.")
        return (*state.notices, words)
    return state.notices


def _chips(state: State, words: Mapping[str, Words]) -> list[Chip]:
    return [_chip(state, name, texts, words) for name, texts in state.filters]


def _first(state: State, page: keyset.Page[Any]) -> int:
    """The number of the first row: as the address says, where that can be true."""
    if page.lost or not page.before or not page.rows:
        return 1 if page.rows else 0
    if not page.after and not page.capped:
        return max(1, page.total - len(page.rows) + 1)
    # Of so many and more nobody knows how far they go.
    return max(2, state.start if page.capped else min(state.start, page.total))


def _neighbour(state: State, *, start: int, after: str = "", before: str = "") -> str:
    if not after and not before:
        return ""
    return replace(state, after=after, before=before, start=start).url


def _back(query: str) -> str:
    """What a record's page needs to find back to this list (N6): "?back=…", "" if nothing."""
    return f"?{urlencode({'back': query})}" if query else ""


def _caption(noun: str, total: str, heads: Sequence[ShownHead]) -> str:
    by = next((head for head in heads if head.aria), None)
    words = {"noun": noun[:1].upper() + noun[1:], "total": total}
    if by is None:
        return _("%(noun)s, %(total)s results") % words
    words |= {"column": by.label, "way": _("ascending") if by.aria == "ascending" else ""}
    words["way"] = words["way"] or _("descending")
    return _("%(noun)s, %(total)s results, sorted by %(column)s, %(way)s") % words


def _head(state: State, head: Head) -> ShownHead:
    aria = ""
    if head.sort and head.sort == state.sort.name:
        aria = "descending" if state.sort.down else "ascending"
    href = state.sorted_by(head.sort).url if head.sort else ""
    return ShownHead(head.label, head.css, head.sort, href, aria)


def _chip(state: State, name: str, texts: tuple[str, ...], words: Mapping[str, Words]) -> Chip:
    base = name.removesuffix("!")
    said = words.get(base) or Words(base)
    shown = [said.of(text) for text in texts]
    value = ", ".join(shown[:2]) + (f" +{len(shown) - 2}" if len(shown) > 2 else "")
    operator = _operator(state.table, base, texts, negated=name != base)
    return Chip(name, said.label, operator, value, state.without(name).url)


def _operator(table: Table, name: str, texts: tuple[str, ...], *, negated: bool) -> str:
    rule = table.filters[name]
    if isinstance(rule, Bound):
        return _("at least") if rule.lookup == "gte" else _("at most")
    if isinstance(rule, Since):
        return _("within") if texts[-1] in PRESETS else _("since")
    if negated:
        return _("is not") if len(texts) == 1 else _("is none of")
    return _("is") if len(texts) == 1 else _("is any of")
