"""NexaDesk's envelope, read strictly: a missing list is never an empty list. Source: A2, A3."""

from collections.abc import Mapping
from typing import Any

from portal.providers.errors import BrokenContract
from portal.providers.http import Answer
from portal.providers.nexadesk import assumed
from portal.records import Kind


def items(answer: Answer) -> list[Any]:
    """The rows of a list. Raises `BrokenContract`."""
    data = _opened(answer).get("data")
    if not isinstance(data, list):
        raise broken(answer, "data is not a list")
    return data


def pagination(answer: Answer) -> Mapping[str, Any]:
    """Where a list stands. Raises `BrokenContract`."""
    found = _opened(answer).get("pagination")
    if not isinstance(found, dict):
        raise broken(answer, "pagination is missing")
    return found


def single(answer: Answer) -> dict[str, Any]:
    """The object of a single answer. Raises `BrokenContract`."""
    data = _opened(answer).get("data")
    if not isinstance(data, dict):
        raise broken(answer, "data is not an object")
    return data


def next_cursor(answer: Answer, kind: Kind, page: int) -> str | None:
    """
    The cursor to go on with, None at the documented end. `page` is this page's number.

    `has_more` decides; where it is missing a cursor does. Where it promises more without
    a cursor, leads go on by the number of the page. Raises `BrokenContract` where the
    end cannot be told.
    """
    told = pagination(answer)
    more, cursor = told.get("has_more"), told.get("next_cursor")
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        cursor = str(cursor)
    usable = isinstance(cursor, str) and cursor != ""
    match more:
        case False:
            return None
        case True | None if usable:
            return str(cursor)
        case True if cursor in (None, "") and kind in assumed.PAGED_BY_NUMBER:
            return f"{assumed.PAGE_MARK}{page + 1}"
        case True:
            raise broken(answer, "has_more without a usable next_cursor")
    raise broken(answer, "has_more is neither true nor false")


def agreed(answer: Answer) -> None:
    """Raises `BrokenContract` if a 2xx answer says that it did not succeed."""
    if isinstance(answer.data, dict) and answer.data.get("success") is False:
        raise broken(answer, "success is false in an answer of success")


def broken(answer: Answer, what: str) -> BrokenContract:
    """The error for an envelope that is not as documented."""
    return BrokenContract(assumed.SLUG, what, status=answer.status)


def _opened(answer: Answer) -> dict[str, Any]:
    if not isinstance(answer.data, dict):
        raise broken(answer, "the answer is not an object")
    agreed(answer)
    return answer.data
