"""
How many live records a workspace's copy holds, kept beside the rows: no page ever counts.

Each record counts once under its connection's total and once under its word of each facet
(a lead's stage, a conversation's state). Whoever changes rows notes the difference in the
same transaction, while holding the workspace: see `team.holding`.
"""

from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import Count, F, Max, Sum, Value

from portal.mirror.models import Contact, Conversation, Counter, Lead, Upstream
from portal.records import Kind
from portal.team.holding import hold
from portal.team.models import Workspace

SHOWN = 1_000
"""How many words of a kind's facets are read at most: no menu shows more."""
TOTAL = ""
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
INSERT INTO portal_counter (workspace_id, connection_id, kind, facet, word, label, number)
VALUES {rows}
ON CONFLICT (connection_id, kind, facet, word) DO UPDATE SET
  number = portal_counter.number + excluded.number,
  label = CASE WHEN excluded.label = '' THEN portal_counter.label ELSE excluded.label END
"""

type Key = tuple[str, str]
"""A facet's name and one of its words; ("", "") is the total."""


@dataclass(slots=True)
class Moves:
    """What a change of rows adds to and takes from the counters of one connection and kind."""

    kind: Kind
    numbers: "Tally[Key]" = field(default_factory=Tally)
    labels: dict[Key, str] = field(default_factory=dict)

    def came(self, row: Any) -> None:
        for key, label in keys_of(self.kind, row).items():
            self.numbers[key] += 1
            if label:
                self.labels[key] = label

    def went(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self.numbers[key] -= 1


@dataclass(frozen=True, slots=True)
class Facets:
    """
    The words in use, each with how many live records hold it, most first.

    `whole` is False where there are more words than are read: then one that is not here may
    still exist. `total` is exact in any case.
    """

    words: dict[str, dict[Any, int]]
    labels: dict[str, dict[Any, str]]
    total: int = 0
    whole: bool = True

    def counts(self, name: str) -> dict[Any, int]:
        """How many records hold each word of one facet; of "connection_id", each connection."""
        return self.words.get(name, {})

    def tells(self, name: str) -> bool:
        """Whether every word of this facet is here."""
        return name == "connection_id" or (self.whole and (name in self.words or not self.total))

    def pairs(self, name: str, _label: str = "") -> dict[Any, str]:
        """One facet's words with what they are called: ids and names."""
        return self.labels.get(name, {})


def keys_of(kind: Kind, row: Any) -> dict[Key, str]:
    """What a live row counts under, and what the words are called."""
    keys = {(TOTAL, ""): ""}
    for name, label in FACETS[kind].items():
        keys[name, getattr(row, name)] = getattr(row, label) if label else ""
    return keys


def add(workspace_id: int, connection_id: int, moves: Moves) -> None:
    """Put the differences into the counters, in one statement and a fixed order."""
    changed = {key: n for key, n in moves.numbers.items() if n or key in moves.labels}
    if not changed:
        return
    params: list[Any] = []
    for (facet, word), number in sorted(changed.items()):
        label = moves.labels.get((facet, word), "")
        params += [workspace_id, connection_id, moves.kind.value, facet, word, label, number]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(changed))
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
    rows = Counter.objects.filter(workspace=workspace, kind=kind.value, number__gt=0)
    found = list(
        rows.order_by("-number").values_list("facet", "word", "connection_id", "label", "number")[
            : SHOWN + 1
        ]
    )
    words: dict[str, dict[Any, int]] = {}
    labels: dict[str, dict[Any, str]] = {}
    for facet, word, connection_id, label, number in found[:SHOWN]:
        name, key = (facet, word) if facet else ("connection_id", connection_id)
        counted = words.setdefault(name, {})
        counted[key] = counted.get(key, 0) + number
        called = labels.setdefault(name, {})
        called[key] = label or called.get(key, "")
    total = sum(words.get("connection_id", {}).values())
    ordered = {name: _most_first(counted) for name, counted in words.items()}
    return Facets(ordered, labels, total, whole=len(found) <= SHOWN)


def _most_first(counted: dict[Any, int]) -> dict[Any, int]:
    return dict(sorted(counted.items(), key=lambda item: -item[1]))


def drift(workspace: Workspace) -> dict[tuple[int, str, str, str], tuple[int, int]]:
    """
    Where counters and rows differ: (connection, kind, facet, word) -> (counter, rows).

    Reads every row: for tests, for mending and for `doctor`, never for a page.
    """
    with transaction.atomic():
        hold(workspace.pk)
        counted = {
            (c.connection_id, c.kind, c.facet, c.word): c.number
            for c in Counter.objects.filter(workspace=workspace)
        }
        actual = {key: number for key, (number, _) in _recounted(workspace).items()}
    keys = counted.keys() | actual.keys()
    pairs = {key: (counted.get(key, 0), actual.get(key, 0)) for key in keys}
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
            )
            for (connection_id, kind, facet, word), (number, label) in _recounted(workspace).items()
        )


def _recounted(workspace: Workspace) -> dict[tuple[int, str, str, str], tuple[int, str]]:
    found: dict[tuple[int, str, str, str], tuple[int, str]] = {}
    for kind, names in FACETS.items():
        live = _MODELS[kind]._default_manager.filter(workspace=workspace, gone_at=None).order_by()
        for facet, label in ((TOTAL, ""), *names.items()):
            word: Any = F(facet) if facet else Value("")
            rows = live.annotate(facet_word=word).values("connection_id", "facet_word")
            called: Any = Max(label) if label else Max(Value(""))
            for row in rows.annotate(n=Count("pk"), called=called):
                key = (row["connection_id"], kind.value, facet, row["facet_word"])
                found[key] = (row["n"], row["called"] or "")
    return found
