"""
What is new, for open pages: as a stream of events, or as one answer at once.

Both take `?after=N`, the workspace's number that the page knows, and name what changed since
by kind and id; the page asks for what it shows of it. Each event carries the new number.
"""

import socket
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from portal.live import store
from portal.live.events import event, told
from portal.live.line import Line
from portal.live.store import News
from portal.live.stream import Listener, Stream, hub
from portal.web.access import MemberRequest, member_required
from portal.web.frame import connections_of, freshness, marks, meters, sync_states_of

RETRY_SECONDS = 5


@require_GET
@member_required
def live(request: MemberRequest) -> HttpResponse:
    streams = "text/event-stream" in request.headers.get("Accept", "")
    response: HttpResponse = _stream(request) if streams else _at_once(request)
    patch_vary_headers(response, ["Accept"])
    return response


def _at_once(request: MemberRequest) -> HttpResponse:
    """Everything that is new, with the frame's words and meters; for who has no stream."""
    workspace, number = request.member.workspace, _number(request)
    now = request.live_number
    news = News(now, ()) if number is None else store.since(workspace.pk, number, now=now)
    fresh = freshness(connections_of(request), sync_states_of(request))
    budget = meters(connections_of(request))
    context = {
        "freshness": fresh,
        "budget": budget,
        "marks": marks(connections_of(request)),
        "workspace": workspace,
    }
    return JsonResponse(
        told(news)
        | {
            "freshness": {"tone": fresh.tone, "text": fresh.text, "at": fresh.at},
            "budget": [
                {"label": m.label, "used": m.used, "limit": m.limit, "tone": m.tone, "text": m.text}
                for m in budget
            ],
            "parts": {
                "freshness": render_to_string("components/freshness.html", context),
                "side-status": render_to_string("components/side_status.html", context),
            },
        }
    )


def _stream(request: MemberRequest) -> Any:
    number = _number(request)
    member = request.member
    listener = Listener(
        member.workspace_id,
        member.pk,
        member.user_id,
        request.session.session_key or "",
        request.user.password,
    )
    known = request.live_number if number is None else number
    stream = Stream(listener, known, _line(request))
    if not hub.join(stream):
        full = HttpResponse("No room for another stream.", "text/plain", status=503)
        full["Retry-After"] = str(RETRY_SECONDS)
        return full
    response = StreamingHttpResponse(_Events(stream), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    # A compressed stream would wait until it has enough to compress.
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
    return response


class _Events:
    """A stream as text. Closing the answer closes the stream, also before it began."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.close = stream.close

    def __iter__(self) -> Iterator[str]:
        yield f"retry: {RETRY_SECONDS * 1000}\n\n{event(None, self.stream.number)}"
        yield from self.stream


def _number(request: MemberRequest) -> int | None:
    """The number that the page knows: the address's, or a later one the browser kept."""
    told = [request.GET.get("after", ""), request.headers.get("Last-Event-ID", "")]
    numbers = [int(text) for text in told if text.isascii() and text.isdigit() and len(text) < 19]
    return max(numbers, default=None)


def _line(request: MemberRequest) -> Line | None:
    """The browser's connection, if the server shows it."""
    theirs = request.META.get("gunicorn.socket")
    if not isinstance(theirs, socket.socket):
        return None
    return Line(theirs, chunked=request.META.get("SERVER_PROTOCOL") == "HTTP/1.1")
