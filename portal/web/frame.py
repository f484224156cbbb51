"""What every page stands in: who, where, how fresh, how much of the budget is used."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from portal.budget import store as budget
from portal.mirror import store
from portal.mirror.models import SyncState
from portal.outbox.decisions import marks_of
from portal.services.connections import name_of
from portal.team.models import Membership, Workspace
from portal.vault import store as vault
from portal.vault.models import Connection
from portal.web.progress import first_passes

THEMES = ("system", "light", "dark")
DENSITIES = ("default", "compact", "comfortable")
SECTIONS = ("leads", "contacts", "conversations", "audit", "outbox", "settings")
# Of several writes of one record the list shows the one that needs a person most.
GRAVEST = ("undecided", "refused", "unknown", "queued", "in_flight")
STALE_AFTER = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace as the switcher shows it."""

    name: str
    slug: str
    colour: str
    role_label: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the copy is. `tone` is ok, stale, down or none (nothing is connected)."""

    tone: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """One key's calls in the last minute, for the sidebar. `tone` is ok, warn or down."""

    label: str
    used: int
    limit: int
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Marks:
    """
    How many writes wait, failed or need a decision, by their status (`tally`), and how the
    records they change stand: `of["leads:12"]` is the gravest status of that lead's. `unsent`
    counts by kind those that make a record: it is in no list until its service has taken it.
    """

    tally: Counter[str]
    of: dict[str, str]
    unsent: Counter[str]

    @property
    def count(self) -> int:
        return self.tally.total()

    @property
    def capped(self) -> str:
        return "99+" if self.count > 99 else str(self.count)


def never_stored(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Pages of signed-in people are not kept by browsers or proxies (reliability T28)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path.startswith("/static/") and "Cache-Control" not in response:
            response["Cache-Control"] = "no-store"
        return response

    return middleware


def frame(request: HttpRequest) -> dict[str, Any]:
    """The frame's part of every template's context."""
    look = {
        "theme": _one_of(request.COOKIES.get("theme"), THEMES),
        "density": _one_of(request.COOKIES.get("density"), DENSITIES),
    }
    member: Membership | None = getattr(request, "member", None)
    if member is None:
        return look
    connections = SimpleLazyObject(lambda: connections_of(request))
    states = SimpleLazyObject(lambda: sync_states_of(request))
    return look | {
        "member": member,
        "workspace": member.workspace,
        "workspaces": _switcher(getattr(request, "memberships", [])),
        "section": _section(request, member.workspace),
        "freshness": SimpleLazyObject(lambda: freshness(list(connections), list(states))),
        "budget": SimpleLazyObject(lambda: meters(list(connections))),
        "marks": SimpleLazyObject(lambda: marks(list(connections))),
        "can_write": member.reaches(Membership.Role.AGENT),
        "can_administer": member.reaches(Membership.Role.ADMIN),
        "connections": connections,
        "sync_states": states,
        "live_number": getattr(request, "live_number", 0),
        # A page that reads itself anew leaves what was said once to those who look.
        "rereads": request.headers.get("X-Live") == "1",
        "passes": SimpleLazyObject(lambda: first_passes(list(connections), list(states))),
    }


def connections_of(request: HttpRequest) -> list[Connection]:
    """
    The connections of the member's workspace, read once for the view and its frame; each
    brings in `marks` what is not settled through it.
    """
    return _once(
        request,
        "connections",
        lambda w: list(vault.connections(w).annotate(marks=marks_of())),
    )


def sync_states_of(request: HttpRequest) -> list[SyncState]:
    """How far each kind of each connection has come, read once for the view and its frame."""
    return _once(request, "sync_states", store.sync_states)


def read_anew(request: HttpRequest) -> None:
    """What was read for this page is from before a change that it made itself."""
    request.__dict__.pop("_frame", None)


def _once[T](request: HttpRequest, name: str, read: Callable[[Workspace], list[T]]) -> list[T]:
    kept: dict[str, list[T]] = request.__dict__.setdefault("_frame", {})
    if name not in kept:
        kept[name] = read(request.member.workspace)  # type: ignore[attr-defined]
    return kept[name]


def marks(connections: list[Connection]) -> Marks:
    """What is not settled in the workspace, read along with its connections."""
    found: dict[str, str] = {}
    tally: Counter[str] = Counter()
    unsent: Counter[str] = Counter()
    for connection in connections:
        for told in getattr(connection, "marks", "").split():
            kind, record, status = told.split(".")
            tally[status] += 1
            if not record:
                unsent[kind] += 1
            key = f"{kind}:{record}"
            if record and _graver(status, found.get(key)):
                found[key] = status
    return Marks(tally, found, unsent)


def marks_on(request: HttpRequest) -> dict[str, str]:
    """How the records of the workspace stand that have a write which is not settled."""
    return marks(connections_of(request)).of


def _graver(status: str, other: str | None) -> bool:
    return other is None or GRAVEST.index(status) < GRAVEST.index(other)


def freshness(connections: list[Connection], states: list[SyncState]) -> Freshness:
    """The oldest part of the copy speaks for the whole."""
    if not connections:
        return Freshness("none", _("Not connected"))
    broken = [c for c in connections if c.status != Connection.Status.OK]
    if broken:
        return Freshness("down", _("%s: replace the key") % name_of(broken[0]))
    times = [s.synced_at for s in states if s.synced_at]
    if len(times) < len(states) or not states:
        return Freshness("stale", _("First sync is running"))
    oldest = min(times)
    if any(s.error for s in states):
        return Freshness("down", _("Not answering, synced"), oldest)
    tone = "ok" if timezone.now() - oldest < STALE_AFTER else "stale"
    return Freshness(tone, _("Synced"), oldest)


def meters(connections: list[Connection]) -> list[Meter]:
    """Each connection's calls in the last minute: by people, background work, other programs."""
    usage = budget.usage(c.key_mark for c in connections)
    found = []
    for connection in connections:
        use = usage.get(connection.key_mark)
        if use is None:
            continue
        left = 1 - use.used / use.limit
        tone = "down" if left < 0.1 else "warn" if left < 0.3 else "ok"
        text = _("%(people)d by people, %(background)d in the background") % {
            "people": use.people,
            "background": use.background,
        }
        if use.elsewhere:
            text += _(", %(n)d by other programs") % {"n": use.elsewhere}
        found.append(Meter(name_of(connection), use.used, use.limit, tone, text))
    return found


def _switcher(memberships: list[Membership]) -> tuple[Place, ...]:
    places = ((m.workspace, str(m.get_role_display())) for m in memberships)
    return tuple(Place(w.name, w.slug, w.colour, role) for w, role in places)


def _section(request: HttpRequest, workspace: Workspace) -> str:
    rest = request.path.removeprefix(f"/w/{workspace.slug}/")
    name = rest.split("/", 1)[0]
    return name if name in SECTIONS else "home" if not rest else ""


def _one_of(value: str | None, allowed: tuple[str, ...]) -> str:
    return value if value in allowed else allowed[0]
