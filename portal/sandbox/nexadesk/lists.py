"""NexaDesk's lists: filters, sort fields, and paging by cursor or page number."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from portal.sandbox.exchange import Record, Refusal
from portal.sandbox.store import Table, contains, in_order

from .assumptions import NexaDeskAssumptions

DEFAULT_LIMIT, MAX_LIMIT = 50, 100
STATUSES = ("open", "pending", "active", "archived")


@dataclass(frozen=True)
class Kind:
    """What can be asked of one list; `sorts` maps a sort field to the record's own."""

    sorts: Mapping[str, str]
    search: tuple[str, ...]
    filters: Mapping[str, str]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


LISTS = {
    "leads": Kind(
        sorts=_same("created_at", "updated_at", "visitor_name") | {"lead_score": "_lead_score"},
        search=("visitor_name", "visitor_email", "visitor_company"),
        filters={"stage": "pipeline_stage"},
    ),
    "contacts": Kind(
        sorts=_same("created_at", "last_activity", "name", "email") | {"name": "_name"},
        search=("first_name", "last_name", "email", "phone", "company_name"),
        filters={"tag": "tags"},
    ),
    "conversations": Kind(
        sorts=_same("created_at", "updated_at"),
        search=("visitor_name", "visitor_email", "visitor_company"),
        filters={"status": "status", "tag": "tags"},
    ),
}


def listed(
    table: Table, kind: str, query: Mapping[str, str], assume: NexaDeskAssumptions
) -> tuple[list[Record], Record]:
    """One page of records, and its `pagination`."""
    limit, offset = _window(query)
    rows = _matching(table, kind, query, assume)
    more = offset + limit < len(rows)
    pagination = {
        "has_more": more,
        "next_cursor": cursor_of(offset + limit) if more else None,
        "total_count": len(rows),
        "limit": limit,
    }
    return rows[offset : offset + limit], pagination


def cursor_of(offset: int) -> str:
    """The cursor that leads to an offset: 10 is "MTA"."""
    return base64.urlsafe_b64encode(str(offset).encode()).rstrip(b"=").decode()


def offset_of(cursor: str) -> int:
    """The offset a cursor leads to, or a 400."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return _whole(text.decode("ascii"), minimum=0)
    except (binascii.Error, ValueError):
        raise Refusal(400, "Invalid cursor") from None


def _window(query: Mapping[str, str]) -> tuple[int, int]:
    """Limit and offset of the page asked for."""
    limit = DEFAULT_LIMIT
    if "limit" in query:
        limit = min(MAX_LIMIT, max(1, _number(query["limit"], "limit")))
    if query.get("cursor"):
        return limit, offset_of(query["cursor"])
    page = _number(query["page"], "page") if "page" in query else 1
    if page < 1:
        raise Refusal(400, "page must be at least 1")
    return limit, (page - 1) * limit


def _matching(
    table: Table, kind: str, query: Mapping[str, str], assume: NexaDeskAssumptions
) -> list[Record]:
    """All records that pass the filters, in the order asked for."""
    spec = LISTS[kind]
    field, descending = _order(spec, query, assume)
    asked = {name: query[name] for name in (*spec.filters, "search") if query.get(name)}
    _check_status(kind, asked)

    def make(rows: list[Record]) -> list[Record]:
        if field == "_name":
            rows = [{**row, "_name": _full_name(row)} for row in rows]
        return in_order(
            [row for row in rows if _passes(row, spec, asked)], field, descending=descending
        )

    return table.listed((field, descending, tuple(sorted(asked.items()))), make)


def _passes(row: Record, spec: Kind, asked: Mapping[str, str]) -> bool:
    """Whether a record is wanted; a filter on a list field means "holds exactly"."""
    for name, wanted in asked.items():
        if name == "search":
            if not contains(row, spec.search, wanted):
                return False
            continue
        value = row.get(spec.filters[name])
        if not (wanted in value if isinstance(value, list) else wanted == value):
            return False
    return True


def _order(spec: Kind, query: Mapping[str, str], assume: NexaDeskAssumptions) -> tuple[str, bool]:
    """The record's field to sort by, and whether downwards."""
    name, _, direction = (query.get("sort") or assume.default_sort).partition(":")
    if name not in spec.sorts:
        raise Refusal(400, f"sort field must be one of: {', '.join(spec.sorts)}")
    direction = direction or assume.default_direction
    if direction not in ("asc", "desc"):
        raise Refusal(400, "sort direction must be asc or desc")
    return spec.sorts[name], direction == "desc"


def _check_status(kind: str, asked: dict[str, str]) -> None:
    """`all` is no status but the absence of the filter; an unknown one is refused."""
    if kind != "conversations" or "status" not in asked:
        return
    if asked["status"] == "all":
        del asked["status"]
    elif asked["status"] not in STATUSES:
        raise Refusal(400, f"status must be one of: {', '.join(STATUSES)}, all")


def _full_name(row: Record) -> str:
    return f"{row.get('first_name') or ''} {row.get('last_name') or ''}".strip()


def _number(text: str, name: str) -> int:
    try:
        return _whole(text)
    except ValueError:
        raise Refusal(400, f"{name} must be a number") from None


def _whole(text: str, minimum: int | None = None) -> int:
    """An integer in plain ASCII digits of a sensible length; int() alone takes much more."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise ValueError(text)
    number = int(text)
    if minimum is not None and number < minimum:
        raise ValueError(text)
    return number
