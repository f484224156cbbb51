"""
Pages of a sorted list by keyset: page 10,000 costs what page 1 costs, and no row is shown
twice or left out because others came or went.

A list is two runs of rows: those with a value in the sorted column, in its order, then those
without one (NULL or ""), both with ties in the order of the id. Each run is one range of the
index (workspace, column, id), on SQLite and on PostgreSQL, which disagree on where NULL stands.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol, cast

from django.core.exceptions import ValidationError
from django.db import connection as database
from django.db import models
from django.db.models import Case, F, Func, Q, QuerySet, Subquery, When
from django.db.models.expressions import RawSQL

from portal.mirror import columns

_LOWEST: dict[type[Any], Any] = {
    models.DateTimeField: datetime(1, 1, 2, tzinfo=UTC),
    models.DecimalField: -columns.LARGEST_AMOUNT,
    models.FloatField: -1e308,
    models.IntegerField: -(2**31),
}
FEW = 2_000
CAP = 10_000
"""Results are counted up to here; whoever has more is told "10,000+"."""
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Sort:
    """One order of a list: the public `name`, the model's field, and which way it runs."""

    name: str
    field: str
    down: bool = False

    @property
    def public(self) -> str:
        return f"-{self.name}" if self.down else self.name


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
class Place:
    """Where a cursor points: the sorted column's value (None: a row without one) and the id."""

    value: Any
    pk: int


@dataclass(frozen=True, slots=True)
class Run[M: models.Model]:
    """
    One range of the list to be read: the rows with a value, or those without (`blank`).

    `up` is the way it is read, `place` where it begins, None at its end.
    """

    rows: "QuerySet[M, M]"
    sort: Sort
    up: bool
    blank: bool = False
    place: Place | None = None

    @property
    def order(self) -> list[str]:
        names = ["id"] if self.blank else [self.sort.field, "id"]
        return names if self.up else [f"-{name}" for name in names]

    @property
    def beyond(self) -> "QuerySet[M]":
        """The rows behind the place."""
        if self.place is None:
            return self.rows
        if self.blank:
            return self.rows.filter(_beyond("id", self.place.pk, up=self.up))
        return self.rows.filter(_past(self.sort.field, self.place, up=self.up))

    @property
    def unsorted(self) -> "QuerySet[Any]":
        """The same rows with `list_plain` in the sorted column's place, to be sorted by it."""
        column = F("id" if self.blank else self.sort.field)
        rows = self.rows.annotate(list_plain=_Plain(column))
        if self.place is None:
            return rows
        if self.blank:
            return rows.filter(_beyond("list_plain", self.place.pk, up=self.up))
        return rows.filter(_past("list_plain", self.place, up=self.up))


class _Plain(Func):
    """A column that SQLite's planner cannot use an index for."""

    template = "+%(expressions)s"
    arity = 1


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
            run.order if run.blank else [n.replace(run.sort.field, "list_plain") for n in run.order]
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
    place, reader = _place(rows.model, sort, before or after), reader or Walk()
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
    The rows of these ids: PostgreSQL takes them from the primary key, as an array, and
    cannot think of walking another index instead.
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
    picked = [reader.ids(run, limit) for run in _runs(bare, sort, place, back=back)]
    text = " UNION ALL ".join(f"SELECT run.id FROM ({run.text}) run" for run in picked)  # noqa: S608
    shown = rows.filter(one_of(Sql(text, [param for run in picked for param in run.params])))
    blank, _ = blanks(rows.model, sort)
    if blank is not None:
        shown = cast("QuerySet[M]", shown.annotate(list_blank=Case(When(blank, then=1), default=0)))
    shown = cast("QuerySet[M]", shown.annotate(list_order=reader.sorted_by(sort)))
    way = "-" if sort.down != back else ""
    order = [f"{way}list_order", f"{way}id"]
    if blank is not None:
        order.insert(0, "-list_blank" if back else "list_blank")
    with _having(reader.common):
        return list(shown.order_by(*order)[:limit])


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


def _runs[M: models.Model](
    rows: "QuerySet[M]", sort: Sort, place: Place | None, *, back: bool
) -> list[Run[M]]:
    """The runs that a walk from the place goes through."""
    blank, valued = blanks(rows.model, sort)
    up = sort.down == back
    if blank is None:
        return [Run(rows, sort, up, place=place)]
    some = Run(rows.filter(valued), sort, up, place=place)
    without = Run(rows.filter(blank), sort, up, blank=True)
    if place is not None and place.value is None:
        rest = replace(without, place=place)
        return [rest, replace(some, place=None)] if back else [rest]
    return [some] if back else [some, without]


def _past(field: str, place: Place, *, up: bool) -> Q:
    """`c <= v AND (c < v OR id < i)`: the first half is what the index is entered by."""
    within = Q(**{f"{field}__{'gte' if up else 'lte'}": place.value})
    return within & (_beyond(field, place.value, up=up) | _beyond("id", place.pk, up=up))


def _beyond(field: str, value: Any, *, up: bool) -> Q:
    return Q(**{f"{field}__{'gt' if up else 'lt'}": value})


def blanks(model: type[models.Model], sort: Sort) -> tuple[Q | None, Q]:
    """
    What tells the rows without a value, None where every row has one, and those with one.

    The latter is a range of the index, so that no walk has to step over the former.
    """
    column: Any = model._meta.get_field(sort.field)
    if isinstance(column, models.CharField):
        return Q(**{sort.field: ""}), Q(**{f"{sort.field}__gt": ""})
    if not column.null:
        return None, Q()
    lowest = next(value for kind, value in _LOWEST.items() if isinstance(column, kind))
    return Q(**{f"{sort.field}__isnull": True}), Q(**{f"{sort.field}__gte": lowest})


def cursor(row: models.Model, sort: Sort) -> str:
    value = getattr(row, sort.field)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    told: Sequence[Any] = [sort.public, None if value in (None, "") else text, row.pk]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _place(model: type[models.Model], sort: Sort, cursor: str) -> Place | None:
    """Where a cursor of this sort points, None if it is none: anybody can type one."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        name, told, pk = json.loads(text)
        if name != sort.public or type(pk) is not int or abs(pk) > LARGEST_ID:
            return None
        if told is None:
            return Place(None, pk)
        value = _value(model, sort, str(told))
    except (
        ValueError,
        TypeError,
        ArithmeticError,
        RecursionError,
        ValidationError,
        binascii.Error,
    ):
        return None
    return None if value is None else Place(value, pk)


def _value(model: type[models.Model], sort: Sort, text: str) -> Any:
    """The column's value that a cursor tells, None if the column could not hold it."""
    column: models.Field[Any, Any] = model._meta.get_field(sort.field)  # type: ignore[assignment]
    value = column.to_python(columns.clean(text))
    if isinstance(value, Decimal):
        return columns.amount(value)
    if isinstance(value, datetime):
        return columns.moment(value) if value.tzinfo else None
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_ID else None
    if isinstance(value, float):
        return value if abs(value) < 1e300 else None
    return value
