"""
The columns of the board: each stage's leads, how many there are and what they are worth.

Without a search or filters the numbers come from the counters and the cards from one query,
whatever the size. What is narrowed is read up to `WIDE` leads and told so where there are more.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.mirror import keyset
from portal.mirror.models import Lead
from portal.mirror.tables import LEADS, NONE, Facets
from portal.outbox import decisions
from portal.records import Can, Form, Kind
from portal.services import connections as service
from portal.team.models import Membership, Workspace
from portal.vault.models import Connection
from portal.web.access import MemberRequest
from portal.web.cells import Cells
from portal.web.frame import connections_of, marks_on
from portal.web.list_state import State
from portal.web.lists import Asked, page_of

CARDS = 12
"""So many cards stand in a column; the table has the rest."""
WIDE = 1_000
"""So many leads of a search are spread over the columns."""
COLUMNS = 20
"""So many stages have a column: those that services name, then those most in use."""


@dataclass(frozen=True, slots=True)
class Pile:
    """The leads of one stage: how many, what they are worth, and the first of them."""

    number: int = 0
    worth: Decimal = Decimal(0)
    leads: Sequence[Lead] = ()


@dataclass(frozen=True, slots=True)
class Piles:
    """
    The leads of a board by their stage. `total` are all that are asked for, `capped` that there
    may be more; `cut` that the piles hold only the newest of them. `hidden` counts the stages
    that have no column.
    """

    of: Mapping[str, Pile]
    total: int
    capped: bool = False
    cut: bool = False
    hidden: int = 0

    @property
    def notices(self) -> tuple[str, ...]:
        notices = list[str]()
        if self.cut:
            text = _("The board shows the newest %d leads that match; the table has them all.")
            notices.append(text % WIDE)
        if self.hidden:
            text = _("Stages without a column here: %d. The table has their leads.")
            notices.append(text % self.hidden)
        return tuple(notices)


@dataclass(frozen=True, slots=True)
class Card:
    """
    A lead on the board; `about` is its company and where it came from. `field` is the service's
    name of its stage, "" if this person may not move it; `wanted` the stage it is on its way to,
    and `mark` how that stands.
    """

    pk: int
    name: str
    about: str
    stage: str
    amount: str
    owner: str
    created: str
    mark: str
    wanted: str
    field: str


@dataclass(frozen=True, slots=True)
class Column:
    """
    A stage. `key` is its id in the page; `number` and `worth` tell of all its leads, `more`
    how many have no card; `href` leads to all of them.
    """

    key: str
    stage: str
    badge: SafeString
    number: str
    worth: str
    cards: Sequence[Card]
    more: str
    href: str


def piles_of(asked: Asked, connections: Sequence[Connection], workspace: Workspace) -> Piles:
    """What the board holds, read in one query."""
    state, counted = asked.state, asked.counted
    every = _stages(state, service.stages_of(connections), counted)
    stages = every[:COLUMNS]
    if state.q or any(not name.startswith("stage") for name, _texts in state.filters):
        return _found(state, stages, workspace, counted)
    numbers, sums = counted.counts("stage"), counted.sums.get("stage", {})
    rows: QuerySet[Lead] = LEADS.lines(LEADS.rows(workspace), state.sort)
    used = [stage for stage in stages if numbers.get(stage)]
    first = keyset.first_of_each(rows, "stage", used, state.sort, limit=CARDS)
    of = {
        stage: Pile(numbers[stage], sums[stage], first[stage]) if stage in first else Pile()
        for stage in stages
    }
    total = sum(numbers.get(s, 0) for s in every) if state.filters else counted.total
    return Piles(of, total, hidden=sum(bool(numbers.get(s)) for s in every[COLUMNS:]))


def _stages(state: State, named: Sequence[str], counted: Facets) -> list[str]:
    """The stages that services name, in their order, then the others in use, most first."""
    only, never = ({_word(t) for t in state.values(name)} for name in ("stage", "stage!"))
    every = dict.fromkeys([*named, *counted.counts("stage")])
    return [s for s in every if (not only or s in only) and s not in never]


def _word(text: str) -> str:
    return "" if text == NONE else text


def _found(state: State, stages: Sequence[str], workspace: Workspace, counted: Facets) -> Piles:
    """What a search or filters leave: spread, counted and summed here."""
    page = page_of(replace(state, per=WIDE), workspace, counted)
    held: dict[str, list[Lead]] = {stage: [] for stage in stages}
    for lead in page.rows:
        held.setdefault(lead.stage, []).append(lead)
    hidden = len(held) - len(stages)
    of = {stage: _pile(held[stage]) for stage in stages}
    return Piles(of, page.total, page.capped, cut=bool(page.after), hidden=hidden)


def _pile(leads: Sequence[Lead]) -> Pile:
    worth = sum((lead.amount for lead in leads if lead.amount is not None), Decimal(0))
    return Pile(len(leads), worth, leads[:CARDS])


def columns_of(request: MemberRequest, state: State, piles: Piles) -> list[Column]:
    """The columns as the page shows them; `state` is the table's, narrowed as the board is."""
    cells = Cells()
    cards = _cards(request, cells, [lead for pile in piles.of.values() for lead in pile.leads])
    plus = "+" if piles.cut else ""
    return [
        Column(
            f"stage-{zlib.crc32(stage.encode()):x}",
            stage,
            cells.stage(stage),
            _number(pile.number) + plus,
            f"{cells.amount(pile.worth)}{plus}" if pile.worth else "",
            [cards[lead.pk] for lead in pile.leads],
            _number(pile.number - len(pile.leads)) if pile.number > len(pile.leads) else "",
            _only(state, stage).url,
        )
        for stage, pile in piles.of.items()
    ]


def _only(state: State, stage: str) -> State:
    others = tuple(pair for pair in state.filters if pair[0] not in ("stage", "stage!"))
    return replace(state, filters=(("stage", (stage or NONE,)), *others))


def _number(value: int) -> str:
    return number_format(value, force_grouping=True)


def _cards(request: MemberRequest, cells: Cells, leads: Sequence[Lead]) -> dict[int, Card]:
    marks, fields = marks_on(request), _fields(request)
    marked = [lead.pk for lead in leads if f"leads:{lead.pk}" in marks]
    workspace = request.member.workspace
    wanted = decisions.wanted(workspace, Kind.LEADS.value, marked) if marked else {}
    cards: dict[int, Card] = {}
    for lead in leads:
        field = fields.get(lead.connection_id, "")
        cards[lead.pk] = Card(
            lead.pk,
            lead.name or lead.email or lead.upstream_id,
            " · ".join(filter(str.strip, (lead.company, lead.source))),
            lead.stage,
            cells.amount(lead.amount) if lead.amount is not None else "",
            lead.rep_name or lead.rep_id,
            cells.time(lead.created_at),
            cells.mark(marks.get(f"leads:{lead.pk}", "")),
            _text(wanted.get(lead.pk, {}).get(field)),
            field,
        )
    return cards


def _fields(request: MemberRequest) -> dict[int, str]:
    """What each service calls the stage of a lead, where this person may change it."""
    if not request.member.reaches(Membership.Role.AGENT):
        return {}
    found: dict[int, str] = {}
    for connection in connections_of(request):
        if connection.may_write and not service.why_not(connection, Can.UPDATE_LEAD):
            for spec in service.fields_of(connection, Form.LEAD):
                if spec.attribute == "stage" and spec.on_update:
                    found[connection.pk] = spec.name
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
