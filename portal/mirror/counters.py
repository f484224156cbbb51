"""
How many live records a workspace's copy holds and what they are worth together, kept beside
the rows: no page ever counts or sums.

Each record counts once under its connection's total and once under its word of each facet
(a lead's stage, a conversation's state). Whoever changes rows notes the difference in the
same transaction, while holding the workspace: see `team.holding`.
"""

from collections import Counter as Tally
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import BigIntegerField, Count, F, Max, Q, Sum, Value
from django.db.models.functions import Cast, Coalesce, Round

from portal.mirror.models import Contact, Conversation, Counter, Lead, Upstream
from portal.records import Kind
from portal.team.holding import hold
from portal.team.models import Workspace

SHOWN = 1_000
"""How many words of a kind's facets are read at most: no menu shows more."""
TOTAL = ""
UNITS = 10_000
"""Amounts are summed in whole ten-thousandths: no sum drifts, whatever comes and goes."""
LARGEST = Decimal(10) ** 11
"""An amount from here on is a slip of somebody's finger: it stands in its row, in no sum."""
FACETS: dict[Kind, dict[str, str]] = {
    Kind.LEADS: {"stage": "", "source": "", "rep_id": "rep_name"},
    Kind.CONTACTS: {},
    Kind.CONVERSATIONS: {"state": "", "status": "", "source": ""},
}
"""Each kind's counted columns, with the column that names their words ("" for themselves)."""
_MODELS: dict[Kind, type[Upstream]] = {
    Kind.LEADS: Lead,
    Kind.CONTACTS: Contact,
    Kind.CONVERSATIONS: Conversation,
}
_ADD = """
INSERT INTO portal_counter
  (workspace_id, connection_id, kind, facet, word, label, number, worth)
VALUES {rows}
ON CONFLICT (connection_id, kind, facet, word) DO UPDATE SET
  number = portal_counter.number + excluded.number,
  worth = portal_counter.worth + excluded.worth,
  label = CASE WHEN excluded.label = '' THEN portal_counter.label ELSE excluded.label END
"""
_MOST = """
SELECT facet, word, connection_id, label, number, worth FROM portal_counter
WHERE workspace_id = %s AND kind = %s AND number > 0 ORDER BY number DESC LIMIT %s
"""

type Key = tuple[str, str]
"""A facet's name and one of its words; ("", "") is the total."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a live row counts under, what the words are called, and its worth in `UNITS`."""

    keys: dict[Key, str]
    worth: int = 0


@dataclass(slots=True)
class Moves:
    """What a change of rows adds to and takes from the counters of one connection and kind."""

    kind: Kind
    numbers: "Tally[Key]" = field(default_factory=Tally)
    worths: "Tally[Key]" = field(default_factory=Tally)
    labels: dict[Key, str] = field(default_factory=dict)

    def came(self, row: Any) -> None:
        counted = counted_as(self.kind, row)
        self._note(counted, 1)
        self.labels |= {key: label for key, label in counted.keys.items() if label}

    def went(self, counted: Counted | None) -> None:
        """What a row counted as before; None for one that did not count."""
        if counted is not None:
            self._note(counted, -1)

    def _note(self, counted: Counted, times: int) -> None:
        for key in counted.keys:
            self.numbers[key] += times
            self.worths[key] += times * counted.worth

    def changed(self) -> list[Key]:
        """The counters that are others now, in a fixed order."""
        return sorted(k for k, n in self.numbers.items() if n or self.worths[k] or k in self.labels)


@dataclass(frozen=True, slots=True)
class Facets:
    """
    The words in use, each with how many live records hold it, most first.

    `whole` is False where there are more words than are read: then one that is not here may
    still exist. `total` is exact in any case. `sums` are the amounts of the same records.
    """

    words: dict[str, dict[Any, int]]
    labels: dict[str, dict[Any, str]]
    total: int = 0
    whole: bool = True
    sums: dict[str, dict[Any, Decimal]] = field(default_factory=dict)

    def counts(self, name: str) -> dict[Any, int]:
        """How many records hold each word of one facet; of "connection_id", each connection."""
        return self.words.get(name, {})

    def tells(self, name: str) -> bool:
        """Whether every word of this facet is here."""
        return name == "connection_id" or (self.whole and (name in self.words or not self.total))

    def pairs(self, name: str, _label: str = "") -> dict[Any, str]:
        """One facet's words with what they are called: ids and names."""
        return self.labels.get(name, {})


def counted_as(kind: Kind, row: Any) -> Counted:
    """What a live row counts under."""
    keys = {(TOTAL, ""): ""}
    for name, label in FACETS[kind].items():
        keys[name, getattr(row, name)] = getattr(row, label) if label else ""
    return Counted(keys, worth(row.amount) if kind is Kind.LEADS else 0)


def worth(amount: Decimal | None) -> int:
    """An amount in `UNITS`; 0 for none and for what no sum can hold."""
    return 0 if amount is None or abs(amount) >= LARGEST else round(amount * UNITS)


def add(workspace_id: int, connection_id: int, moves: Moves) -> None:
    """Put the differences into the counters, in one statement and a fixed order."""
    changed = moves.changed()
    if not changed:
        return
    params: list[Any] = []
    for key in changed:
        params += [workspace_id, connection_id, moves.kind.value, *key]
        params += [moves.labels.get(key, ""), moves.numbers[key], moves.worths[key]]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(changed))
    with database.cursor() as cursor:
        cursor.execute(_ADD.format(rows=rows), params)


def totals(workspace: Workspace, kind: Kind) -> int:
    """How many live records of a kind the workspace has."""
    rows = Counter.objects.filter(workspace=workspace, kind=kind.value, facet=TOTAL)
    return int(rows.aggregate(n=Sum("number"))["n"] or 0)


def live(connection_id: int, kind: Kind) -> int:
    """How many live records of a kind one connection has."""
    rows = Counter.objects.filter(connection_id=connection_id, kind=kind.value, facet=TOTAL)
    return rows.values_list("number", flat=True).first() or 0


def facets(workspace: Workspace, kind: Kind) -> Facets:
    """All that is counted of a kind, in one query of at most `SHOWN` rows."""
    with database.cursor() as cursor:
        cursor.execute(_MOST, [workspace.pk, kind.value, SHOWN + 1])
        found = cursor.fetchall()
    words: dict[str, dict[Any, int]] = {}
    labels: dict[str, dict[Any, str]] = {}
    sums: dict[str, dict[Any, Decimal]] = {}
    for facet, word, connection_id, label, number, units in found[:SHOWN]:
        name, key = (facet, word) if facet else ("connection_id", connection_id)
        counted = words.setdefault(name, {})
        counted[key] = counted.get(key, 0) + number
        summed = sums.setdefault(name, {})
        summed[key] = summed.get(key, 0) + Decimal(units) / UNITS
        called = labels.setdefault(name, {})
        called[key] = label or called.get(key, "")
    total = sum(words.get("connection_id", {}).values())
    ordered = {name: _most_first(counted) for name, counted in words.items()}
    return Facets(ordered, labels, total, whole=len(found) <= SHOWN, sums=sums)


def _most_first(counted: dict[Any, int]) -> dict[Any, int]:
    return dict(sorted(counted.items(), key=lambda item: -item[1]))


def drift(workspace: Workspace) -> dict[tuple[int, str, str, str], tuple[Any, Any]]:
    """
    Where counters and rows differ: (connection, kind, facet, word) -> (number, worth) as the
    counter has them, and as the rows do.

    Reads every row: for tests, for mending and for `doctor`, never for a page.
    """
    with transaction.atomic():
        hold(workspace.pk)
        counted = {
            (c.connection_id, c.kind, c.facet, c.word): (c.number, int(c.worth))
            for c in Counter.objects.filter(workspace=workspace)
        }
        actual = {key: (n, units) for key, (n, units, _) in _recounted(workspace).items()}
    none = (0, 0)
    keys = counted.keys() | actual.keys()
    pairs = {key: (counted.get(key, none), actual.get(key, none)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def mend(workspace: Workspace) -> None:
    """Count the workspace's rows anew."""
    with transaction.atomic():
        hold(workspace.pk)
        Counter.objects.filter(workspace=workspace).delete()
        Counter.objects.bulk_create(
            Counter(
                workspace=workspace,
                connection_id=connection_id,
                kind=kind,
                facet=facet,
                word=word,
                label=label,
                number=number,
                worth=units,
            )
            for (connection_id, kind, facet, word), (number, units, label) in _recounted(
                workspace
            ).items()
        )


def _recounted(workspace: Workspace) -> dict[tuple[int, str, str, str], tuple[int, int, str]]:
    found: dict[tuple[int, str, str, str], tuple[int, int, str]] = {}
    for kind, names in FACETS.items():
        live = _MODELS[kind]._default_manager.filter(workspace=workspace, gone_at=None).order_by()
        for facet, label in ((TOTAL, ""), *names.items()):
            word: Any = F(facet) if facet else Value("")
            rows = live.annotate(facet_word=word).values("connection_id", "facet_word")
            called: Any = Max(label) if label else Max(Value(""))
            for row in rows.annotate(n=Count("pk"), called=called, worth=_summed(kind)):
                key = (row["connection_id"], kind.value, facet, row["facet_word"])
                found[key] = (row["n"], int(row["worth"]), row["called"] or "")
    return found


def _summed(kind: Kind) -> Any:
    """The worth of a group's rows, summed by the database."""
    if kind is not Kind.LEADS:
        return Sum(Value(0))
    units = Cast(Round(F("amount") * UNITS), BigIntegerField())
    summed = Q(amount__gt=-LARGEST, amount__lt=LARGEST)
    return Coalesce(Sum(units, filter=summed), Value(0), output_field=BigIntegerField())
