"""A PortalError that no view handled becomes a page, or a toast, with its status."""

import logging
import sys
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from portal.errors import PortalError
from portal.providers.errors import ProviderError
from portal.web.access import put_in_frame
from portal.web.htmx import is_partial

log = logging.getLogger(__name__)

TEMPLATES = {400: "400.html", 403: "403.html", 404: "404.html"}
RETRY_SECONDS = 5


class PortalErrors:
    """Middleware. Also hands each request an id that error pages show and logs carry."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, PortalError):
            return None
        if error.http_status >= 500:
            log.warning("%s on %s: %r", type(error).__name__, request.path, error)
        sentence = sentence_of(error)
        if is_partial(request):
            response = HttpResponse(sentence, "text/plain; charset=utf-8", error.http_status)
            response["X-Error"] = sentence.encode("ascii", "replace").decode()
            response["HX-Reswap"] = "none"
            return response
        template = TEMPLATES.get(error.http_status, "error.html")
        context = {"sentence": sentence, "status": error.http_status}
        return render(request, template, context, status=error.http_status)


def sentence_of(error: PortalError) -> str:
    """What to tell a person: the provider's own words where it gave some, else ours."""
    said = error.said if isinstance(error, ProviderError) else ""
    return said or _(error.message)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token is missing or old: nothing was changed, and the page says so."""
    return render(
        request, "403_csrf.html", {"reason": reason if settings.DEBUG else ""}, status=403
    )


def not_found(request: HttpRequest, exception: Any) -> HttpResponse:
    """The same page for what is missing and for what is foreign; in the shell for members."""
    put_in_frame(request)
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """
    Something broke: the page in the shell if that still stands, with a reference to tell.

    The same reference is in the log. Nothing here may break in its turn.
    """
    reference = uuid.uuid4().hex[:12]
    log.error("reference %s: the error on %s %s", reference, request.method, request.path)
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _unavailable(request, reference)
    if is_partial(request):
        sentence = _("Something broke on our side. Reference: %s") % reference
        return HttpResponse(sentence, "text/plain; charset=utf-8", status=500)
    try:
        put_in_frame(request)
        return render(request, "500.html", {"reference": reference}, status=500)
    except Exception:
        log.exception("reference %s: the error page broke too", reference)
        page = render_to_string("500.html", {"reference": reference})
        return HttpResponse(page, status=500)


def _unavailable(request: HttpRequest, reference: str) -> HttpResponse:
    """The database is away, full or busy: it mends by itself or by who runs the portal."""
    if is_partial(request):
        sentence = _("The database cannot be used just now. Try again in a moment.")
        response = HttpResponse(sentence, "text/plain; charset=utf-8", status=503)
    else:
        # Without the shell, which would ask the database again.
        page = render_to_string("503.html", {"reference": reference})
        response = HttpResponse(page, status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
