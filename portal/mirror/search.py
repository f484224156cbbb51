"""
Which rows a search finds, read so that it costs the same whatever is searched.

Two ways lead to the first hits of a sorted list. Walking the list and looking at each text is
fast where hits are frequent; taking all hits from the trigram index and sorting them is fast
where they are rare. One query does what fits, without asking the planner:

* PostgreSQL walks the next `NEAR` rows; only if they hold too few hits it asks the index.
* SQLite takes up to `LOOKED_AT` hits from its index, once for the rows and their number
  (`common`). If that is all, they are sorted. Else its index, which is in the order of the
  default sort (`search_index`), is read along; for other orders the hits are counted up to
  `FEW`, to decide whether to sort them or to walk the list.
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
from portal.mirror.keyset import Sql, capped_count, either, ids_of, one_of
from portal.mirror.ranges import Run, Sort
from portal.mirror.search_index import ID_BITS, Index

NEAR = 10_000
FEW = 20_000
ENOUGH = 51
LOOKED_AT = 2_000
"""More hits than these are told as so many and more."""
_MASK = 2**ID_BITS - 1
# How many hits SQLite found at first.
_FOUND = "(SELECT COUNT(*) FROM found)"

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

    @property
    def common(self) -> Sql | None:
        """SQLite: the first hits as the index gives them; backwards takes three times as long."""
        if database.vendor != "sqlite" or not search_index.ready():
            return None
        match = self._match("rowid AS spot")
        return Sql(f"found AS MATERIALIZED ({match.text} LIMIT {LOOKED_AT + 1})", match.params)

    def ids(self, run: Run[Any], limit: int) -> Sql:
        """The first `limit` hits of a run of the list."""
        if not search_index.ready():
            return ids_of(self._matching(run.beyond).order_by(*run.order)[:limit])
        if database.vendor == "postgresql":
            found = _near_or_far(run, self.needles, limit)
            return _if_any(run.rows, found) if run.blank else found
        if self._is_newest(run.sort):
            few = self._along(run, "found", "found.spot", Sql("1", []))
            text = self._index.text
            many = self._along(run, text, f"{text}.rowid", self._matches())
        else:
            listed = Sql(f"SELECT spot & {_MASK} AS id FROM found", [])  # noqa: S608
            few = ids_of(run.beyond.filter(one_of(listed)).order_by(*run.order))
            many = self._few_or_many(run, limit)
            many = Sql(f"SELECT hits.id FROM ({many.text}) hits", many.params)  # noqa: S608
        return _few_else(few, many, limit, blank=ids_of(run.rows[:1]) if run.blank else None)

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

    def _along(self, run: Run[Any], table: str, key: str, condition: Sql) -> Sql:
        """SQLite: hits by their place in the index, looking up only what a filter asks for."""
        first_time = 1 << ID_BITS
        low, high = (0, first_time - 1) if run.blank else (first_time, 2**63 - 1)
        if run.place is not None:
            place = search_index.key(run.place.value, run.place.pk)
            low, high = (place + 1, high) if run.up else (low, place - 1)
        bounds = [condition.text, f"{key} >= %s", f"{key} <= %s"]
        params = [*condition.params, low, high]
        if not self.filtered:
            way = "" if run.up else "DESC"
            text = f"SELECT {key} & {_MASK} AS id FROM {table} WHERE {' AND '.join(bounds)}"  # noqa: S608
            return Sql(f"{text} ORDER BY {key} {way}", params)
        same = f"{self._index.table}.id = ({key} & {_MASK})"
        hits = run.rows.extra(  # noqa: S610
            tables=[table], where=[same, *bounds], params=params
        )
        return ids_of(hits.extra(order_by=[key if run.up else f"-{key}"]))

    def _few_or_many(self, run: Run[Any], limit: int) -> Sql:
        """SQLite: all hits sorted where they are few, else the hits along the sort."""
        match = self._match(f"rowid & {_MASK} AS id")
        few = run.beyond.filter(one_of(match)).order_by(*run.order)
        many = self._matching(run.beyond).order_by(*run.order)
        return either(_cut(match, FEW + 1), FEW, few, many, limit)

    def _match(self, columns: str) -> Sql:
        """SQLite: all hits, filtered or not."""
        matches = self._matches()
        text = f"SELECT {columns} FROM {self._index.text} WHERE {matches.text}"  # noqa: S608
        return Sql(text, matches.params)

    def _matches(self) -> Sql:
        groups = (" OR ".join(map(_quoted, group)) for group in self.needles)
        words = " AND ".join(f"body : ({group})" for group in groups)
        place = _quoted(search_index.place(self.workspace_id))
        return Sql(f"{self._index.text} MATCH %s", [f"place : {place} AND {words}"])

    def _sqlite_total(self) -> Sql:
        few, many = Sql(_FOUND, []), Sql(str(LOOKED_AT), [])
        if self.filtered:
            newest = self._match(f"rowid & {_MASK} AS id")
            newest = Sql(f"{newest.text} ORDER BY rowid DESC LIMIT {LOOKED_AT}", newest.params)
            listed = Sql(f"SELECT spot & {_MASK} AS id FROM found", [])  # noqa: S608
            few, many = (
                _count(ids_of(self.rows.order_by().filter(one_of(ids)))) for ids in (listed, newest)
            )
        text = f"(SELECT CASE WHEN {_is_few()} THEN {few.text} ELSE -max(1, {many.text}) END)"
        return Sql(text, [*few.params, *many.params])

    def _postgres_total(self) -> Sql:
        first = self.rows.order_by(f"-{self._index.newest}", "-id")
        near, like = _texts_of(first[:LOOKED_AT]), _likes(self.needles)
        rows = self.rows.order_by().filter(_indexed(self.needles))
        far = _count(ids_of(rows[: LOOKED_AT + 1]))
        text = (
            f"(SELECT CASE WHEN seen < {LOOKED_AT} THEN hits WHEN hits >= {ENOUGH} THEN -hits "  # noqa: S608
            f"ELSE (SELECT CASE WHEN n > {LOOKED_AT} THEN -{LOOKED_AT} ELSE n END "
            f"FROM (SELECT {far.text} AS n OFFSET 0) far) END FROM (SELECT COUNT(*) AS seen, "
            f"COUNT(*) FILTER (WHERE {like.text}) AS hits FROM ({near.text}) near) looked)"
        )
        return Sql(text, [*far.params, *like.params, *near.params])


def _is_few() -> str:
    """Whether SQLite's first hits are all there are."""
    return f"({_FOUND} <= {LOOKED_AT})"


def _few_else(few: Sql, many: Sql, limit: int, *, blank: Sql | None) -> Sql:
    """
    SQLite: the first ids of `few` if the first hits are all there are, else of `many`.

    The decision stands in each one's LIMIT: the other one is then not even begun. `blank`
    finds a row that is worth asking for.
    """
    asked = f" AND EXISTS ({blank.text})" if blank else ""
    limits = (f"WHEN {_is_few()}{asked}", f"WHEN NOT {_is_few()}{asked}")
    texts, params = list[str](), list[Any]()
    for ids, when in zip((few, many), limits, strict=True):
        limited = f"{ids.text} LIMIT (CASE {when} THEN {limit} ELSE 0 END)"
        texts.append(f"SELECT way.id FROM ({limited}) way")  # noqa: S608
        params += [*ids.params, *(blank.params if blank else [])]
    return Sql(" UNION ALL ".join(texts), params)


def _near_or_far(run: Run[Any], found: Needles, limit: int) -> Sql:
    """PostgreSQL: hits among the next rows; only if they are too few, all from the index."""
    near = _texts_of(run.beyond.order_by(*run.order)[:NEAR])
    column = "id" if run.blank else run.sort.field
    like, way = _likes(found), "" if run.up else "DESC"
    hits = run.beyond.order_by().filter(_indexed(found)).values("id", by=F(column))
    far, far_params = hits.query.sql_with_params()
    text = (
        f"WITH near AS MATERIALIZED (SELECT looked.id FROM ({near.text}) looked WHERE {like.text} "  # noqa: S608
        f"LIMIT {limit}), far AS MATERIALIZED (SELECT hits.id, hits.by FROM ({far}) hits "
        f"WHERE (SELECT COUNT(*) FROM near) < {limit}) SELECT near.id FROM near UNION "
        f"(SELECT far.id FROM far ORDER BY far.by {way}, far.id {way} LIMIT {limit})"
    )
    return Sql(text, [*near.params, *like.params, *far_params])


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


def _indexed(found: Needles) -> Any:
    """PostgreSQL: the condition, together with what its index knows of it."""
    groups, params = [_likes(found).text], _likes(found).params
    if not all(any(map(columns.findable, group)) for group in found):
        groups.append("FALSE")
    loose = search_index.LOOSE.replace("%", "%%")
    for group in found:
        groups.append("(" + " OR ".join([f"{loose} LIKE %s"] * len(group)) + ")")
        pieces = (database.ops.prep_for_like_query(search_index.loosened(p)) for p in group)
        params += [f"%{piece}%" for piece in pieces]
    text = f"({' AND '.join(groups)})"
    return _expression(Sql(text, params), models.BooleanField())


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
