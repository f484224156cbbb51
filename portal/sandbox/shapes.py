"""Well-formed JSON of the wrong shape: what an answer's payload becomes under each such fault."""

from __future__ import annotations

from collections.abc import Callable

from .exchange import Call, Record

type Shape = Callable[[Record, Call], object]


def _success_false(payload: Record, call: Call) -> object:
    return {"success": False, "error": "Something went wrong"}


def _data_not_list(payload: Record, call: Call) -> object:
    """For a Dexra single object, which has no `data`: the object in a list."""
    if "data" not in payload:
        return [payload]
    data = payload["data"]
    other: object = [data]
    if isinstance(data, list):
        other = data[0] if data else {}
    return {**payload, "data": other}


def _data_missing(payload: Record, call: Call) -> object:
    return {name: value for name, value in payload.items() if name != "data"}


def _data_null(payload: Record, call: Call) -> object:
    return {**payload, "data": None}


def _no_pagination(payload: Record, call: Call) -> object:
    return {name: part for name, part in payload.items() if name not in ("pagination", "meta")}


def _looping_cursor(payload: Record, call: Call) -> object:
    """The first page leads on; every later one leads to itself."""
    here = call.query.get("cursor")
    if here is None:
        return payload
    return _paged(payload, next_cursor=here, has_more=True)


def _has_more_without_cursor(payload: Record, call: Call) -> object:
    return _paged(payload, next_cursor=None, has_more=True)


def _empty_page(payload: Record, call: Call) -> object:
    """No rows, and yet more to come."""
    return {**_paged(payload, has_more=True), "data": []}


def _nothing_listed(payload: Record, call: Call) -> object:
    """A sound answer that says there are no records at all."""
    bare = _paged(payload, next_cursor=None, has_more=False, total_count=0, total=0)
    return {**bare, "data": []}


def _reversed(payload: Record, call: Call) -> object:
    """Rows out of the order asked for."""
    data = payload.get("data")
    return {**payload, "data": data[::-1]} if isinstance(data, list) else payload


def _repeated_row(payload: Record, call: Call) -> object:
    """The first row of the page stands in it twice."""
    data = payload.get("data")
    return {**payload, "data": [*data, *data[:1]]} if isinstance(data, list) else payload


def _paged(payload: Record, **changes: object) -> Record:
    """The payload with changed paging values; only those its API has."""
    name = "pagination" if "pagination" in payload else "meta"
    if name not in payload:
        return payload
    known = {key: value for key, value in changes.items() if key in payload[name]}
    return {**payload, name: {**payload[name], **known}}


SHAPES: dict[str, Shape] = {
    "success_false": _success_false,
    "data_not_list": _data_not_list,
    "data_missing": _data_missing,
    "data_null": _data_null,
    "no_pagination": _no_pagination,
    "looping_cursor": _looping_cursor,
    "has_more_without_cursor": _has_more_without_cursor,
    "empty_page": _empty_page,
    "nothing_listed": _nothing_listed,
    "reversed": _reversed,
    "repeated_row": _repeated_row,
}
