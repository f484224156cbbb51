"""Settings: the log of webhook deliveries, newest first, and the button that replays one."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.deliveries import store
from portal.deliveries.models import Delivery
from portal.jobs.deliveries import apply_soon
from portal.mirror import store as mirror
from portal.records import Kind
from portal.services import connections as service
from portal.services import deliveries as deliveries_service
from portal.services.upstream import source_of
from portal.vault.models import Connection
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.addresses import PAGES, page_of
from portal.web.frame import connections_of
from portal.web.htmx import show

ADMIN = "admin"
PER_PAGE = 50
LONGEST_SHOWN = 100_000
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What the log's address asks for; what it cannot mean is left out."""

    connection: int | None
    event: str
    status: str
    older_than: int | None
    newer_than: int | None

    def href(self, **place: int) -> str:
        """The log's query with the same filters, at another place."""
        told = {"connection": self.connection, "event": self.event, "status": self.status, **place}
        return "?" + urlencode({name: value for name, value in told.items() if value})


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery in the log, with its connection's name."""

    delivery: Delivery
    name: str

    @property
    def reason(self) -> str:
        return _(self.delivery.reason) if self.delivery.reason else ""


@require_GET
@member_required
@role_required(ADMIN)
def index(request: MemberRequest) -> HttpResponse:
    connections = connections_of(request)
    asked = _asked(request, connections)
    rows, newer, older = _page(request, asked)
    names = {connection.pk: service.name_of(connection) for connection in connections}
    context = {
        "lines": [Line(row, names.get(row.connection_id, "")) for row in rows],
        "asked": asked,
        "filtered": bool(asked.connection or asked.event or asked.status),
        "connections_named": names.items(),
        "events": _events(connections),
        "statuses": Delivery.Status.choices,
        "newer_href": newer,
        "older_href": older,
    }
    return show(request, "settings/deliveries.html", context, partial="deliveries")


@require_GET
@member_required
@role_required(ADMIN)
def detail(request: MemberRequest, delivery_id: int) -> HttpResponse:
    delivery = _delivery(request, delivery_id)
    context = {
        "delivery": delivery,
        "name": service.name_of(delivery.connection),
        "signed": deliveries_service.signed(delivery.connection),
        "reason": _(delivery.reason) if delivery.reason else "",
        "body": pretty(bytes(delivery.body)),
        "record_href": _record_href(request, delivery),
    }
    return render(request, "settings/deliveries_one.html", context)


@require_POST
@member_required
@role_required(ADMIN)
def replay(request: MemberRequest, delivery_id: int) -> HttpResponse:
    delivery = _delivery(request, delivery_id)
    deliveries_service.replay(delivery, actor=request.member)
    apply_soon(delivery.connection_id)
    messages.success(request, _("It is applied again in a moment."))
    return redirect("delivery-detail", request.member.workspace.slug, delivery.pk)


def pretty(body: bytes) -> str:
    """A body to look at: its JSON with line breaks, else its text; never an error."""
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
    text = text[:LONGEST_SHOWN].replace("\x00", "\ufffd")
    return text.encode("utf-8", "replace").decode()


def _page(request: MemberRequest, asked: Asked) -> tuple[list[Delivery], str, str]:
    """The rows of this page, newest first, and where the newer and the older ones are."""
    rows = store.log(request.member.workspace)
    if asked.connection:
        rows = rows.filter(connection_id=asked.connection)
    if asked.event:
        rows = rows.filter(event=asked.event)
    if asked.status:
        rows = rows.filter(status=asked.status)
    back = asked.newer_than is not None
    if asked.newer_than is not None:
        found = list(rows.filter(id__gt=asked.newer_than).order_by("id")[: PER_PAGE + 1])
    else:
        before = {} if asked.older_than is None else {"id__lt": asked.older_than}
        found = list(rows.filter(**before).order_by("-id")[: PER_PAGE + 1])
    more, found = len(found) > PER_PAGE, found[:PER_PAGE]
    if back:
        found.reverse()
    if not found:
        return [], "", asked.href() if asked.older_than or back else ""
    newer = more if back else asked.older_than is not None
    older = back or more
    return (
        found,
        asked.href(newer=found[0].pk) if newer else "",
        asked.href(older=found[-1].pk) if older else "",
    )


def _asked(request: HttpRequest, connections: Iterable[Connection]) -> Asked:
    told = request.GET
    connection = _number(told.get("connection", ""))
    known = {c.pk for c in connections}
    status = told.get("status", "")
    return Asked(
        connection if connection in known else None,
        told.get("event", "")[:60].replace("\x00", ""),
        status if status in Delivery.Status.values else "",
        _number(told.get("older", "")),
        _number(told.get("newer", "")),
    )


def _number(text: str) -> int | None:
    known = text.isascii() and text.isdigit() and int(text[:20]) <= LARGEST_ID
    return int(text[:20]) if known else None


def _events(connections: Iterable[Connection]) -> list[str]:
    """The documented events of what is connected, for the filter."""
    found = [deliveries_service.webhooks_of(connection) for connection in connections]
    return list(dict.fromkeys(event for hooks in found if hooks for event in hooks.events))


def _record_href(request: MemberRequest, delivery: Delivery) -> str:
    """The page of the record it speaks of, "" if that is not here."""
    if delivery.subject_kind not in PAGES:
        return ""
    kind = Kind(delivery.subject_kind)
    row = mirror.find(source_of(delivery.connection), kind, delivery.subject_id)
    if row is None or row.gone_at is not None:
        return ""
    return page_of(request.member.workspace.slug, kind, row.pk)


def _delivery(request: MemberRequest, delivery_id: int) -> Delivery:
    found = None
    if delivery_id <= LARGEST_ID:
        found = store.one(request.member.workspace, delivery_id)
    if found is None:
        raise Http404
    return found
