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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, Q, QuerySet, Subquery

from portal.mirror import columns

_LOWEST: dict[type[Any], Any] = {
    models.DateTimeField: datetime(1, 1, 2, tzinfo=UTC),
    models.DecimalField: -columns.LARGEST_AMOUNT,
    models.FloatField: -1e308,
    models.IntegerField: -(2**31),
}
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
        return self.rows.filter(_past(self.sort, self.place, up=self.up))


type Read[M: models.Model] = Callable[[Run[M], int], list[M]]
"""Reads so many rows of a run, in its order."""


def walk[M: models.Model](run: Run[M], limit: int) -> list[M]:
    """Along the index of the sort."""
    return list(run.beyond.order_by(*run.order)[:limit])


def page[M: models.Model](
    rows: "QuerySet[M]",
    sort: Sort,
    *,
    after: str = "",
    before: str = "",
    limit: int = 50,
    read: Read[M] = walk,
    total: Any = None,
) -> Page[M]:
    """
    The page after or before a cursor, the first one where there is none.

    One query; a second where the page reaches into the rows without a value. `total` is
    how many rows there are where that is known, or an expression that counts them (below
    0: so many or more); else they are counted up to `CAP`.
    """
    place = _place(rows.model, sort, before or after)
    back = bool(before) and place is not None
    if not isinstance(total, int):
        total = total or capped_count(rows)
        rows = cast("QuerySet[M]", rows.annotate(list_total=total))
    found = _read(rows, sort, place, back=back, limit=limit + 1, read=read)
    if place is not None and not found:
        known = total if isinstance(total, int) else None
        return _lost(page(rows, sort, limit=limit, read=read, total=known))
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    earlier = more if back else place is not None
    later = True if back else more
    counted = total if isinstance(total, int) else _told(found)
    cut = not isinstance(total, int) and not 0 <= counted <= CAP
    shown = Page(
        found,
        min(abs(counted), CAP) if cut else counted,
        before=cursor(found[0], sort) if found and earlier else "",
        after=cursor(found[-1], sort) if found and later else "",
        capped=cut,
    )
    return _lost(shown) if (before or after) and place is None else shown


def capped_count(rows: "QuerySet[Any]") -> _CappedCount:
    """How many rows there are, counted up to `CAP` + 1."""
    return _CappedCount(rows.order_by().values("id")[: CAP + 1])


def _told(found: Sequence[Any]) -> int:
    return found[0].list_total if found else 0


def _lost[M: models.Model](first: Page[M]) -> Page[M]:
    return replace(first, lost=True)


def _read[M: models.Model](
    rows: "QuerySet[M]",
    sort: Sort,
    place: Place | None,
    *,
    back: bool,
    limit: int,
    read: Read[M],
) -> list[M]:
    """Up to `limit` rows from the place on, in the order they are met."""
    found: list[M] = []
    for run in _runs(rows, sort, place, back=back):
        found.extend(read(run, limit - len(found)))
        if len(found) == limit or not getattr(found[0] if found else None, "list_blank", True):
            break
    return found


def _runs[M: models.Model](
    rows: "QuerySet[M]", sort: Sort, place: Place | None, *, back: bool
) -> "Iterator[Run[M]]":
    """The runs that a walk from the place goes through."""
    blank, valued = blanks(rows.model, sort)
    up = sort.down == back
    if blank is None:
        yield Run(rows, sort, up, place=place)
        return
    without = Run(rows.filter(blank), sort, up, blank=True)
    exists = Exists(_plain(rows).filter(blank))
    told = cast("QuerySet[M]", rows.filter(valued).annotate(list_blank=exists))
    some = Run(told, sort, up, place=place)
    if place is not None and place.value is None:
        yield replace(without, place=place)
        if back:
            yield replace(some, place=None)
        return
    yield some
    if not back:
        yield without


def _plain(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """The rows without what is annotated to each."""
    bare = rows.order_by().values("pk")
    bare.query.annotations.pop("list_total", None)
    return bare


def _past(sort: Sort, place: Place, *, up: bool) -> Q:
    """`c <= v AND (c < v OR id < i)`: the first half is what the index is entered by."""
    within = Q(**{f"{sort.field}__{'gte' if up else 'lte'}": place.value})
    return within & (_beyond(sort.field, place.value, up=up) | _beyond("id", place.pk, up=up))


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
