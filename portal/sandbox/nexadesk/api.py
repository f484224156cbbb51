"""NexaDesk's endpoints, under /api/v1/external."""

from __future__ import annotations

from portal.sandbox.exchange import Answer, Call, Record, Refusal
from portal.sandbox.keys import Allowance

from .assumptions import NexaDeskAssumptions
from .checks import contact_fields, conversation_fields, lead_fields
from .lists import listed
from .records import NexaDeskRecords

BASE_PATH = "/api/v1/external"
METHODS = {
    "leads": ("GET", "POST", "PATCH", "DELETE"),
    "contacts": ("GET", "POST", "PATCH", "DELETE"),
    "conversations": ("GET", "PATCH"),
}
SINGULAR = {"leads": "Lead", "contacts": "Contact", "conversations": "Conversation"}


class NexaDeskApi:
    """Answers calls from the records; callers hold the sandbox's lock."""

    def __init__(self, records: NexaDeskRecords, assumptions: NexaDeskAssumptions) -> None:
        self._records, self._assume = records, assumptions

    def answer(self, call: Call) -> Answer:
        """Apply a call that has passed the gate (key, address, rate)."""
        kind = call.path.strip("/")
        match call.method:
            case "GET" if "id" in call.query:
                return self._one(kind, self._find(kind, call))
            case "GET":
                return self._list(kind, call)
            case "POST":
                return self._create(kind, call)
            case "PATCH":
                return self._update(kind, call)
            case _:
                return self._delete(kind, call)

    def check_route(self, call: Call) -> None:
        """404 for a path NexaDesk does not have, 405 for a method the resource lacks."""
        methods = METHODS.get(call.path.strip("/"))
        if methods is None:
            raise Refusal(404, "Not found")
        if call.method not in methods:
            raise Refusal(405, "Method not allowed", {"Allow": ", ".join(methods)})

    def refused(self, no: Refusal) -> Answer:
        """NexaDesk's error envelope."""
        return Answer(no.status, {"success": False, "error": no.said}, no.headers)

    def rate_headers(self, left: Allowance) -> dict[str, str]:
        """The three headers of every NexaDesk answer."""
        return {
            "X-RateLimit-Limit": str(left.limit),
            "X-RateLimit-Remaining": str(left.remaining),
            "X-RateLimit-Reset": str(left.reset),
        }

    def _list(self, kind: str, call: Call) -> Answer:
        rows, pagination = listed(self._records.table(kind), kind, call.query, self._assume)
        data = [self._records.visible(kind, row) for row in rows]
        return Answer(200, {"success": True, "data": data, "pagination": pagination})

    def _one(self, kind: str, record: Record) -> Answer:
        if kind == "conversations":
            return self._success(200, self._with_thread(record))
        return self._success(200, self._records.visible(kind, record))

    def _create(self, kind: str, call: Call) -> Answer:
        body = call.fields()
        if kind == "leads":
            fields = lead_fields(body, creating=True, assume=self._assume)
            fields.setdefault("source", self._assume.default_source)
        else:
            fields = contact_fields(body, creating=True, assume=self._assume)
            self._refuse_taken(fields.get("email"))
        return self._one_written(201, kind, self._records.add(kind, fields))

    def _update(self, kind: str, call: Call) -> Answer:
        record = self._find(kind, call)
        body = call.fields()
        if kind == "leads":
            fields = lead_fields(body, creating=False, assume=self._assume)
        elif kind == "contacts":
            fields = contact_fields(body, creating=False, assume=self._assume)
            self._refuse_taken(fields.get("email"), other_than=record["id"])
        else:
            fields = conversation_fields(body, assume=self._assume)
        return self._one_written(200, kind, self._records.edit(kind, record["id"], fields))

    def _delete(self, kind: str, call: Call) -> Answer:
        record = self._find(kind, call)
        self._records.delete(kind, record["id"])
        if self._assume.delete_status == 204:
            return Answer(204, body=b"")
        return self._success(self._assume.delete_status, {"id": record["id"]})

    def _find(self, kind: str, call: Call) -> Record:
        record_id = call.query.get("id")
        if not record_id:
            raise Refusal(400, "id is required")
        record = self._records.table(kind).get(record_id)
        if record is None:
            raise Refusal(self._assume.not_found, f"{SINGULAR[kind]} not found")
        return record

    def _refuse_taken(self, email: str | None, other_than: str = "") -> None:
        if email and self._records.contact_with_email(email, other_than=other_than):
            raise Refusal(409, "A contact with this email already exists")

    def _one_written(self, status: int, kind: str, record: Record) -> Answer:
        data = self._records.visible(kind, record)
        if kind == "conversations" and self._assume.patched_conversation_wrapped:
            data = {"conversation": data}
        return self._success(status, data)

    def _with_thread(self, conversation: Record) -> Record:
        data = self._records.visible("conversations", conversation)
        messages = list(self._records.messages.get(conversation["id"], []))
        if self._assume.messages_inside:
            return {"conversation": {**data, "messages": messages}}
        return {"conversation": data, "messages": messages}

    def _success(self, status: int, data: Record) -> Answer:
        payload: Record = {"success": True, "data": data}
        if self._assume.pagination_on_single:
            one = {"has_more": False, "next_cursor": None, "total_count": 1, "limit": 20}
            payload["pagination"] = one
        return Answer(status, payload)
