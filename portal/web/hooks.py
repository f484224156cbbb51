"""
Where the providers' webhooks arrive: no session, no CSRF token, no page.

An unknown address, a bad signature and a wrong method get the very same answer.
"""

import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from portal.jobs.deliveries import apply_soon
from portal.services import deliveries
from portal.services.deliveries import Answer, Receipt
from portal.vault.seal import Locked

log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
_CHUNK = 64 * 1024
_LATER_SECONDS = 30


class _Unacceptable(Exception):
    """A body that is not read: the status that says why."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status)
        self.status, self.words = status, words


class _Stored(HttpResponse):
    """200. The job is made when the answer is out: who sent it does not wait for our queue."""

    def __init__(self, connection_id: int) -> None:
        super().__init__("OK\n", "text/plain; charset=utf-8")
        self._connection_id = connection_id

    def close(self) -> None:
        apply_soon(self._connection_id)
        super().close()


@csrf_exempt
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """One delivery. 200 only when it is stored for good, or was nothing but a greeting."""
    if request.method != "POST":
        return _unknown()
    try:
        body = _body(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        receipt = deliveries.receive(token, body, headers)
    except _Unacceptable as problem:
        return _plain(problem.words, problem.status)
    except (DatabaseError, TimeoutError, Locked) as problem:
        log.warning("a webhook delivery was not stored: %r", problem)
        return _later("It could not be stored just now.", 503)
    return _answer(receipt)


def _answer(receipt: Receipt) -> HttpResponse:
    match receipt.answer:
        case Answer.STORED:
            return _Stored(receipt.connection_id or 0)
        case Answer.GREETED:
            return _plain("OK", 200)
        case Answer.TOO_MANY:
            return _later("Too many deliveries.", 429)
    return _unknown()


def _body(request: HttpRequest) -> bytes:
    """
    The raw bytes, never more than the cap.

    Behind gunicorn Django takes a chunked body for an empty one, for it has no length. There
    the server's own stream ends with the body, so it is read to its end; where the server does
    not promise that, the body is refused. Nobody may verify the empty string in its place.
    """
    if encoding := request.headers.get("Transfer-Encoding", "").strip().lower():
        environ = request.META
        if encoding != "chunked" or not environ.get("wsgi.input_terminated"):
            raise _Unacceptable(411, "Send it with a Content-Length.")
        return _read(environ["wsgi.input"])
    told = request.headers.get("Content-Length", "")
    if told.isascii() and told.isdigit() and int(told[:20]) > MOST_BYTES:
        raise _too_long()
    return _read(request)


def _read(stream: HttpRequest) -> bytes:
    body = bytearray()
    try:
        while chunk := stream.read(_CHUNK):
            body += chunk
            if len(body) > MOST_BYTES:
                raise _too_long()
    except OSError as problem:
        raise _Unacceptable(400, "The body broke off.") from problem
    return bytes(body)


def _too_long() -> _Unacceptable:
    return _Unacceptable(413, f"More than {MOST_BYTES} bytes.")


def _unknown() -> HttpResponse:
    return _plain("There is nothing here.", 404)


def _later(words: str, status: int) -> HttpResponse:
    response = _plain(words, status)
    response["Retry-After"] = str(_LATER_SECONDS)
    return response


def _plain(words: str, status: int) -> HttpResponse:
    return HttpResponse(f"{words}\n", "text/plain; charset=utf-8", status)
