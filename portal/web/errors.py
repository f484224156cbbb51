"""A PortalError becomes a page or a toast with its status."""

from collections.abc import Callable
from django.http import HttpRequest, HttpResponse


def portal_errors(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    return get_response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return HttpResponse(status=403)
