"""
What the list of each kind can do: the columns it sorts by, what it filters by, its search.

No HTML and no words for people. Names here are public: they stand in addresses.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import models
from django.db.models import F, Func, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

from portal.mirror import columns, counters, store
from portal.mirror.counters import Facets
from portal.mirror.ranges import LARGEST_ID, Sort
from portal.records import Kind
from portal.team.models import Workspace

__all__ = [
    "CONTACTS",
    "CONVERSATIONS",
    "LEADS",
    "NONE",
    "PRESETS",
    "Bound",
    "Facets",
    "Filter",
    "Since",
    "Table",
    "facets",
]

NONE = "none"
"""The value of a filter that asks for rows without one."""
PRESETS = {"today": 0, "7d": 7, "30d": 30}
"""Ranges of days before today; "today" begins at midnight in the current time zone."""


@dataclass(frozen=True, slots=True)
class Filter(ABC):
    """
    One way to narrow a list. `column` is the field it looks at.

    `many`: several values are OR-ed; else the last one counts. `negates`: `name!=value` is
    known, too.
    """

    column: str
    many: bool = True
    negates: bool = True

    @abstractmethod
    def read(self, text: str) -> Any:
        """The value that a text of the address means. Raises `ValueError`."""

    @abstractmethod
    def where(self, value: Any) -> Q:
        """The rows that this value asks for."""

    def narrow[M: models.Model](
        self, rows: "QuerySet[M]", values: Sequence[Any], *, negated: bool = False
    ) -> "QuerySet[M]":
        asked = Q()
        for value in values if self.many else values[-1:]:
            asked |= self.where(value)
        return rows.exclude(asked) if negated else rows.filter(asked)


@dataclass(frozen=True, slots=True)
class Word(Filter):
    """A column that holds one of few words; `none` asks for rows without."""

    def read(self, text: str) -> str:
        return "" if text == NONE else columns.clean(text, 255)

    def where(self, value: Any) -> Q:
        return Q(**{self.column: value})


@dataclass(frozen=True, slots=True)
class Number(Filter):
    """A column that holds an id."""

    def read(self, text: str) -> int:
        if not (text.isascii() and text.isdigit()) or int(text[:20]) > LARGEST_ID:
            raise ValueError(text)
        return int(text)

    def where(self, value: Any) -> Q:
        return Q(**{self.column: value})


class _HasTag(Func):
    """Whether a column that holds a JSON list of texts holds this one, on both databases."""

    output_field = models.BooleanField()

    def __init__(self, column: str, tag: str) -> None:
        super().__init__(F(column))
        self.tag = tag

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.source_expressions[0])
        held = f"SELECT 1 FROM json_each({sql}) WHERE value = %s"  # noqa: S608 (our own column)
        return f"EXISTS ({held})", (*params, self.tag)

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"{sql} @> %s::jsonb", [*params, json.dumps([self.tag])]


@dataclass(frozen=True, slots=True)
class Tag(Filter):
    """A list of tags that holds this one exactly."""

    def read(self, text: str) -> str:
        return columns.clean(text, 200)

    def where(self, value: Any) -> Q:
        return Q(_HasTag(self.column, value))


@dataclass(frozen=True, slots=True)
class Bound(Filter):
    """A number that is at least (`gte`) or at most (`lte`) this."""

    lookup: str = "gte"
    many: bool = False
    negates: bool = False

    def read(self, text: str) -> Decimal:
        plain = re.sub(r"[\s']", "", text)
        if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain):
            plain = plain.replace(",", "")
        elif re.fullmatch(r"\d+,\d{1,2}", plain):
            plain = plain.replace(",", ".")
        try:
            value = columns.amount(Decimal(plain))
        except InvalidOperation as error:
            raise ValueError(text) from error
        if value is None:
            raise ValueError(text)
        return value

    def where(self, value: Any) -> Q:
        return Q(**{f"{self.column}__{self.lookup}": value})


@dataclass(frozen=True, slots=True)
class Since(Filter):
    """A time within a preset of days, or not before the midnight of a date (YYYY-MM-DD)."""

    many: bool = False
    negates: bool = False

    def read(self, text: str) -> str:
        """The text itself: "7d" is another moment tomorrow."""
        if text not in PRESETS and self._date(text) is None:
            raise ValueError(text)
        return text

    def where(self, value: Any) -> Q:
        return Q(**{f"{self.column}__gte": self._moment(value)})

    def _moment(self, text: str) -> datetime:
        today = timezone.localdate()
        day = self._date(text) or today - timedelta(days=PRESETS.get(text, 0))
        return timezone.make_aware(datetime.combine(day, time.min))

    @staticmethod
    def _date(text: str) -> Any:
        """The date, None if it is none that a time can be compared with. Raises `ValueError`."""
        date = parse_date(text)
        return date if date is not None and date.year in columns.YEARS else None


@dataclass(frozen=True, slots=True)
class Table:
    """
    One kind's list. `sorts` names the model's field of each sort; `default` is the order
    where none is asked, "-" before its name for downwards. `shown` are the columns its lines
    are made of.
    """

    kind: Kind
    rows: Callable[[Workspace], "QuerySet[Any]"]
    sorts: Mapping[str, str]
    default: str
    filters: Mapping[str, Filter]
    shown: tuple[str, ...]

    def lines(self, rows: "QuerySet[Any]", sort: Sort) -> "QuerySet[Any]":
        """The rows with what a page in this order needs of them: nothing else is read."""
        return rows.defer(None).only(*self.shown, sort.field)

    def sort(self, public: str) -> Sort | None:
        """The sort of this public name ("-created_at"), None if there is none."""
        name = public.removeprefix("-")
        column = self.sorts.get(name)
        return None if column is None else Sort(name, column, down=public.startswith("-"))


def facets(table: Table, workspace: Workspace) -> Facets:
    """The words of the table's counted columns, from the counters, in one query."""
    return counters.facets(workspace, table.kind)


LEADS = Table(
    Kind.LEADS,
    store.leads,
    sorts={
        "name": "name_key",
        "company": "company_key",
        "email": "email_key",
        "stage": "stage",
        "source": "source",
        "rep": "rep_name",
        "amount": "amount",
        "score": "score",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
    default="-created_at",
    filters={
        "stage": Word("stage"),
        "source": Word("source"),
        "tag": Tag("tags"),
        "rep": Word("rep_id"),
        "amount_min": Bound("amount", lookup="gte"),
        "amount_max": Bound("amount", lookup="lte"),
        "created_since": Since("created_at"),
        "updated_since": Since("updated_at"),
        "connection": Number("connection_id"),
    },
    shown=(
        "connection_id",
        "upstream_id",
        "name",
        "email",
        "company",
        "stage",
        "source",
        "rep_id",
        "rep_name",
        "amount",
        "created_at",
        "updated_at",
    ),
)
CONTACTS = Table(
    Kind.CONTACTS,
    store.contacts,
    sorts={
        "name": "name_key",
        "company": "company_key",
        "email": "email_key",
        "phone": "phone",
        "conversations": "conversation_count",
        "last_activity_at": "last_activity_at",
        "created_at": "created_at",
    },
    default="-created_at",
    filters={
        "tag": Tag("tags"),
        "active_since": Since("last_activity_at"),
        "created_since": Since("created_at"),
        "connection": Number("connection_id"),
    },
    shown=(
        "connection_id",
        "upstream_id",
        "name",
        "email",
        "phone",
        "company",
        "conversation_count",
        "last_activity_at",
        "created_at",
    ),
)
CONVERSATIONS = Table(
    Kind.CONVERSATIONS,
    store.conversations,
    sorts={
        "active_at": "active_at",
        "created_at": "created_at",
        "name": "name_key",
        "source": "source",
    },
    default="-active_at",
    filters={
        "state": Word("state"),
        "status": Word("status"),
        "connection": Number("connection_id"),
        "tag": Tag("tags"),
        "channel": Word("source"),
        "active_since": Since("active_at"),
    },
    shown=(
        "connection_id",
        "upstream_id",
        "subject",
        "visitor_name",
        "visitor_email",
        "last_message",
        "state",
        "status",
        "source",
        "tags",
        "active_at",
    ),
)
