"""
Which rows a search finds, read so that it costs the same whatever is searched.

Two ways lead to the first hits of a sorted list. Walking the list and looking at each text is
fast where hits are frequent; taking all hits from the trigram index and sorting them is fast
where they are rare. One query does what fits, without asking the planner:

* PostgreSQL walks the next `NEAR` rows; only if they hold too few hits it asks the index.
* SQLite's index is in the order of the default sort (`search_index`): the first hits are
  read from it directly. For other orders it counts the hits, up to `FEW`, and then decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Substr

from portal.mirror import columns, search_index
from portal.mirror.keyset import CAP, Run, capped_count
from portal.mirror.search_index import ID_BITS, Index

NEAR = 10_000
FEW = 20_000
ENOUGH = 51

type Needles = Sequence[Sequence[str]]
"""Pieces of `search_text`: one of each group must be in it."""


def needles(text: str, tags: Sequence[str] = ()) -> Needles:
    """What a person's words and the asked tags look for in `search_text`."""
    term = columns.search_term(text)
    groups = [[term]] if term else []
    return [*groups, [columns.tag_term(tag) for tag in tags]] if tags else groups


def holds(found: Needles) -> Q:
    """The condition itself, without any index."""
    condition = Q()
    for group in found:
        either = Q()
        for piece in group:
            either |= Q(search_text__contains=piece)
        condition &= either
    return condition


@dataclass(frozen=True, slots=True)
class _Sql:
    """A piece of SQL with its parameters."""

    text: str
    params: list[Any]


@dataclass(frozen=True, slots=True)
class Hits:
    """
    The hits of a search among the rows of one workspace and kind.

    `rows` are all rows without the search; `filtered` tells that something else narrows
    them beside the workspace.
    """

    workspace_id: int
    rows: "QuerySet[Any]"
    needles: Needles
    filtered: bool = False

    def read(self, run: Run[Any], limit: int) -> list[Any]:
        """The first `limit` hits of a run of the list, in one query (rarely two)."""
        if not search_index.ready():
            return list(self._matching(run.beyond).order_by(*run.order)[:limit])
        if database.vendor == "postgresql":
            return self._taken(run, _near_or_far(run, self.needles, limit), limit)
        if run.sort.field == self._index.newest:
            return self._newest(run, limit)
        return self._taken(run, self._few_or_many(run, limit), limit)

    def total(self) -> Any:
        """An expression that counts the hits: below 0, so many and maybe more."""
        if not search_index.ready():
            return capped_count(self._matching(self.rows))
        if database.vendor == "postgresql":
            return _expression(self._postgres_total(), models.IntegerField())
        return _expression(self._sqlite_total(), models.IntegerField())

    @property
    def _index(self) -> Index:
        return search_index.of(self.rows.model._meta.db_table)

    def _matching(self, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        return rows.filter(holds(self.needles))

    def _taken(self, run: Run[Any], ids: _Sql, limit: int) -> list[Any]:
        """The rows of these ids, all of them hits behind the run's place."""
        return list(run.rows.filter(_one_of(ids)).order_by(*run.order)[:limit])

    def _newest(self, run: Run[Any], limit: int) -> list[Any]:
        """The hits as SQLite's index has them: by the second, then by id."""
        way = "" if run.up else "-"
        second = Substr(F(run.sort.field), 1, 19, output_field=models.CharField())
        rows = run.rows.annotate(list_second=second).order_by(f"{way}list_second", f"{way}id")
        ids = self._next_keys(run)
        if not self.filtered:
            return list(rows.filter(_one_of(_cut(ids, limit)))[:limit])
        found = list(rows.filter(_one_of(_cut(ids, CAP)))[:limit])
        if len(found) == limit or (found and found[0].list_total >= 0):
            return found
        return list(rows.filter(_one_of(ids))[:limit])

    def _next_keys(self, run: Run[Any]) -> _Sql:
        """The ids behind the run's place, along SQLite's index."""
        first_time = 1 << ID_BITS
        low, high = (0, first_time - 1) if run.blank else (first_time, 2**63 - 1)
        if run.place is not None:
            key = search_index.key(run.place.value, run.place.pk)
            low, high = (key + 1, high) if run.up else (low, key - 1)
        match = self._match()
        text = f"{match.text} AND rowid >= %s AND rowid <= %s"
        text += " ORDER BY rowid" + ("" if run.up else " DESC")
        return _Sql(text, [*match.params, low, high])

    def _few_or_many(self, run: Run[Any], limit: int) -> _Sql:
        """SQLite: all hits sorted where they are few, else the hits along the sort."""
        match, probe = self._match(), _count(_cut(self._match(), FEW + 1))
        rows = run.beyond.order_by(*run.order)
        guards = [_Sql(f"{probe.text} {how} {FEW}", probe.params) for how in ("<=", ">")]
        few = rows.filter(_holds(guards[0])).filter(_one_of(match))
        many = self._matching(rows.filter(_holds(guards[1])))
        ways = [_sql(way.values("id")[:limit]) for way in (few, many)]
        text = " UNION ALL ".join(f"SELECT way.id FROM ({way.text}) way" for way in ways)  # noqa: S608
        return _Sql(text, [*ways[0].params, *ways[1].params])

    def _match(self) -> _Sql:
        """SQLite: the ids of all hits, filtered or not."""
        table = self._index.text
        text = f"SELECT rowid & {2**ID_BITS - 1} AS id FROM {table} WHERE {table} MATCH %s"  # noqa: S608
        groups = (" OR ".join(map(_quoted, group)) for group in self.needles)
        words = " AND ".join(f"body : ({group})" for group in groups)
        return _Sql(text, [f"place : {_quoted(search_index.place(self.workspace_id))} AND {words}"])

    def _sqlite_total(self) -> _Sql:
        hits = _count(_cut(self._match(), CAP + 1))
        if not self.filtered:
            return hits
        newest = _Sql(f"{self._match().text} ORDER BY rowid DESC LIMIT {CAP}", self._match().params)
        shown = _count(_sql(self.rows.order_by().filter(_one_of(newest)).values("id")))
        text = f"(SELECT CASE WHEN {hits.text} > {CAP} THEN -1 ELSE 1 END * {shown.text})"
        return _Sql(text, [*hits.params, *shown.params])

    def _postgres_total(self) -> _Sql:
        first = self.rows.order_by(f"-{self._index.newest}", "-id").values("id", "search_text")
        near, like = _sql(first[:NEAR]), _likes(self.needles)
        far = _count(_sql(self._matching(self.rows).order_by().values("id")[: CAP + 1]))
        text = (
            f"(SELECT CASE WHEN seen < {NEAR} THEN hits WHEN hits >= {ENOUGH} THEN -hits "  # noqa: S608
            f"ELSE {far.text} END FROM (SELECT COUNT(*) AS seen, COUNT(*) FILTER "
            f"(WHERE {like.text}) AS hits FROM ({near.text}) near) looked)"
        )
        return _Sql(text, [*far.params, *like.params, *near.params])


def _near_or_far(run: Run[Any], found: Needles, limit: int) -> _Sql:
    """PostgreSQL: hits among the next rows; only if they are too few, all from the index."""
    near = _sql(run.beyond.order_by(*run.order).values("id", "search_text")[:NEAR])
    far, like = _sql(run.beyond.order_by().filter(holds(found)).values("id")), _likes(found)
    text = (
        f"WITH near AS MATERIALIZED (SELECT looked.id FROM ({near.text}) looked WHERE {like.text} "  # noqa: S608
        f"LIMIT {limit}), far AS MATERIALIZED (SELECT hits.id FROM ({far.text}) hits "
        f"WHERE (SELECT COUNT(*) FROM near) < {limit}) "
        "SELECT near.id FROM near UNION SELECT far.id FROM far"
    )
    return _Sql(text, [*near.params, *like.params, *far.params])


def _sql(rows: "QuerySet[Any]") -> _Sql:
    text, params = rows.query.sql_with_params()
    return _Sql(text, list(params))


def _likes(found: Needles) -> _Sql:
    groups, params = [], list[Any]()
    for group in found:
        groups.append("(" + " OR ".join(["search_text LIKE %s"] * len(group)) + ")")
        params += [f"%{database.ops.prep_for_like_query(piece)}%" for piece in group]
    return _Sql(" AND ".join(groups), params)


def _one_of(ids: _Sql) -> Any:
    """
    The rows of these ids: PostgreSQL takes them from the primary key, as an array, and
    cannot think of walking another index instead.
    """
    if database.vendor == "postgresql":
        return _holds(_Sql(f"id = ANY(ARRAY({ids.text}))", ids.params))
    return Q(pk__in=RawSQL(ids.text, ids.params))  # noqa: S611


def _holds(condition: _Sql) -> Any:
    return _expression(_Sql(f"({condition.text})", condition.params), models.BooleanField())


def _expression(sql: _Sql, field: Any) -> RawSQL:
    return RawSQL(sql.text, sql.params, output_field=field)  # noqa: S611


def _count(ids: _Sql) -> _Sql:
    return _Sql(f"(SELECT COUNT(*) FROM ({ids.text}) counted)", ids.params)  # noqa: S608


def _cut(ids: _Sql, limit: int) -> _Sql:
    return _Sql(f"{ids.text} LIMIT {limit}", ids.params)


def _quoted(piece: str) -> str:
    """A piece of text as FTS5 reads it: a phrase of trigrams."""
    doubled = piece.replace('"', '""')
    return f'"{doubled}"'
