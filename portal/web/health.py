"""Whether the process lives, and whether it can do its work. No secrets, no sign-in."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """200 without touching anything: the process answers."""
    return HttpResponse("ok", "text/plain; charset=utf-8")


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"ready": True})
