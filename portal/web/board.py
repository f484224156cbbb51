"""
The leads as a board. A card is moved by a drag, by keys, by its menu, or without a script on a
page: all of them post the same form, whose one field is the lead's stage.
"""

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import reswap, retarget

from portal.mirror.models import Lead
from portal.mirror.tables import LEADS
from portal.records import Can
from portal.team.models import Membership
from portal.web import lead_list, record_pages, writing
from portal.web.access import MemberRequest, member_required
from portal.web.board_columns import columns_of, piles_of
from portal.web.forms import RecordForm
from portal.web.frame import connections_of, read_anew
from portal.web.htmx import is_partial, show
from portal.web.leads import LEAD
from portal.web.list_state import DEFAULT_PER_PAGE
from portal.web.lists import Asked, answer, around, tidy
from portal.web.record_card import ability, title_of
from portal.web.unchanged import unchanged
from portal.web.writing import Ending


@require_safe
@member_required
@unchanged
def index(request: MemberRequest) -> HttpResponse:
    asked = _asked(request)
    if url := tidy(request, asked.state):
        return redirect(url)
    return _board(request, asked)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def move(request: MemberRequest, lead_id: int) -> HttpResponse:
    """Another stage for one lead: the form, and what became of it."""
    request.member.require(Membership.Role.AGENT)
    lead: Lead = record_pages.found(request, LEAD, lead_id)
    data = request.POST if request.method == "POST" else None
    form = record_pages.edit_form(request, LEAD, lead, data, only=("stage",))
    if data is None or not form.is_valid():
        return _form(request, lead, form, status=200 if data is None else 422)
    if not form.changes:
        return _moved(request, Ending("ok", _("Nothing to save"), taken=True))
    stage = next(iter(form.changes.values()))
    done = _("“%(lead)s” moved to %(stage)s") % {"lead": lead, "stage": stage}
    ending, more = record_pages.update(request, LEAD, lead, form, done=done)
    if ending.taken:
        return _moved(request, ending)
    return _form(request, lead, form, status=ending.status, ending=ending, **more)


def _moved(request: MemberRequest, ending: Ending) -> HttpResponse:
    """The board as it is now; a plain page goes back to it."""
    read_anew(request)
    asked = _asked(request)
    if not is_partial(request):
        return writing.done(request, ending, asked.state.url)
    response = retarget(_board(request, asked), "#results")
    response["HX-Reswap"] = "innerMorph"  # what is scrolled stays so
    del response["HX-Push-Url"]
    return writing.tell(request, response, ending)


def _form(
    request: MemberRequest, lead: Lead, form: RecordForm, *, status: int, **more: Any
) -> HttpResponse:
    """The form alone; on the board it stands in the dialog, whatever was pressed for it."""
    context = {
        "partial": is_partial(request),
        "row": lead,
        "title": title_of(lead),
        "form": form,
        "form_id": writing.new_form_id(),
        "ability": ability(request, LEAD, lead),
        "move_href": request.get_full_path(),
        "board_href": _asked(request).state.url,
    }
    response = show(request, "leads/move.html", context | more, partial="move", status=status)
    return retarget(reswap(response, "innerHTML"), "#move") if is_partial(request) else response


def _asked(request: MemberRequest) -> Asked:
    """What the address asks for; a board knows no other order and no pages."""
    path = reverse("lead-board", args=[request.member.workspace.slug])
    asked = lead_list.asked(request, request.GET, path)
    newest = LEADS.sort(LEADS.default) or asked.state.sort
    return asked._replace(state=asked.state.first_page(sort=newest, per=DEFAULT_PER_PAGE))


def _board(request: MemberRequest, asked: Asked) -> HttpResponse:
    workspace, connections = request.member.workspace, connections_of(request)
    state, piles = asked.state, piles_of(asked, connections, workspace)
    table = replace(state, path=reverse("lead-list", args=[workspace.slug]))
    columns = columns_of(request, table, piles)
    listing = around(
        state,
        [card for column in columns for card in column.cards],
        noun=_("leads"),
        words=asked.words,
        total=piles.total,
        capped=piles.capped,
        back="&".join(filter(None, ("view=board", state.query))),
    )
    context = {
        "columns": columns,
        "notices": piles.notices,
        "views": lead_list.views(state, workspace),
        "menus": lead_list.menus_of(asked, connections),
        "some": asked.counted.total > 0,
        "makers": lead_list.writable(connections, Can.CREATE_LEAD),
        "export_href": replace(table, path=f"{table.path}export/").url,
        "table_path": table.path,
        "card_query": f"?{state.query}" if state.query else "",
    }
    return answer(request, "leads/board.html", context, listing)
