"""From an HTTP status and its headers to the error that says what to do next."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from portal.providers.errors import (
    BrokenContract,
    Duplicate,
    KeyRejected,
    NotFound,
    NotPermitted,
    ProviderError,
    RateLimited,
    Refused,
    Unreachable,
)
from portal.texts import gettext_noop

SHORTEST_WAIT, LONGEST_WAIT = 1.0, 900.0
"""Bounds in seconds of any wait a provider may ask for, however absurd its headers."""

_MILLISECONDS_FROM = 1e11
_BY_STATUS: dict[int, type[ProviderError]] = {
    401: KeyRejected,
    403: NotPermitted,
    404: NotFound,
    409: Duplicate,
    410: NotFound,
}
_MAYBE_DONE = frozenset({408, 425})
_NEVER_DONE = frozenset({301, 307, 308})


def of(provider: str, status: int, headers: Mapping[str, str], said: str) -> ProviderError:
    """
    The error for an answer that is not 2xx. `headers` are lower-case, `said` is the
    provider's own sentence. An unlisted 4xx means "not like this": `Refused`.
    """
    if status == 429:
        return RateLimited(provider, retry_after=wait_seconds(headers), said=said)
    if status >= 500 or status in _MAYBE_DONE:
        failure = Unreachable(provider, status=status, said=said, arrived=True)
        failure.retry_after = wait_seconds(headers) if "retry-after" in headers else None
        return failure
    if status < 400:
        return redirected(provider, status)
    return _BY_STATUS.get(status, Refused)(provider, status=status, said=said)


def redirected(provider: str, status: int) -> BrokenContract:
    """An answer that sends us elsewhere. It is never followed: the key would go along."""
    return BrokenContract(
        provider,
        f"it answered {status} and names another address: check the base URL in the settings",
        status=status,
        arrived=status not in _NEVER_DONE,
        message=gettext_noop(
            "The service's address sends us to another one. Check its address in the settings."
        ),
    )


def wait_seconds(headers: Mapping[str, str]) -> float | None:
    """
    How long a provider asks us to wait, 1 s .. 15 min; None if it does not say.

    `Retry-After` as seconds or as a date, else `X-RateLimit-Reset` (Unix seconds). Moments
    are compared with the answer's own `Date`, so that our clock may be wrong (F24).
    """
    told = headers.get("retry-after", "")
    seconds = _number(told)
    if seconds is None and (moment := http_date(told)):
        seconds = moment.timestamp() - _server_now(headers)
    if seconds is None and (reset := _number(headers.get("x-ratelimit-reset", ""))) is not None:
        reset = reset / 1000 if reset >= _MILLISECONDS_FROM else reset
        seconds = reset - _server_now(headers)
    return None if seconds is None else min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def http_date(text: str) -> datetime | None:
    """An HTTP date (`Date`, `Retry-After`) as aware UTC, None if it is not one."""
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _server_now(headers: Mapping[str, str]) -> float:
    date = http_date(headers.get("date", ""))
    return date.timestamp() if date else time.time()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
