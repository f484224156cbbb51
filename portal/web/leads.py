"""Leads: their list, one of them, making, changing and deleting them."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.mirror.models import Lead
from portal.mirror.tables import LEADS, facets
from portal.records import Can, Form, Kind
from portal.services import connections as service
from portal.services import leads
from portal.vault.models import Connection
from portal.web import record_pages
from portal.web.access import MemberRequest, member_required
from portal.web.forms import Suggestions
from portal.web.frame import connections_of
from portal.web.lead_list import lead_list
from portal.web.record_card import Related, Subject, same_email
from portal.web.unchanged import unchanged


@require_safe
@member_required
@unchanged
def index(request: MemberRequest) -> HttpResponse:
    """The table; "view=board" is how a record's page finds back to the board."""
    if request.GET.get("view") == "board":
        told = request.GET.copy()
        del told["view"]
        board = reverse("lead-board", args=[request.member.workspace.slug])
        return redirect(f"{board}?{told.urlencode()}" if told else board)
    return lead_list(request)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def new(request: MemberRequest) -> HttpResponse:
    return record_pages.new(request, LEAD)


@require_safe
@member_required
def detail(request: MemberRequest, lead_id: int) -> HttpResponse:
    lead = record_pages.found(request, LEAD, lead_id)
    return record_pages.detail(request, LEAD, lead)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def edit(request: MemberRequest, lead_id: int) -> HttpResponse:
    return record_pages.edit(request, LEAD, record_pages.found(request, LEAD, lead_id))


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def delete(request: MemberRequest, lead_id: int) -> HttpResponse:
    return record_pages.delete(request, LEAD, record_pages.found(request, LEAD, lead_id))


@require_POST
@member_required
def meanwhile(request: MemberRequest, lead_id: int) -> HttpResponse:
    return record_pages.meanwhile(request, LEAD, record_pages.found(request, LEAD, lead_id))


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def fresh(request: MemberRequest, lead_id: int) -> HttpResponse:
    return record_pages.fresh(request, LEAD, record_pages.found(request, LEAD, lead_id))


def suggestions(request: MemberRequest) -> Suggestions:
    """Stages the services name and those in use; representatives our copy has met."""
    found = facets(LEADS, request.member.workspace)
    stages = [*service.stages_of(connections_of(request)), *found.counts("stage")]
    people = found.pairs("rep_id", "rep_name").items()
    return {
        "stage": [(stage, stage) for stage in dict.fromkeys(stages) if stage],
        "rep_id": sorted(((k, v or k) for k, v in people if k), key=lambda person: person[1]),
    }


def _form_of(_connection: Connection) -> tuple[Form, Can]:
    return Form.LEAD, Can.UPDATE_LEAD


def _related(lead: Any) -> list[Related]:
    return same_email(lead.workspace, lead.email, but=lead)


LEAD = Subject(
    kind=Kind.LEADS,
    model=Lead,
    name="lead",
    folder="leads",
    create=leads.create_lead,
    update=leads.update_lead,
    delete=leads.delete_lead,
    refresh=leads.refresh_lead,
    can_create=Can.CREATE_LEAD,
    can_delete=Can.DELETE_LEAD,
    form_of=_form_of,
    suggestions=suggestions,
    related=_related,
    quick=("stage", "amount", "tags"),
)
