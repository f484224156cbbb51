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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Q, QuerySet, Subquery, When

from portal.mirror import columns

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
    One page. `total` counts the whole list, at most `CAP` + 1. `before` and `after` are the
    cursors of the neighbours, "" at an end. `lost` tells that the asked cursor leads nowhere
    and this is the first page instead.
    """

    rows: list[M]
    total: int
    before: str = ""
    after: str = ""
    lost: bool = False

    @property
    def capped(self) -> bool:
        return self.total > CAP


class _CappedCount(Subquery):
    """How many rows a (cut) query finds, beside each row: no query of its own."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a cursor points: the sorted column's value (None: a row without one) and the id."""

    value: Any
    pk: int


def page[M: models.Model](
    rows: "QuerySet[M]", sort: Sort, *, after: str = "", before: str = "", limit: int = 50
) -> Page[M]:
    """
    The page after or before a cursor, the first one where there is none.

    One query: it picks the ids from each run's own range of the index, then reads those rows.
    """
    place = _place(rows.model, sort, before or after)
    back = bool(before) and place is not None
    found = _read(rows, sort, place, back=back, limit=limit + 1)
    if place is not None and not found:
        return _lost(page(rows, sort, limit=limit))
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    earlier = more if back else place is not None
    later = True if back else more
    total = getattr(found[0], "list_total", 0) if found else 0
    shown = Page(
        found,
        total,
        before=_cursor(found[0], sort) if found and earlier else "",
        after=_cursor(found[-1], sort) if found and later else "",
    )
    return _lost(shown) if (before or after) and place is None else shown


def _lost[M: models.Model](first: Page[M]) -> Page[M]:
    return Page(first.rows, first.total, first.before, first.after, lost=True)


def _read[M: models.Model](
    rows: "QuerySet[M]", sort: Sort, place: _Place | None, *, back: bool, limit: int
) -> list[M]:
    """Up to `limit` rows from the place on, in the order they are met."""
    counted = rows.annotate(list_total=_CappedCount(rows.order_by().values("pk")[: CAP + 1]))
    runs = _runs(rows, sort, place, back=back)
    up = sort.down == back
    picked, *others = (
        rows.model._default_manager.filter(pk__in=run.values("pk")[:limit]).values("pk")
        for run in runs
    )
    found = counted.filter(pk__in=picked.union(*others, all=True) if others else picked)
    if others:
        blank = Case(When(_blank(rows.model, sort), then=1), default=0)
        found = found.annotate(list_blank=blank)
        return list(
            found.order_by("-list_blank" if back else "list_blank", *_order(sort, up))[:limit]
        )
    return list(found.order_by(*_order(sort, up)))


def _runs(
    rows: "QuerySet[Any]", sort: Sort, place: _Place | None, *, back: bool
) -> "list[QuerySet[Any]]":
    """The runs that a walk from the place goes through, each sorted for that walk."""
    blank = _blank(rows.model, sort)
    up = sort.down == back
    valued, blanks = rows.order_by(*_order(sort, up)), rows.order_by("id" if up else "-id")
    if blank is None:
        return [valued if place is None else valued.filter(_past(sort, place, up=up))]
    valued, blanks = valued.exclude(blank), blanks.filter(blank)
    if place is not None and place.value is None:
        rest = blanks.filter(_beyond("id", place.pk, up=up))
        return [rest, valued] if back else [rest]
    if place is not None:
        valued = valued.filter(_past(sort, place, up=up))
    return [valued] if back else [valued, blanks]


def _order(sort: Sort, up: bool) -> list[str]:
    return [sort.field, "id"] if up else [f"-{sort.field}", "-id"]


def _past(sort: Sort, place: _Place, *, up: bool) -> Q:
    """`c <= v AND (c < v OR id < i)`: the first half is what the index is entered by."""
    within = Q(**{f"{sort.field}__{'gte' if up else 'lte'}": place.value})
    return within & (_beyond(sort.field, place.value, up=up) | _beyond("id", place.pk, up=up))


def _beyond(field: str, value: Any, *, up: bool) -> Q:
    return Q(**{f"{field}__{'gt' if up else 'lt'}": value})


def _blank(model: type[models.Model], sort: Sort) -> Q | None:
    """What tells a row without a value; None where every row has one."""
    field = model._meta.get_field(sort.field)
    if getattr(field, "null", False):
        return Q(**{f"{sort.field}__isnull": True})
    return Q(**{sort.field: ""}) if isinstance(field, models.CharField) else None


def _cursor(row: models.Model, sort: Sort) -> str:
    value = getattr(row, sort.field)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    told: Sequence[Any] = [sort.public, None if value in (None, "") else text, row.pk]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _place(model: type[models.Model], sort: Sort, cursor: str) -> _Place | None:
    """Where a cursor of this sort points, None if it is none: anybody can type one."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        name, told, pk = json.loads(text)
        if name != sort.public or type(pk) is not int or abs(pk) > LARGEST_ID:
            return None
        if told is None:
            return _Place(None, pk)
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
    return None if value is None else _Place(value, pk)


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
