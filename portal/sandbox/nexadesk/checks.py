"""What NexaDesk accepts in a POST or PATCH body; the first thing wrong is a 400."""

from __future__ import annotations

import re
from collections.abc import Callable

from portal.sandbox.exchange import Record, Refusal

from .assumptions import NexaDeskAssumptions
from .lists import STATUSES

type Check = Callable[[str, object], object]

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
EMAIL_MAX = 254


def lead_fields(body: Record, *, creating: bool, assume: NexaDeskAssumptions) -> Record:
    """The writable fields of a lead found in a body, checked."""
    checks: dict[str, Check] = {
        "visitor_name": _text(200, required=True),
        "visitor_email": _email,
        "visitor_phone": _text(50),
        "visitor_company": _text(assume.company_max),
        "need_summary": _text(None),
        "tags": _tags,
        "source": _text(None),
        "pipeline_stage": _text(None, required=True),
        "expected_billing_amount": _amount,
        "assigned_rep_id": _text(None),
    }
    return _checked(body, checks, ("visitor_name",) if creating else ())


def contact_fields(body: Record, *, creating: bool, assume: NexaDeskAssumptions) -> Record:
    """The writable fields of a contact found in a body, checked."""
    checks: dict[str, Check] = {
        "first_name": _text(100, required=True),
        "last_name": _text(100),
        "email": _email,
        "phone": _text(50),
        "company_name": _text(assume.company_max),
        "tags": _tags,
        "profile_notes": _text(None),
    }
    return _checked(body, checks, ("first_name",) if creating else ())


def conversation_fields(body: Record, *, assume: NexaDeskAssumptions) -> Record:
    """The status a PATCH asks for (and tags, where assumed writable)."""
    checks: dict[str, Check] = {"status": _status}
    if assume.tags_writable:
        checks["tags"] = _tags
    fields = _checked(body, checks, ())
    if not fields:
        raise Refusal(400, "status is required")
    return fields


def _checked(body: Record, checks: dict[str, Check], required: tuple[str, ...]) -> Record:
    for name in required:
        if name not in body:
            raise Refusal(400, f"{name} is required")
    return {name: check(name, body[name]) for name, check in checks.items() if name in body}


def _text(longest: int | None, *, required: bool = False) -> Check:
    def check(name: str, value: object) -> object:
        if required and (value is None or (isinstance(value, str) and not value.strip())):
            raise Refusal(400, f"{name} is required")
        if value is None:
            return None
        if not isinstance(value, str):
            raise Refusal(400, f"{name} must be a string")
        if longest is not None and len(value) > longest:
            raise Refusal(400, f"{name} must be at most {longest} characters")
        return value

    return check


def _email(name: str, value: object) -> object:
    """An empty string counts as no address."""
    if value is None or value == "":
        return None
    good = isinstance(value, str) and len(value) <= EMAIL_MAX and EMAIL.fullmatch(value)
    if not good:
        raise Refusal(400, f"{name} must be a valid email address")
    return value


def _tags(name: str, value: object) -> object:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise Refusal(400, f"{name} must be an array of strings")
    return value


def _amount(name: str, value: object) -> object:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal(400, f"{name} must be a number")
    if value < 0:
        raise Refusal(400, f"{name} must not be negative")
    return value


def _status(name: str, value: object) -> object:
    if value not in STATUSES:
        raise Refusal(400, f"{name} must be one of: {', '.join(STATUSES)}")
    return value
