"""
Pages of a sorted list by keyset: page 10,000 costs what page 1 costs, and no row is shown
twice or left out because others came or went. How the list is cut into ranges of the index,
and what a cursor says, stands in `ranges`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from django.db import connection as database
from django.db import models
from django.db.models import Case, F, Q, QuerySet, Subquery, When
from django.db.models.expressions import OrderBy, RawSQL
from django.db.models.sql.where import WhereNode

from portal.mirror.ranges import Place, Run, Sort, blanks, cursor, place_of, runs

FEW = 2_000
CAP = 10_000
"""Results are counted up to here; whoever has more is told "10,000+"."""


@dataclass(frozen=True, slots=True)
class Page[M: models.Model]:
    """
    One page. `total` counts the whole list; where there are more, `capped`. `before` and
    `after` are the cursors of the neighbours, "" at an end. `lost` tells that the asked
    cursor leads nowhere and this is the first page instead.
    """

    rows: list[M]
    total: int
    before: str = ""
    after: str = ""
    lost: bool = False
    capped: bool = False


class _CappedCount(Subquery):
    """How many rows a (cut) query finds, beside each row: no query of its own."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with its parameters."""

    text: str
    params: list[Any]


class Reader(Protocol):
    """How the ids of a run's next rows are found."""

    @property
    def common(self) -> Sql | None:
        """What the ids and the total both read, as WITH names it: found once."""

    def ids(self, run: Run[Any], limit: int) -> Sql:
        """A query of at most `limit` ids, the next ones of the run."""

    def sorted_by(self, sort: Sort) -> Any:
        """The expression by which the rows stand, then by id."""


class Walk:
    """Along the index of the sort."""

    @property
    def common(self) -> Sql | None:
        return None

    def ids(self, run: Run[Any], limit: int) -> Sql:
        return ids_of(run.beyond.order_by(*run.order)[:limit])

    def sorted_by(self, sort: Sort) -> Any:
        return F(sort.field)


@dataclass(frozen=True, slots=True)
class Sift(Walk):
    """
    For rows that filters narrow. SQLite cannot guess how many they leave: it counts up to
    `FEW` of them, sorts them if that is all, and else walks along the sort.
    """

    rows: "QuerySet[Any]"

    def ids(self, run: Run[Any], limit: int) -> Sql:
        if database.vendor != "sqlite":
            return ids_of(run.beyond.order_by(*run.order)[:limit])
        unsorted = run.unsorted
        order = (
            run.order[-1:]
            if run.blank
            else [n.replace(run.sort.field, "list_plain") for n in run.order]
        )
        few = unsorted.order_by(*order)
        many = run.beyond.order_by(*run.order)
        return either(ids_of(self.rows.order_by()[: FEW + 1]), FEW, few, many, limit)


def either(probe: Sql, most: int, few: "QuerySet[Any]", many: "QuerySet[Any]", limit: int) -> Sql:
    """
    SQLite: the ids of `few` if the probe finds at most so many, else those of `many`.

    The decision stands in each one's LIMIT: the other one is then not even begun.
    """
    found = f"(SELECT COUNT(*) FROM ({probe.text}))"  # noqa: S608
    texts, params = list[str](), list[Any]()
    for rows, how in ((few, "<="), (many, ">")):
        ids = ids_of(rows)
        limited = f"{ids.text} LIMIT (CASE WHEN {found} {how} {most} THEN {limit} ELSE 0 END)"
        texts.append(f"SELECT way.id FROM ({limited}) way")  # noqa: S608
        params += [*ids.params, *probe.params]
    return Sql(" UNION ALL ".join(texts), params)


def page[M: models.Model](
    rows: "QuerySet[M]",
    sort: Sort,
    *,
    after: str = "",
    before: str = "",
    limit: int = 50,
    reader: Reader | None = None,
    total: Any = None,
) -> Page[M]:
    """
    The page after or before a cursor, the first one where there is none.

    One query: it picks the ids from each run's own range of the index, then reads those
    rows. `total` is how many rows there are where that is known, or an expression that
    counts them (below 0: so many or more); else they are counted up to `CAP`.
    """
    place, reader = place_of(rows.model, sort, before or after), reader or Walk()
    back = bool(before) and place is not None
    found = _read(_told(rows, total), sort, place, back=back, limit=limit + 1, reader=reader)
    if place is not None and not found:
        return _lost(page(rows, sort, limit=limit, reader=reader, total=total))
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    earlier = more if back else place is not None
    later = True if back else more
    counted = (
        total if isinstance(total, int) else getattr(found[0], "list_total", 0) if found else 0
    )
    cut = not isinstance(total, int) and not 0 <= counted <= CAP
    shown = Page(
        found,
        min(abs(counted), CAP) if cut else counted,
        before=cursor(found[0], sort) if found and earlier else "",
        after=cursor(found[-1], sort) if found and later else "",
        capped=cut,
    )
    return _lost(shown) if (before or after) and place is None else shown


def first_ids(
    rows: "QuerySet[Any]", sort: Sort, *, limit: int, reader: Reader | None = None
) -> list[int]:
    """The ids of the list's first rows, in its order, in one query."""
    bare = rows.defer(None).only("pk")
    found = _read(bare, sort, None, back=False, limit=limit, reader=reader or Walk())
    return [row.pk for row in found]


def first_of_each[M: models.Model](
    rows: "QuerySet[M]", column: str, words: Iterable[str], sort: Sort, *, limit: int
) -> dict[str, list[M]]:
    """The list's first rows that hold each word in this column, in one query."""
    walk, first = Walk(), {word: list[M]() for word in words}
    parts = [rows.order_by().filter(**{column: word}) for word in first]
    picked = [walk.ids(run, limit) for p in parts for run in runs(p, sort, None, back=False)]
    for row in _sorted(rows, sort, picked, by=walk.sorted_by(sort)) if picked else ():
        held = first[getattr(row, column)]
        if len(held) < limit:
            held.append(row)
    return first


def _told[M: models.Model](rows: "QuerySet[M]", total: Any) -> "QuerySet[M]":
    """The rows, each with the number of all of them beside it where that is not known."""
    if isinstance(total, int):
        return rows
    return cast("QuerySet[M]", rows.annotate(list_total=total or capped_count(rows)))


def capped_count(rows: "QuerySet[Any]") -> _CappedCount:
    """How many rows there are, counted up to `CAP` + 1."""
    return _CappedCount(rows.order_by().values("id")[: CAP + 1])


def ids_of(rows: "QuerySet[Any]") -> Sql:
    """The query of these rows' ids, in their order."""
    text, params = rows.values("id").query.sql_with_params()
    return Sql(text, list(params))


def one_of(ids: Sql) -> Any:
    """
    The rows of these ids: PostgreSQL takes them from the primary key, as an array.
    """
    if database.vendor == "postgresql":
        text = f"(id = ANY(ARRAY({ids.text})))"
        return RawSQL(text, ids.params, output_field=models.BooleanField())  # noqa: S611
    return Q(pk__in=RawSQL(ids.text, ids.params))  # noqa: S611


def _lost[M: models.Model](first: Page[M]) -> Page[M]:
    return replace(first, lost=True)


def _read[M: models.Model](
    rows: "QuerySet[M]",
    sort: Sort,
    place: Place | None,
    *,
    back: bool,
    limit: int,
    reader: Reader,
) -> list[M]:
    """Up to `limit` rows from the place on, in the order they are met."""
    bare = rows.order_by()
    bare.query.annotations.pop("list_total", None)
    picked = [reader.ids(run, limit) for run in runs(bare, sort, place, back=back)]
    with _having(reader.common):
        return list(_sorted(rows, sort, picked, by=reader.sorted_by(sort), back=back)[:limit])


def _sorted[M: models.Model](
    rows: "QuerySet[M]", sort: Sort, picked: Iterable[Sql], *, by: Any, back: bool = False
) -> "QuerySet[M]":
    """The rows whose ids were picked, in the list's order or against it."""
    picked = list(picked)
    text = " UNION ALL ".join(f"SELECT run.id FROM ({run.text}) run" for run in picked)  # noqa: S608
    ids = Sql(text, [param for run in picked for param in run.params])
    return _just(rows, ids).order_by(*_order(rows.model, sort, by, back=back))


def _just[M: models.Model](rows: "QuerySet[M]", ids: Sql) -> "QuerySet[M]":
    """
    The rows of these ids, which were picked from `rows`. What narrowed them is not asked again: a
    planner that thinks they are few would read them all to find those with the ids among them.
    """
    shown = rows.all()
    shown.query.where = WhereNode()
    return shown.filter(one_of(ids))


def _order(model: type[models.Model], sort: Sort, by: Any, *, back: bool) -> list[Any]:
    """How the rows stand: those without a value last; read backwards, all the other way."""
    (blank, _), down = blanks(model, sort), sort.down != back
    order = [OrderBy(column, descending=down) for column in (by, F("id"))]
    if blank is not None:
        order.insert(0, OrderBy(Case(When(blank, then=1), default=0), descending=back))
    return order


@contextmanager
def _having(common: Sql | None) -> Iterator[None]:
    """Put a WITH before the query, which Django cannot say itself."""
    if common is None:
        yield
        return

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return run(f"WITH {common.text} {sql}", (*common.params, *params), many, context)

    with database.execute_wrapper(execute):
        yield
