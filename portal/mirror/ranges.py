"""
The ranges of the index that a sorted list is read from, and where a cursor points in them.

A list is two runs of rows: those with a value in the sorted column, in its order, then those
without one (NULL or ""), both with ties in the order of the id. Each run is one range of the
index (workspace, column, id), on SQLite and on PostgreSQL, which disagree on where NULL stands.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, QuerySet

from portal.mirror import columns

_LOWEST: dict[type[Any], Any] = {
    models.DateTimeField: datetime(1, 1, 2, tzinfo=UTC),
    models.DecimalField: -columns.LARGEST_AMOUNT,
    models.FloatField: -1e308,
    models.IntegerField: -(2**31),
}
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
        """
        By id alone where all hold "" in the sorted column. Not where all hold NULL: PostgreSQL does
        not see that these are equal, and would sort them all instead of walking the index.
        """
        column = self.rows.model._meta.get_field(self.sort.field)
        equal = self.blank and isinstance(column, models.CharField)
        names = ["id"] if equal else [self.sort.field, "id"]
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


def runs[M: models.Model](
    rows: "QuerySet[M]", sort: Sort, place: Place | None, *, back: bool
) -> list[Run[M]]:
    """The runs that a walk from the place goes through."""
    blank, valued = blanks(rows.model, sort)
    up = sort.down == back
    if blank is None:
        return [Run(rows, sort, up, place=place)]
    some = Run(rows.filter(valued), sort, up, place=place)
    # A range of ids, if only of all: without one SQLite sorts them, though the index has them so.
    without = Run(rows.filter(blank, id__gt=0), sort, up, blank=True)
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


def place_of(model: type[models.Model], sort: Sort, cursor: str) -> Place | None:
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
