"""What waits, failed or needs a decision, and what people do about it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portal.mirror import store
from portal.mirror.store import Source
from portal.outbox import decisions as rows
from portal.outbox.models import Write
from portal.records import Kind
from portal.services import decisions
from portal.services.sending import send_one
from portal.services.writes import Outcome
from portal.web import writing
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.frame import connections_of, marks
from portal.web.session import same_site_path
from portal.web.waiting import (
    CHECKING,
    DECIDE,
    DUPLICATE,
    GROUPS,
    REFUSED,
    WAITING,
    Line,
    line_of,
    specs_of,
)
from portal.web.writing import Ending

MOST = 100
HEADS = {
    DECIDE: (
        gettext_lazy("You decide"),
        gettext_lazy("Nobody can tell from here whether these arrived. Look in the service."),
    ),
    REFUSED: (
        gettext_lazy("Not sent"),
        gettext_lazy("These were not accepted. What was typed is kept until somebody decides."),
    ),
    CHECKING: (
        gettext_lazy("Not confirmed"),
        gettext_lazy("These are looked up by themselves. Please do not enter them again."),
    ),
    WAITING: (
        gettext_lazy("Waiting"),
        gettext_lazy("These are sent by themselves. Please do not enter them again."),
    ),
}


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one sort, under their heading."""

    key: str
    title: str
    text: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Tab:
    """A filter: its words, how many there are, its address."""

    label: str
    count: int
    href: str
    current: bool


@require_safe
@member_required
def index(request: MemberRequest) -> HttpResponse:
    """The newest hundred of what is asked for, by what is to be done about them."""
    workspace = request.member.workspace
    counts = _counts(request)
    only = request.GET.get("show", "")
    only = only if only in HEADS else ""
    found = rows.listed(workspace)
    if only:
        found = found.filter(status__in=[s for s, group in GROUPS.items() if group == only])
    if (before := request.GET.get("before", "")).isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    shown = list(found[: MOST + 1])
    lines = [line_of(workspace, write) for write in shown[:MOST]]
    context = {
        "groups": [_group(key, lines) for key in HEADS if any(x.group == key for x in lines)],
        "tabs": _tabs(request, counts, only),
        "total": sum(counts.values()),
        "older": f"?show={only}&before={shown[MOST - 1].pk}" if len(shown) > MOST else "",
        "later": bool(before),
        "held": rows.held(workspace),
        "here": request.get_full_path(),
    }
    return render(request, "outbox/list.html", context)


def _counts(request: MemberRequest) -> dict[str, int]:
    """How many there are of each sort, but what is being sent this second."""
    counts: dict[str, int] = dict.fromkeys(HEADS, 0)
    for status, number in marks(connections_of(request)).tally.items():
        counts[GROUPS[Write.Status(status)]] += number
    return counts


def _group(key: str, lines: list[Line]) -> Group:
    title, text = HEADS[key]
    return Group(key, str(title), str(text), [line for line in lines if line.group == key])


def _tabs(request: MemberRequest, counts: dict[str, int], only: str) -> list[Tab]:
    some = [(key, str(HEADS[key][0]), number) for key, number in counts.items() if number]
    if len(some) < 2 and not only:
        return []
    every = [("", _("All"), sum(counts.values())), *some]
    path = request.path
    return [Tab(label, n, f"{path}?show={k}" if k else path, k == only) for k, label, n in every]


@require_safe
@member_required
def detail(request: MemberRequest, write_id: int) -> HttpResponse:
    """One write whole, whatever became of it: what somebody typed is never gone."""
    write = found(request, write_id)
    context = {
        "line": line_of(request.member.workspace, write),
        "here": request.get_full_path(),
        "held": rows.held(request.member.workspace),
        "list_href": reverse("outbox", args=[request.member.workspace.slug]),
    }
    return render(request, "outbox/detail.html", context | twin_of(request, write))


def twin_of(request: MemberRequest, write: Write) -> dict[str, Any]:
    """The record of our copy that a refusal as `Duplicate` speaks of (F12), to be opened."""
    if write.reason != DUPLICATE or write.kind != Kind.CONTACTS:
        return {}
    email = next((spec.name for spec in specs_of(write) if spec.attribute == "email"), "")
    source = Source(write.connection_id, write.workspace_id)
    twin = store.contact_by_email(source, str(write.changes.get(email) or ""))
    if twin is None:
        return {}
    there = reverse("contact-detail", args=[request.member.workspace.slug, twin.pk])
    return {"existing": twin, "existing_href": there}


def found(request: MemberRequest, write_id: int) -> Write:
    """The workspace's write, or 404."""
    write = rows.find(request.member.workspace, write_id)
    if write is None:
        raise Http404
    return write


@require_POST
@member_required
@role_required("agent")
def now(request: MemberRequest, write_id: int) -> HttpResponse:
    """Try it at once."""
    write = _as_shown(request, write_id)
    ending = writing.settle(
        lambda: decisions.retry_now(write, actor=request.member), write.connection, done=_("Sent")
    )
    return _back(request, ending)


@require_POST
@member_required
@role_required("agent")
def again(request: MemberRequest, write_id: int) -> HttpResponse:
    """Send it once more, at once if that can be."""
    write = _as_shown(request, write_id)
    ending = writing.settle_plain(lambda: decisions.send_again(write, actor=request.member))
    if ending is not None:
        return _back(request, ending)
    send_one(write.pk)
    ending = writing.settle(
        lambda: Outcome(found(request, write_id)), write.connection, done=_("Sent")
    )
    return _back(request, ending)


@require_POST
@member_required
@role_required("agent")
def arrived(request: MemberRequest, write_id: int) -> HttpResponse:
    """A person saw it there."""
    write = _as_shown(request, write_id)
    ending = writing.settle_plain(lambda: decisions.it_arrived(write, actor=request.member))
    return _back(request, ending or Ending("ok", _("Noted: it arrived."), taken=True))


@require_POST
@member_required
@role_required("agent")
def discard(request: MemberRequest, write_id: int) -> HttpResponse:
    """Not to be sent, or not to be listed any more."""
    write = _as_shown(request, write_id)
    waited = write.status == Write.Status.QUEUED
    ending = writing.settle_plain(lambda: decisions.discard(write, actor=request.member))
    text = _("Taken back. It was not sent.") if waited else _("Discarded.")
    return _back(request, ending or Ending("ok", text, taken=True))


@require_POST
@member_required
@role_required("admin")
def release(request: MemberRequest) -> HttpResponse:
    """Let a stopped outbox send again."""
    workspace = request.member.workspace
    if decisions.release(workspace, actor=request.member):
        messages.success(request, _("Released: what waits is sent now."))
    return writing.go(request, reverse("outbox", args=[workspace.slug]))


def _as_shown(request: MemberRequest, write_id: int) -> Write:
    """The write as the page with the button showed it: an older page's button does nothing."""
    write = found(request, write_id)
    told = request.POST.get("attempt", "")
    if told.isdecimal() and len(told) < 10:
        write.attempt = int(told)
    return write


def _back(request: MemberRequest, ending: Ending) -> HttpResponse:
    """Where the button stood, else the list; with how it ended."""
    path = same_site_path(request, request.POST.get("next", ""))
    list_path = reverse("outbox", args=[request.member.workspace.slug])
    there = path if path.startswith(f"/w/{request.member.workspace.slug}/") else list_path
    return writing.done(request, ending, there)
