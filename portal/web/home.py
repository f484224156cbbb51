"""What a workspace looks like today: connections, counts, what waits, how far the copy is."""

from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, F, Window
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from portal.mirror.counts import Tally, tallies
from portal.outbox import decisions
from portal.outbox.models import Write
from portal.records import Kind, State
from portal.services import connections as service
from portal.team.models import Workspace
from portal.vault.models import Connection
from portal.web.access import MemberRequest, member_required
from portal.web.batch_page import standing_batches
from portal.web.frame import connections_of, sync_states_of
from portal.web.htmx import is_partial, show
from portal.web.progress import KINDS as KIND_WORDS
from portal.web.progress import first_passes
from portal.web.session import YEAR_SECONDS, same_site_path
from portal.web.standing import Standing, standings
from portal.web.waiting import line_of

SHOWN_WRITES = 10
KINDS = {
    Kind.LEADS: (gettext_lazy("Leads"), "lead-list"),
    Kind.CONTACTS: (gettext_lazy("Contacts"), "contact-list"),
    Kind.CONVERSATIONS: (gettext_lazy("Conversations"), "conversation-list"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """A number and the list behind it."""

    label: str
    figure: str
    foot: str
    href: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The leads of one stage; `rows` of all that were counted."""

    word: str
    rows: int
    href: str


@dataclass(frozen=True, slots=True)
class Desk:
    """How a connection stands, with what it brought: (words, address of that list)."""

    standing: Standing
    lists: list[tuple[str, str]]


@require_safe
@member_required
def home(request: MemberRequest) -> HttpResponse:
    workspace = request.member.workspace
    connections, states = connections_of(request), sync_states_of(request)
    counted = tallies(workspace)
    writes = _unsettled(workspace)
    context = {
        "desks": [_desk(workspace, line, counted) for line in standings(connections, states)],
        "passes": first_passes(connections, states),
        "cards": _cards(workspace, connections, counted),
        "stages": _stages(workspace, counted),
        "waiting": [line_of(workspace, write) for write in writes],
        "waiting_count": writes[0].together if writes else 0,  # type: ignore[attr-defined]
        "held": decisions.held(workspace),
        "batches": standing_batches(workspace),
        "services": [provider.name for provider in service.providers()],
    }
    response = render(request, "home/home.html", context)
    response.set_cookie(
        "workspace",
        workspace.slug,
        YEAR_SECONDS,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@require_safe
@member_required
def progress(request: MemberRequest) -> HttpResponse:
    """The first copy's progress; asked for every 3 s while it runs, and says when it is done."""
    passes = first_passes(connections_of(request), sync_states_of(request))
    home_path = reverse("home", args=[request.member.workspace.slug])
    if not passes and not is_partial(request):
        return redirect(home_path)
    shown = getattr(request.htmx, "current_url_abs_path", None) or ""  # type: ignore[attr-defined]
    if not passes and shown == home_path:
        return HttpResponseClientRefresh()
    context = {"passes": passes, "done": not passes, "back": same_site_path(request, shown)}
    return show(request, "home/progress.html", context, partial="sync-progress")


def _cards(workspace: Workspace, connections: list[Connection], counted: list[Tally]) -> list[Card]:
    """One card for what is open, one for each kind that some connection has."""
    cards = [_open_conversations(workspace, counted)] if connections else []
    for kind in Kind:
        having = [c for c in connections if _has(c, kind, counted)]
        if having:
            ours = [t for t in counted if t.kind is kind]
            foot = _per_connection(kind, having, counted)
            figure = _figure(sum(t.rows for t in ours))
            cards.append(Card(str(KINDS[kind][0]), figure, foot, _list_of(workspace, kind)))
    return cards


def _open_conversations(workspace: Workspace, counted: list[Tally]) -> Card:
    talks = [t for t in counted if t.kind is Kind.CONVERSATIONS]
    figure = sum(t.rows for t in talks if t.word == State.OPEN)
    pending = sum(t.rows for t in talks if t.word == State.PENDING)
    foot = _("%s pending") % number_format(pending, force_grouping=True) if pending else ""
    href = _list_of(workspace, Kind.CONVERSATIONS, state=State.OPEN.value)
    return Card(_("Open conversations"), _figure(figure), foot or _("none pending"), href)


def _per_connection(kind: Kind, having: list[Connection], counted: list[Tally]) -> str:
    """ "NexaDesk 300 · Dexra 160", or only the name where there is one."""
    if len(having) == 1:
        return service.name_of(having[0])
    numbers = ((c, number_format(_rows(counted, kind, c), force_grouping=True)) for c in having)
    return " · ".join(f"{service.name_of(c)} {number}" for c, number in numbers)


def _has(connection: Connection, kind: Kind, counted: list[Tally]) -> bool:
    return kind in service.kinds_of(connection) or _rows(counted, kind, connection) > 0


def _figure(rows: int) -> str:
    return number_format(rows, force_grouping=True)


def _rows(counted: list[Tally], kind: Kind, connection: Connection) -> int:
    return sum(t.rows for t in counted if t.kind is kind and t.connection_id == connection.pk)


def _stages(workspace: Workspace, counted: list[Tally]) -> list[Stage]:
    """Leads by stage: the known stages in the pipeline's order, then others by number."""
    rows: dict[str, int] = defaultdict(int)
    for tally in counted:
        if tally.kind is Kind.LEADS:
            rows[tally.word] += tally.rows
    order = [stage for provider in service.providers() for stage in provider.stages]
    own = sorted((word for word in rows if word not in order), key=lambda word: -rows[word])
    return [
        Stage(word, rows[word], _list_of(workspace, Kind.LEADS, stage=word) if word else "")
        for word in dict.fromkeys([*order, *own])
        if word in rows
    ]


def _list_of(workspace: Workspace, kind: Kind, **filters: str) -> str:
    address = reverse(KINDS[kind][1], args=[workspace.slug])
    return f"{address}?{urlencode(filters)}" if filters else address


def _desk(workspace: Workspace, standing: Standing, counted: list[Tally]) -> Desk:
    connection = standing.connection
    lists = []
    for kind in Kind:
        if _has(connection, kind, counted):
            number = _figure(_rows(counted, kind, connection))
            words = _("%(number)s %(kind)s") % {"number": number, "kind": KIND_WORDS[kind]}
            lists.append((words, _list_of(workspace, kind, connection=str(connection.pk))))
    return Desk(standing, lists)


def _unsettled(workspace: Workspace) -> list[Write]:
    """The newest that are listed; each row knows in `together` how many there are in all."""
    writes = decisions.listed(workspace).annotate(together=Window(Count(F("pk"))))
    return list(writes[:SHOWN_WRITES])
