"""Leads: their list, one of them, making, changing and deleting them."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from portal.web.access import MemberRequest, member_required
from portal.web.lead_list import lead_list


@require_GET
@member_required
def index(request: MemberRequest) -> HttpResponse:
    return lead_list(request)


def _soon(request: MemberRequest, **_: int) -> HttpResponse:
    return HttpResponse(status=501)


new = detail = edit = delete = fresh = member_required(_soon)
