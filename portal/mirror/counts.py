"""How many records a workspace's copy holds: cheap counts for its home page."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, QuerySet, Value

from portal.mirror import store
from portal.mirror.models import Upstream
from portal.records import Kind
from portal.team.models import Workspace

CAP = 10_000
# The column whose words are counted apart; a contact has none.
_WORDS: dict[Kind, Any] = {
    Kind.LEADS: F("stage"),
    Kind.CONTACTS: Value(""),
    Kind.CONVERSATIONS: F("state"),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """So many records of a kind and a connection share a word: a lead's stage, a state."""

    kind: Kind
    connection_id: int
    word: str
    rows: int


def tallies(workspace: Workspace) -> list[Tally]:
    """
    The live records, counted in one query: of each kind the newest `CAP` + 1.

    Whoever adds up more than `CAP` knows that there are more than that, and says "10,000+".
    """
    first, *others = (_tally(kind, workspace) for kind in Kind)
    rows = first.union(*others, all=True)
    return [Tally(Kind(kind), connection, word, n) for kind, connection, word, n in rows]


def _tally(kind: Kind, workspace: Workspace) -> QuerySet[Any, tuple[str, int, str, int]]:
    model: type[Upstream] = store.MODELS[kind]
    live = model._default_manager.filter(workspace=workspace, gone_at=None)
    newest = live.order_by("-created_at", "-id").values("pk")[: CAP + 1]
    counted = (
        model._default_manager.filter(pk__in=newest)
        .order_by()
        .annotate(what=Value(kind.value), word=_WORDS[kind])
        .values("what", "connection_id", "word")
        .annotate(n=Count("pk"))
    )
    return counted.values_list("what", "connection_id", "word", "n")
