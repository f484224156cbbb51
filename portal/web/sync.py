"""Settings: how the copy is kept up to date, what it cost, and what an admin may ask of it."""

import math
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from portal.budget import store as budget
from portal.jobs.sync import sync_soon
from portal.mirror import progress
from portal.mirror.models import SetAside, SyncRun, SyncState
from portal.records import Kind
from portal.services import checks
from portal.services import connections as service
from portal.services.checks import NotMissingAnyMore
from portal.vault import store as vault
from portal.vault.models import Connection
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.frame import connections_of, sync_states_of
from portal.web.htmx import show
from portal.web.progress import KINDS, time_left

ADMIN = "admin"
PURPOSES = {
    "follow": gettext_lazy("news"),
    "open": gettext_lazy("what is open"),
    "backfill": gettext_lazy("first copy"),
    "check": gettext_lazy("check of everything"),
}


@dataclass(frozen=True, slots=True)
class KindLine:
    """
    One kind of one connection. `state` is None before its first pass; `doing` and `next_try`
    are words; `error` is why the last pass stopped, "" if it did not.
    """

    kind: str
    state: SyncState | None
    doing: str
    next_try: str
    set_aside: int
    error: str


@dataclass(frozen=True, slots=True)
class Part:
    """One connection on the page. `slow` says why it does not go faster, "" if nothing holds it."""

    connection: Connection
    name: str
    lines: list[KindLine]
    slow: str
    cost: str
    running: bool

    @property
    def missing(self) -> list[KindLine]:
        return [line for line in self.lines if line.state and line.state.missing]


@dataclass(frozen=True, slots=True)
class RunLine:
    """One pass that was made."""

    run: SyncRun
    name: str
    kind: str
    purpose: str


@require_GET
@member_required
@role_required(ADMIN)
def index(request: MemberRequest) -> HttpResponse:
    workspace = request.member.workspace
    connections, states = connections_of(request), sync_states_of(request)
    aside = progress.all_set_aside(workspace)
    usage = budget.usage(c.key_mark for c in connections)
    parts = [_part(c, states, aside, usage.get(c.key_mark)) for c in connections]
    names = {c.pk: service.name_of(c) for c in connections}
    context = {
        "parts": parts,
        "running": any(part.running for part in parts),
        "set_aside": [(names.get(a.connection_id, ""), _kind(a.kind), a) for a in aside],
        "runs": [
            RunLine(
                run, names.get(run.connection_id, ""), _kind(run.kind), str(PURPOSES[run.purpose])
            )
            for run in progress.runs(workspace)
        ],
    }
    return show(request, "settings/sync.html", context, partial="sync")


@require_POST
@member_required
@role_required(ADMIN)
def now(request: MemberRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    sync_soon(connection.pk)
    said = _("%s: what is new is fetched now.") % service.name_of(connection)
    return _back(request, said)


@require_POST
@member_required
@role_required(ADMIN)
def check(request: MemberRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    checks.check_everything(connection, actor=request.member)
    sync_soon(connection.pk)
    said = _("%s: everything is read again and compared, as far as its calls allow.")
    return _back(request, said % service.name_of(connection))


@require_POST
@member_required
@role_required(ADMIN)
def confirm(request: MemberRequest, state_id: int) -> HttpResponse:
    state, connection = _state(request, state_id)
    try:
        number = checks.confirm_missing(state, connection, actor=request.member)
    except NotMissingAnyMore as error:
        sync_soon(connection.pk)
        return _back(request, _(error.message), messages.WARNING)
    if not number:
        return _back(request, _("Nothing was taken away: this was settled meanwhile."))
    said = ngettext(
        "%(n)s record was taken away here. It comes back if it is seen again.",
        "%(n)s records were taken away here. Each comes back if it is seen again.",
        number,
    )
    return _back(request, said % {"n": _number(number)})


@require_POST
@member_required
@role_required(ADMIN)
def dismiss(request: MemberRequest, state_id: int) -> HttpResponse:
    state, connection = _state(request, state_id)
    checks.dismiss_missing(state, connection, actor=request.member)
    return _back(request, _("They stay here. The next daily check looks again."))


def _part(
    connection: Connection,
    states: list[SyncState],
    aside: list[SetAside],
    usage: budget.Usage | None,
) -> Part:
    mine = {state.kind: state for state in states if state.connection_id == connection.pk}
    set_aside = [a.kind for a in aside if a.connection_id == connection.pk]
    closed = math.ceil(usage.closed_seconds) if usage else 0
    lines = [
        _line(kind, mine.get(kind.value), connection, set_aside.count(kind.value), closed)
        for kind in service.kinds_of(connection)
    ]
    running = any(_unfinished(line.state) or _is_held(line.state) for line in lines)
    return Part(
        connection,
        service.name_of(connection),
        lines,
        _why_slow(connection, usage, unfinished=any(_unfinished(line.state) for line in lines)),
        _cost(connection, states),
        running and connection.status == Connection.Status.OK,
    )


def _line(
    kind: Kind, state: SyncState | None, connection: Connection, set_aside: int, closed: int
) -> KindLine:
    return KindLine(
        str(KINDS[kind]),
        state,
        _doing(state),
        _next_try(state, connection, closed),
        set_aside,
        _(state.error) if state and state.error else "",
    )


def _doing(state: SyncState | None) -> str:
    """What is done for a kind, in words."""
    if state is None:
        return _("waits for its first copy")
    if state.phase == SyncState.Phase.BACKFILL:
        left = time_left(state)
        return _("first copy, %s") % left if left else _("first copy")
    if state.check_started_at and not state.missing:
        done = min(100 * state.check_notes.get("pages", 0), state.told_total or 0)
        words = {"done": _number(done), "total": _number(state.told_total or 0)}
        return _("checked: %(done)s of %(total)s") % words
    return _("check waits for its turn") if state.check_wanted else _("follows what changes")


def _next_try(state: SyncState | None, connection: Connection, closed: int) -> str:
    if connection.status != Connection.Status.OK:
        return _("when the key is replaced")
    if _is_held(state):
        return _("running now")
    return _("in %d s") % closed if closed > 60 else _("within a minute")


def _why_slow(connection: Connection, usage: budget.Usage | None, *, unfinished: bool) -> str:
    """Why it does not go faster: the service asks to wait, or the budget is used."""
    if usage is None or connection.status != Connection.Status.OK:
        return ""
    if usage.closed_seconds:
        words = {"name": service.name_of(connection), "n": math.ceil(usage.closed_seconds)}
        return _("%(name)s asks to wait %(n)d s.") % words
    share = int(usage.limit * budget.BACKGROUND_SHARE)
    if unfinished and usage.used >= share:
        return _(
            "Waiting for the budget: %(used)d of this minute's %(limit)d calls are used, and "
            "%(kept)d stay free for people."
        ) % {"used": usage.used, "limit": usage.limit, "kept": usage.limit - share}
    return ""


def _cost(connection: Connection, states: list[SyncState]) -> str:
    """What reading everything costs: "14 calls, about 12 s of the key's budget"."""
    cost = checks.cost_of(connection, states)
    return ngettext("%(n)s call", "%(n)s calls", cost.calls) % {"n": _number(cost.calls)}


def _unfinished(state: SyncState | None) -> bool:
    if state is None or state.phase == SyncState.Phase.BACKFILL:
        return True
    return bool(state.check_started_at and not state.missing)


def _is_held(state: SyncState | None) -> bool:
    """Whether a pass works on it now; a lease whose pass died ends by itself."""
    now = timezone.now()
    return bool(state and state.lease_until and state.lease_until > now + timedelta(seconds=1))


def _kind(kind: str) -> str:
    return str(KINDS[Kind(kind)])


def _number(number: int) -> str:
    return number_format(number, force_grouping=True)


def _connection(request: MemberRequest, connection_id: int) -> Connection:
    """The workspace's connection of that id; a foreign one is as missing as none."""
    found = vault.connections(request.member.workspace).filter(pk=connection_id).first()
    if found is None:
        raise Http404
    return found


def _state(request: MemberRequest, state_id: int) -> tuple[SyncState, Connection]:
    state = checks.state_in(request.member.workspace, state_id)
    if state is None:
        raise Http404
    return state, _connection(request, state.connection_id)


def _back(request: MemberRequest, said: str, level: int = messages.SUCCESS) -> HttpResponse:
    messages.add_message(request, level, said)
    return redirect("settings-sync", request.member.workspace.slug)
