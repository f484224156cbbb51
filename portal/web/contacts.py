"""Contacts: their list, one of them, making, changing and deleting them."""

from django.http import HttpResponse

from portal.web.access import MemberRequest, member_required


def _soon(request: MemberRequest, **_: int) -> HttpResponse:
    return HttpResponse(status=501)


index = new = user = detail = edit = delete = fresh = member_required(_soon)
