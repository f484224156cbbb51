"""A page, or only its partial: one template serves both."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import trigger_client_event

from portal.web.offers import Offer


def is_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of the page it shows (not for a page of its history)."""
    details: Any = getattr(request, "htmx", None)
    return bool(details) and not (details.history_restore_request or details.boosted)


def show(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    partial: str,
    status: int = 200,
) -> HttpResponse:
    """
    The whole page, or its partial `template#partial` when htmx asked for a piece of it.

    `partial` is named like the DOM id it fills. The view picks it, never the client.
    """
    name = f"{template}#{partial}" if is_partial(request) else template
    response = render(request, name, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def toast(
    response: HttpResponse, message: str, *, tone: str = "ok", offer: Offer | None = None
) -> HttpResponse:
    """Have the page say it in a toast, with what undoes it (htmx answers only)."""
    told = {"message": message, "tone": tone}
    if offer is not None:
        told |= {"undo": offer.href, "label": offer.label, "asks": "1" if offer.asks else ""}
        told["again"] = "1" if offer.again else ""
    return trigger_client_event(response, "toast", told)
