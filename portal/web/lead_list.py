"""What the list of leads can be asked, in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.mirror.models import Lead
from portal.mirror.tables import LEADS, Facets, facets
from portal.records import Can, Kind
from portal.services import connections as service
from portal.team.models import Workspace
from portal.vault.models import Connection
from portal.web import list_menus as menus
from portal.web.access import MemberRequest
from portal.web.bulk_bar import bar_of
from portal.web.cells import Cells, hint
from portal.web.frame import connections_of, marks_on
from portal.web.list_state import DEFAULT_PER_PAGE, State
from portal.web.lists import Asked, Head, Words, answer, read, show_list, tidy


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at the same leads."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Row:
    """
    A lead as its row shows it: texts, and cells that are HTML already; `mark` tells how a
    change of it stands that is not settled.
    """

    pk: int
    name: str
    name_hint: str
    company: str
    company_hint: str
    stage: str
    source: str
    owner: str
    amount: str
    created: str
    updated: str
    mark: str


def asked(request: MemberRequest, told: QueryDict, path: str) -> Asked:
    """What this query string asks the list of leads for."""
    connections = connections_of(request)
    found = facets(LEADS, request.member.workspace)
    words = filter_words(connections, found)
    known = {
        name: values
        for name in ("stage", "source", "rep", "connection")
        if (values := menus.known_words(words[name], _counts(found, name), found)) is not None
    }
    return Asked(read(LEADS, told, path=path, words=words, known=known), words, found)


def lead_list(request: MemberRequest) -> HttpResponse:
    workspace, connections = request.member.workspace, connections_of(request)
    told = asked(request, request.GET, request.path)
    state, words, found = told
    if url := tidy(request, state):
        return redirect(url)
    listing = show_list(
        state, workspace, noun=_("leads"), words=words, heads=heads(), counted=found
    )
    marks = marks_on(request)
    context = {
        "rows": rows_of(listing.rows, marks),
        "menus": menus_of(told, connections),
        "views": views(state, workspace),
        "some": found.total > 0,
        "makers": writable(connections, Can.CREATE_LEAD),
        "bulk": bar_of(request, Kind.LEADS, listing, found, noun=_("leads")),
    }
    return answer(request, "leads/list.html", context, listing)


def writable(connections: Sequence[Connection], can: Can) -> list[Connection]:
    """The connections through which this can be done, as far as their keys are known."""
    return [c for c in service.able(connections, can) if c.may_write]


def filter_words(connections: Sequence[Connection], found: Facets) -> dict[str, Words]:
    """What each filter is called, and the values that are known beside those in use."""
    people = {k: v or k for k, v in found.pairs("rep_id", "rep_name").items() if k}
    return {
        "stage": Words(_("Stage"), {s: s for s in service.stages_of(connections)}),
        "source": Words(_("Source")),
        "tag": Words(_("Tag")),
        "rep": Words(_("Owner"), people),
        "amount_min": Words(_("Amount")),
        "amount_max": Words(_("Amount")),
        "created_since": menus.since_words(_("Created")),
        "updated_since": menus.since_words(_("Updated")),
        "connection": Words(_("Service"), {str(c.pk): service.name_of(c) for c in connections}),
    }


def heads() -> list[Head]:
    return [
        Head(_("Name"), "name"),
        Head(_("Company"), "company"),
        Head(_("Stage"), "stage"),
        Head(_("Source"), "source"),
        Head(_("Owner"), "rep"),
        Head(_("Amount"), "amount", "num"),
        Head(_("Created"), "created_at", "num"),
        Head(_("Updated"), "updated_at", "num"),
    ]


def _counts(found: Facets, name: str) -> dict[Any, int]:
    return found.counts({"rep": "rep_id", "connection": "connection_id"}.get(name, name))


def views(state: State, workspace: Workspace) -> list[View]:
    """The ways to look at the leads; the search and the filters go along."""
    ways = [("lead-list", _("Table")), ("lead-board", _("Board"))]
    narrowed, found = state.first_page(per=DEFAULT_PER_PAGE), list[View]()
    for name, label in ways:
        path = reverse(name, args=[workspace.slug])
        found.append(View(label, replace(narrowed, path=path).url, path == state.path))
    return found


def menus_of(asked: Asked, connections: Sequence[Connection]) -> list[menus.Menu]:
    """The menus of the filter form."""
    state, words, found = asked
    names = ["stage", "source", "rep"]
    if len(_counts(found, "connection")) > 1:
        names.append("connection")
    boxes = {
        name: menus.checks(state, name, words[name], _counts(found, name), counted=found.whole)
        for name in names
    }
    return [
        boxes.pop("stage"),
        menus.numbers(state, "amount", _("Amount")),
        *boxes.values(),
        menus.texts(state, "tag", words["tag"]),
        menus.since(state, "created_since", words["created_since"]),
        menus.since(state, "updated_since", words["updated_since"]),
    ]


def rows_of(leads: Iterable[Lead], marks: Mapping[str, str]) -> list[Row]:
    """An owner without a name is shown by the id."""
    cells = Cells()
    return [
        Row(
            lead.pk,
            name := lead.name or lead.email or lead.upstream_id,
            hint(name),
            cells.text(lead.company),
            hint(lead.company),
            cells.stage(lead.stage),
            cells.text(lead.source),
            cells.person(lead.rep_name or lead.rep_id),
            cells.amount(lead.amount),
            cells.time(lead.created_at),
            cells.time(lead.updated_at),
            cells.mark(marks.get(f"leads:{lead.pk}", "")),
        )
        for lead in leads
    ]
