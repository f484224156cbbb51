"""NexaDesk's records and what may change them, with the events each change sends."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from portal.sandbox.clock import Clock, milliseconds
from portal.sandbox.exchange import Record
from portal.sandbox.store import Table, shown

from .assumptions import NexaDeskAssumptions

type Emit = Callable[[str, Record], None]

KINDS = ("leads", "contacts", "conversations")
THIN_LEAD = ("id", "visitor_name", "visitor_email", "pipeline_stage", "source", "created_at")

LEAD: Record = {
    "visitor_name": None,
    "visitor_email": None,
    "visitor_phone": None,
    "visitor_company": None,
    "pipeline_stage": "new",
    "need_summary": None,
    "tags": [],
    "source": "widget",
    "expected_billing_amount": None,
    "assigned_rep_id": None,
    "rep_first_name": None,
    "rep_last_name": None,
    "rep_email": None,
}
CONTACT: Record = {
    "first_name": None,
    "last_name": None,
    "email": None,
    "phone": None,
    "company_name": None,
    "avatar_url": None,
    "tags": [],
    "profile_notes": None,
    "interest_summary": None,
    "conversation_count": 0,
    "last_conversation_at": None,
}
CONVERSATION: Record = {
    "source": "widget",
    "status": "open",
    "tags": [],
    "agent_id": None,
    "department_id": None,
    "visitor_name": None,
    "visitor_email": None,
    "visitor_company": None,
    "agent_name": None,
    "last_message": None,
    "message_count": 0,
}


class NexaDeskRecords:
    """
    The workspace's data. Callers hold the sandbox's lock.

    `leads`, `contacts` and `conversations` hold records in the API's own shape,
    `messages` holds each conversation's thread, `reps` the representatives.
    """

    def __init__(self, clock: Clock, emit: Emit, assumptions: NexaDeskAssumptions) -> None:
        self._clock, self._emit, self._assume = clock, emit, assumptions
        self.leads, self.contacts, self.conversations = Table(), Table(), Table()
        self.reps = Table()
        self.messages: dict[str, list[Record]] = {}

    def table(self, kind: str) -> Table:
        """The table of "leads", "contacts" or "conversations"."""
        tables = {kind: getattr(self, kind) for kind in KINDS}
        table: Table = tables[kind]
        return table

    def now(self) -> str:
        """Now, as NexaDesk writes it."""
        return milliseconds(self._clock.time())

    def add(self, kind: str, fields: Mapping[str, object]) -> Record:
        """Make a record; fields left out get the kind's usual value."""
        now = self.now()
        blank = {"leads": LEAD, "contacts": CONTACT, "conversations": CONVERSATION}[kind]
        record: Record = {"id": str(uuid.uuid4()), **blank, "created_at": now}
        moves = "last_activity" if kind == "contacts" else "updated_at"
        record[moves] = fields.get("created_at", now)
        record.update(fields)
        if kind == "leads":
            record |= self._representative(record["assigned_rep_id"], fields)
        self.table(kind).put(record)
        if kind == "conversations":
            self._touch_contact(record, record["created_at"], new=1)
        self.announce(kind, record, "created")
        return record

    def edit(self, kind: str, record_id: str, fields: Mapping[str, object]) -> Record:
        """Change some fields of a record; `updated_at` moves where the kind has one."""
        before = self.table(kind).get(record_id)
        if before is None:
            raise KeyError(f"no record {record_id!r} among the {kind}")
        record: Record = {**before}
        if kind != "contacts":
            record["updated_at"] = self.now()
        record.update(fields)
        if "assigned_rep_id" in fields:
            record |= self._representative(record["assigned_rep_id"], fields)
        self.table(kind).put(record)
        self.announce(kind, record, "updated")
        if kind == "conversations" and before["status"] != "archived" == record["status"]:
            self.announce(kind, record, "closed")
        return record

    def delete(self, kind: str, record_id: str) -> Record:
        """Remove a record for good."""
        record = self.table(kind).remove(record_id)
        if kind == "leads":
            self._emit("lead.deleted", {"id": record_id})
        self.messages.pop(record_id, None)
        return record

    def say(self, conversation_id: str, text: str, sender: str, sent_at: str = "") -> Record:
        """Add a message to a thread; sender is "visitor", "agent" or "bot"."""
        conversation = self.conversations.get(conversation_id)
        if conversation is None:
            raise KeyError(f"no conversation {conversation_id!r}")
        at = sent_at or self.now()
        sender_name, text_name = self._assume.message_fields
        message = {"id": str(uuid.uuid4()), sender_name: sender, text_name: text, "created_at": at}
        thread = self.messages.setdefault(conversation_id, [])
        thread.append(message)
        changes = {"last_message": text, "message_count": len(thread), "updated_at": at}
        self.conversations.put({**conversation, **changes})
        self._touch_contact(conversation, at)
        self._emit("message.created", {**message, "conversation_id": conversation_id})
        return message

    def representative(self, first_name: str, last_name: str, email: str) -> str:
        """Take on a sales representative; returns the id for `assigned_rep_id`."""
        rep_id = str(uuid.uuid4())
        self.reps.put(
            {"id": rep_id, "first_name": first_name, "last_name": last_name, "email": email}
        )
        return rep_id

    def contact_with_email(self, email: str, *, other_than: str = "") -> Record | None:
        """The contact that holds an address, whatever its case."""
        wanted = email.casefold()
        for row in self.contacts.all():
            if (row.get("email") or "").casefold() == wanted and row["id"] != other_than:
                return row
        return None

    def visible(self, kind: str, record: Record) -> Record:
        """The record as the API shows it."""
        out = shown(record)
        if kind == "leads" and self._assume.show_lead_score:
            out.setdefault("lead_score", record.get("_lead_score"))
        return out

    def announce(self, kind: str, record: Record, what: str) -> None:
        """Send the webhook event of a change, if NexaDesk has one for it."""
        event = f"{kind.removesuffix('s')}.{what}"
        data = self.visible(kind, record)
        if event == "lead.created" and self._assume.thin_events:
            data = {name: data[name] for name in THIN_LEAD}
        self._emit(event, data)

    def _touch_contact(self, conversation: Record, at: str, new: int = 0) -> None:
        """What is said in a conversation is activity of the contact with the same address."""
        email = conversation.get("visitor_email")
        contact = self.contact_with_email(email) if email else None
        if contact is None:
            return
        count = contact["conversation_count"] + new
        times = {"last_activity": at, "last_conversation_at": at}
        self.contacts.put({**contact, **times, "conversation_count": count})

    def _representative(self, rep_id: object, given: Mapping[str, object]) -> Record:
        """The rep_* fields that follow from an assignment, unless given themselves."""
        rep = self.reps.get(rep_id) if isinstance(rep_id, str) else None
        derived: Record = {
            f"rep_{name}": rep[name] if rep else None
            for name in ("first_name", "last_name", "email")
        }
        return {name: given.get(name, value) for name, value in derived.items()}

    def dump(self) -> Record:
        """All data as JSON."""
        tables = {kind: self.table(kind).all() for kind in KINDS}
        return {**tables, "reps": self.reps.all(), "messages": self.messages}

    def load(self, data: Record) -> None:
        """Replace all data by what `dump` gave."""
        for kind in (*KINDS, "reps"):
            getattr(self, kind).load(data[kind])
        self.messages = data["messages"]
