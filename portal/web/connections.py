"""Settings: the workspace's connections, their keys, their health."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.web.access import MemberRequest, member_required, role_required


@require_GET
@member_required
@role_required("admin")
def index(request: MemberRequest) -> HttpResponse:
    return render(request, "settings/connections.html", {})


@require_http_methods(["GET", "POST"])
@member_required
@role_required("admin")
def new(request: MemberRequest) -> HttpResponse:
    return render(request, "settings/connections.html", {})


@require_POST
@member_required
@role_required("admin")
def try_again(request: MemberRequest, connection_id: int) -> HttpResponse:
    return render(request, "settings/connections.html", {})


@require_http_methods(["GET", "POST"])
@member_required
@role_required("admin")
def replace(request: MemberRequest, connection_id: int) -> HttpResponse:
    return render(request, "settings/connections.html", {})


@require_http_methods(["GET", "POST"])
@member_required
@role_required("admin")
def remove(request: MemberRequest, connection_id: int) -> HttpResponse:
    return render(request, "settings/connections.html", {})
