"""How many records a workspace's copy holds: the numbers of its home page, from the counters."""

from dataclasses import dataclass

from django.db.models import Q

from portal.mirror.counters import SHOWN, TOTAL
from portal.mirror.models import Counter
from portal.records import Kind
from portal.team.models import Workspace

# The facet whose words are told apart; a contact has none.
_APART = {Kind.LEADS: "stage", Kind.CONVERSATIONS: "state"}


@dataclass(frozen=True, slots=True)
class Tally:
    """So many records of a kind and a connection share a word: a lead's stage, a state."""

    kind: Kind
    connection_id: int
    word: str
    rows: int


def tallies(workspace: Workspace) -> list[Tally]:
    """
    The live records, exactly, in one query.

    Records of words beyond the `SHOWN` most frequent ones are told under the word "".
    """
    asked = Q(facet=TOTAL)
    for apart, facet in _APART.items():
        asked |= Q(kind=apart.value, facet=facet)
    rows = Counter.objects.filter(asked, workspace=workspace, number__gt=0).order_by("-number")
    found = list(rows.values_list("kind", "connection_id", "facet", "word", "number")[:SHOWN])
    left = {(kind, c): number for kind, c, facet, _, number in found if facet == TOTAL}
    told: list[Tally] = []
    for kind, connection_id, facet, word, number in found:
        if facet != TOTAL:
            told.append(Tally(Kind(kind), connection_id, word, number))
            left[kind, connection_id] -= number
    told += [Tally(Kind(kind), c, "", number) for (kind, c), number in left.items() if number > 0]
    return told
