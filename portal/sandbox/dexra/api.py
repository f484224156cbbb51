"""Dexra's endpoints, under /v1."""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Mapping
from urllib.parse import unquote

from portal.sandbox.exchange import Answer, Call, Record, Refusal
from portal.sandbox.keys import Allowance
from portal.sandbox.store import in_order, shown

from .assumptions import DexraAssumptions
from .records import DexraRecords

BASE_PATH = "/v1"
DEFAULT_LIMIT, MAX_LIMIT = 20, 100
STATUSES = ("open", "closed", "snoozed")
MESSAGE_TYPES = ("text", "private_note")
SCALARS = (str, int, float, bool, type(None))
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
ROUTES = {
    re.compile(r"/conversations"): ("GET", "POST"),
    re.compile(r"/conversations/([^/]+)"): ("GET",),
    re.compile(r"/messages"): ("POST",),
    re.compile(r"/users/([^/]+)"): ("PATCH",),
}


class DexraApi:
    """Answers calls from the records; callers hold the sandbox's lock."""

    def __init__(self, records: DexraRecords, assumptions: DexraAssumptions) -> None:
        self._records, self._assume = records, assumptions

    def answer(self, call: Call) -> Answer:
        """Apply a call that has passed the gate (key, address, rate)."""
        resource, *rest = map(unquote, call.path.strip("/").split("/"))
        match call.method, resource, rest:
            case "GET", _, []:
                return self._list(call.query)
            case "GET", _, [conversation_id]:
                return self._retrieve(conversation_id)
            case "POST", "conversations", _:
                return self._begin(call.fields())
            case "POST", _, _:
                return self._send(call.fields())
            case _:
                return self._update_user(rest[0], call.fields())

    def check_route(self, call: Call) -> None:
        """404 for a path Dexra does not have, 405 for a method it lacks."""
        for pattern, methods in ROUTES.items():
            if pattern.fullmatch(call.path.rstrip("/")):
                if call.method not in methods:
                    raise Refusal(405, "Method not allowed", {"Allow": ", ".join(methods)})
                return
        raise Refusal(404, "Not found")

    def refused(self, no: Refusal) -> Answer:
        """An error in the form chosen in the assumptions: none is documented."""
        said, headers = no.said, no.headers
        if no.status == 429 and not self._assume.rate_headers:
            headers = {}
        forms: dict[str, Record] = {
            "object": {"error": {"message": said}},
            "string": {"error": said},
            "message": {"message": said},
        }
        return Answer(no.status, forms[self._assume.error_form], headers)

    def rate_headers(self, left: Allowance) -> dict[str, str]:
        """None are documented; NexaDesk's, if switched on."""
        if not self._assume.rate_headers:
            return {}
        return {
            "X-RateLimit-Limit": str(left.limit),
            "X-RateLimit-Remaining": str(left.remaining),
            "X-RateLimit-Reset": str(left.reset),
        }

    def _list(self, query: Mapping[str, str]) -> Answer:
        status = query.get("status")
        if status is not None and status not in STATUSES:
            raise Refusal(self._assume.invalid_status, f"status must be one of {list(STATUSES)}")
        limit, offset = _limit(query), _offset(query.get("cursor") or "")

        def make(rows: list[Record]) -> list[Record]:
            wanted = [row for row in rows if status in (None, row["status"])]
            return in_order(wanted, "created_at", descending=True)

        rows = self._records.conversations.listed(status, make)
        meta: Record = {"total": len(rows)}
        if offset + limit < len(rows):
            meta["next_cursor"] = cursor_of(offset + limit)
        elif self._assume.end_of_list != "missing":
            meta["next_cursor"] = None if self._assume.end_of_list == "null" else ""
        data = [shown(row) for row in rows[offset : offset + limit]]
        return Answer(200, {"data": data, "meta": meta})

    def _retrieve(self, conversation_id: str) -> Answer:
        row = self._conversation(conversation_id)
        seen = {"id": row["id"], "status": row["status"], "participants": row["_participants"]}
        return Answer(200, seen)

    def _begin(self, body: Record) -> Answer:
        user_id = self._text(body, "user_id", required=True)
        subject, tags = self._text(body, "subject"), body.get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise Refusal(self._assume.invalid_status, "tags must be an array of strings")
        if user_id not in self._records.users:
            if self._assume.unknown_user == "refuse":
                raise Refusal(404, "User not found")
            self._records.add_user({"id": user_id})
        row = self._records.add_conversation(
            {"subject": subject or None, "_tags": tags, "_user_id": user_id}
        )
        begun = {name: row[name] for name in ("id", "status", "created_at")}
        return Answer(self._assume.created_status, begun)

    def _send(self, body: Record) -> Answer:
        conversation_id = self._text(body, "conversation_id", required=True)
        content = self._text(body, "content", required=True)
        kind = body.get("type") or "text"
        if kind not in MESSAGE_TYPES:
            raise Refusal(self._assume.invalid_status, f"type must be one of {list(MESSAGE_TYPES)}")
        row = self._conversation(conversation_id)
        closed = self._assume.whatsapp_window and self._records.window_closed(row)
        if kind == "text" and closed:
            said = "Message window closed: more than 24 hours since the user's last message"
            raise Refusal(self._assume.invalid_status, said)
        message = self._records.say(conversation_id, content, kind=kind, incoming=False)
        sent = {name: message[name] for name in ("id", "conversation_id", "timestamp")}
        return Answer(self._assume.created_status, {**sent, "status": "sent"})

    def _update_user(self, user_id: str, body: Record) -> Answer:
        user = self._records.users.get(user_id)
        if user is None:
            raise Refusal(404, "User not found")
        changes: Record = {}
        if "email" in body:
            changes["email"] = self._email(body)
        if "custom_attributes" in body:
            changes["custom_attributes"] = self._attributes(user, body["custom_attributes"])
        user = self._records.edit_user(user_id, changes)
        profile = {name: user[name] for name in ("id", "email", "custom_attributes")}
        return Answer(200, profile)

    def _attributes(self, user: Record, given: object) -> Record:
        good = isinstance(given, dict) and all(isinstance(one, SCALARS) for one in given.values())
        if not isinstance(given, dict) or not good:
            said = "custom_attributes must be an object of strings and numbers"
            raise Refusal(self._assume.invalid_status, said)
        if self._assume.attributes == "replace":
            return given
        return {**user["custom_attributes"], **given}

    def _email(self, body: Record) -> str | None:
        email = self._text(body, "email")
        if email and not EMAIL.fullmatch(email):
            raise Refusal(self._assume.invalid_status, "email must be a valid email address")
        return email or None

    def _text(self, body: Record, name: str, *, required: bool = False) -> str:
        """A text field; absent and null are the empty string unless required."""
        value = body.get(name)
        if value is None:
            value = ""
        if not isinstance(value, str):
            raise Refusal(self._assume.invalid_status, f"{name} must be a string")
        if required and not value.strip():
            raise Refusal(self._assume.invalid_status, f"{name} is required")
        return value

    def _conversation(self, conversation_id: str) -> Record:
        row = self._records.conversations.get(conversation_id)
        if row is None:
            raise Refusal(404, "Conversation not found")
        return row


def cursor_of(offset: int) -> str:
    """A cursor that decodes to nothing readable: a masked offset with a checksum."""
    packed = struct.pack(">I", offset ^ 0x5BD1E995)
    return base64.urlsafe_b64encode(packed + struct.pack(">I", zlib.crc32(packed))).decode()[:-1]


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        raw = base64.b64decode(cursor + "=", altchars=b"-_", validate=True)
        packed, checksum = struct.unpack(">4sI", raw)
    except (binascii.Error, ValueError, struct.error):
        raise Refusal(400, "Invalid cursor") from None
    if checksum != zlib.crc32(packed):
        raise Refusal(400, "Invalid cursor")
    return int.from_bytes(packed) ^ 0x5BD1E995


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise Refusal(400, "limit must be a number")
    return min(MAX_LIMIT, max(1, int(text)))
