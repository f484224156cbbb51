"""
304 for a list that did not change, to those who keep the last one themselves.

Pages stay `no-store`: neither browser nor proxy keeps them, so that nobody finds one by Back
after somebody signed out (reliability T28). Our own script, which reads its page anew, has
the last one on the screen and sends its mark.
"""

import hashlib
import time
from functools import lru_cache, wraps
from typing import Any

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language

from portal.web.access import MemberRequest, View
from portal.web.frame import connections_of

# What the mark leaves out (age, budget, progress of a copy, "since 7 days") is this old at most.
COARSE_SECONDS = 30
VARY = ("Cookie", "HX-Request", "HX-Target", "X-Live")


def unchanged[**P](view: View[P]) -> View[P]:
    """Answer 304 where `If-None-Match` names this list as it is. Stands under `member_required`."""

    @wraps(view)
    def marked(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        mark = _mark(request)
        told = request.headers.get("If-None-Match", "")
        known = {tag.removeprefix("W/") for tag in parse_etags(told)}
        # What is said once must be seen: then it is not the same page.
        if mark in known and not len(get_messages(request)):
            response: HttpResponse = HttpResponseNotModified()
        else:
            response = view(request, *args, **kwargs)
        if response.status_code in (200, 304):
            response["ETag"] = f"W/{mark}"
            patch_vary_headers(response, VARY)
        return response

    return marked


def _mark(request: MemberRequest) -> str:
    """Everything that decides what the page shows; the records by their workspace's number."""
    member = request.member
    parts: list[Any] = [
        _release(),
        request.live_number,
        int(time.time() // COARSE_SECONDS),
        request.get_full_path(),
        [request.headers.get(name, "") for name in VARY],
        get_language(),
        (member.pk, member.role, str(member.user)),
        [(m.workspace.name, m.workspace.slug, m.workspace.colour, m.role) for m in
         request.memberships],
        [(c.pk, c.label, c.status, c.may_write, c.last_error) for c in connections_of(request)],
    ]  # fmt: skip
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


@lru_cache(maxsize=1)
def _release() -> float:
    """When the newest of our files was changed: another release, other pages."""
    rooms = (settings.BASE_DIR / name for name in ("portal", "templates", "static"))
    kinds = {".py", ".html", ".css", ".js", ".svg"}
    files = (path for room in rooms for path in room.rglob("*") if path.suffix in kinds)
    return max(path.stat().st_mtime for path in files)
