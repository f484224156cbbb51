"""What a workspace looks like today: connections, counts, what waits."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from portal.web.access import MemberRequest, member_required


@require_GET
@member_required
def home(request: MemberRequest) -> HttpResponse:
    return render(request, "home/home.html", {})


@require_GET
@member_required
def progress(request: MemberRequest) -> HttpResponse:
    return redirect("home", request.member.workspace.slug)
