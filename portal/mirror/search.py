"""
Which rows a search finds, read so that it costs the same whatever is searched.

Two ways lead to the first hits of a sorted list. Walking the list and looking at each text is
fast where hits are frequent; taking all hits from the trigram index and sorting them is fast
where they are rare. One query does what fits, without asking the planner:

* PostgreSQL walks the next `NEAR` rows; only if they hold too few hits it asks the index.
* SQLite's index is in the order of the default sort (`search_index`): the first hits are
  read along it. For other orders it counts the hits, up to `FEW`, and then decides.
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
from portal.mirror.keyset import CAP, Run, Sort, Sql, capped_count, either, ids_of, one_of
from portal.mirror.search_index import ID_BITS, Index

NEAR = 10_000
FEW = 20_000
ENOUGH = 51
LOOKED_AT = 2_000
"""So many of the newest hits are looked at to tell how many a filter leaves of them."""
_MASK = 2**ID_BITS - 1
_ID = f"rowid & {_MASK}"

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

    def ids(self, run: Run[Any], limit: int) -> Sql:
        """The first `limit` hits of a run of the list."""
        if not search_index.ready():
            return ids_of(self._matching(run.beyond).order_by(*run.order)[:limit])
        if self._is_newest(run.sort):
            return self._newest(run, limit)
        if database.vendor == "postgresql":
            found = _near_or_far(run, self.needles, limit)
        else:
            found = self._few_or_many(run, limit)
        return _if_any(run.rows, found) if run.blank else found

    def sorted_by(self, sort: Sort) -> Any:
        if self._is_newest(sort):
            return Substr(F(sort.field), 1, 19, output_field=models.CharField())
        return F(sort.field)

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

    def _is_newest(self, sort: Sort) -> bool:
        """Whether SQLite's index is in the order of this sort: by the second, then by id."""
        ready = database.vendor == "sqlite" and search_index.ready()
        return ready and sort.field == self._index.newest

    def _newest(self, run: Run[Any], limit: int) -> Sql:
        """Along SQLite's index from the run's place on, looking up only what a filter asks for."""
        table, key = self._index.text, f"{self._index.text}.rowid"
        first_time = 1 << ID_BITS
        low, high = (0, first_time - 1) if run.blank else (first_time, 2**63 - 1)
        if run.place is not None:
            place = search_index.key(run.place.value, run.place.pk)
            low, high = (place + 1, high) if run.up else (low, place - 1)
        bounds = [f"{table} MATCH %s", f"{key} >= %s", f"{key} <= %s"]
        params = [*self._match().params, low, high]
        if not self.filtered:
            way = "" if run.up else "DESC"
            text = f"SELECT {_ID} AS id FROM {table} WHERE {' AND '.join(bounds)}"  # noqa: S608
            return Sql(f"{text} ORDER BY rowid {way} LIMIT {limit}", params)
        same = f"{self._index.table}.id = ({key} & {_MASK})"
        hits = run.rows.extra(  # noqa: S610
            tables=[table], where=[same, *bounds], params=params
        )
        return ids_of(hits.extra(order_by=[key if run.up else f"-{key}"])[:limit])

    def _few_or_many(self, run: Run[Any], limit: int) -> Sql:
        """SQLite: all hits sorted where they are few, else the hits along the sort."""
        match = self._match()
        few = run.beyond.filter(one_of(match)).order_by(*run.order)
        many = self._matching(run.beyond).order_by(*run.order)
        return either(_cut(match, FEW + 1), FEW, few, many, limit)

    def _match(self) -> Sql:
        """SQLite: the ids of all hits, filtered or not."""
        table = self._index.text
        text = f"SELECT {_ID} AS id FROM {table} WHERE {table} MATCH %s"  # noqa: S608
        groups = (" OR ".join(map(_quoted, group)) for group in self.needles)
        words = " AND ".join(f"body : ({group})" for group in groups)
        return Sql(text, [f"place : {_quoted(search_index.place(self.workspace_id))} AND {words}"])

    def _sqlite_total(self) -> Sql:
        hits = _count(_cut(self._match(), CAP + 1))
        if not self.filtered:
            return hits
        newest = Sql(
            f"{self._match().text} ORDER BY rowid DESC LIMIT {LOOKED_AT}", self._match().params
        )
        shown = _count(ids_of(self.rows.order_by().filter(one_of(newest))))
        text = f"(SELECT CASE WHEN {hits.text} > {LOOKED_AT} THEN -1 ELSE 1 END * {shown.text})"
        return Sql(text, [*hits.params, *shown.params])

    def _postgres_total(self) -> Sql:
        first = self.rows.order_by(f"-{self._index.newest}", "-id")
        most = LOOKED_AT if self.filtered else NEAR
        near, like = _texts_of(first[:most]), _likes(self.needles)
        far = _count(ids_of(self._matching(self.rows).order_by()[: CAP + 1]))
        text = (
            f"(SELECT CASE WHEN seen < {most} THEN hits WHEN hits >= {ENOUGH} THEN -hits "  # noqa: S608
            f"ELSE {far.text} END FROM (SELECT COUNT(*) AS seen, COUNT(*) FILTER "
            f"(WHERE {like.text}) AS hits FROM ({near.text}) near) looked)"
        )
        return Sql(text, [*far.params, *like.params, *near.params])


def _near_or_far(run: Run[Any], found: Needles, limit: int) -> Sql:
    """PostgreSQL: hits among the next rows; only if they are too few, all from the index."""
    near = _texts_of(run.beyond.order_by(*run.order)[:NEAR])
    far, like = ids_of(run.beyond.order_by().filter(holds(found))), _likes(found)
    text = (
        f"WITH near AS MATERIALIZED (SELECT looked.id FROM ({near.text}) looked WHERE {like.text} "  # noqa: S608
        f"LIMIT {limit}), far AS MATERIALIZED (SELECT hits.id FROM ({far.text}) hits "
        f"WHERE (SELECT COUNT(*) FROM near) < {limit}) "
        "SELECT near.id FROM near UNION SELECT far.id FROM far"
    )
    return Sql(text, [*near.params, *like.params, *far.params])


def _texts_of(rows: "QuerySet[Any]") -> Sql:
    text, params = rows.values("id", "search_text").query.sql_with_params()
    return Sql(text, list(params))


def _if_any(rows: "QuerySet[Any]", ids: Sql) -> Sql:
    """These ids, not even looked for where there are no such rows at all."""
    some = ids_of(rows.order_by()[:1])
    text = f"SELECT few.id FROM ({ids.text}) few WHERE EXISTS ({some.text})"  # noqa: S608
    return Sql(text, [*ids.params, *some.params])


def _likes(found: Needles) -> Sql:
    groups, params = [], list[Any]()
    for group in found:
        groups.append("(" + " OR ".join(["search_text LIKE %s"] * len(group)) + ")")
        params += [f"%{database.ops.prep_for_like_query(piece)}%" for piece in group]
    return Sql(" AND ".join(groups), params)


def _holds(condition: Sql) -> Any:
    return _expression(Sql(f"({condition.text})", condition.params), models.BooleanField())


def _expression(sql: Sql, field: Any) -> RawSQL:
    return RawSQL(sql.text, sql.params, output_field=field)  # noqa: S611


def _count(ids: Sql) -> Sql:
    return Sql(f"(SELECT COUNT(*) FROM ({ids.text}) counted)", ids.params)  # noqa: S608


def _cut(ids: Sql, limit: int) -> Sql:
    return Sql(f"{ids.text} LIMIT {limit}", ids.params)


def _quoted(piece: str) -> str:
    """A piece of text as FTS5 reads it: a phrase of trigrams."""
    doubled = piece.replace('"', '""')
    return f'"{doubled}"'
