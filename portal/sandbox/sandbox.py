"""The sandbox: both APIs with their data, keys, faults, webhooks and request log."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .clock import Clock
from .dexra.api import DexraApi
from .dexra.assumptions import DexraAssumptions
from .dexra.records import DexraRecords
from .exchange import Record
from .faults import Fault, FaultQueue, Order
from .keys import PREFIX, Key, KeyRing, new_value
from .nexadesk.api import NexaDeskApi
from .nexadesk.assumptions import NexaDeskAssumptions
from .nexadesk.records import NexaDeskRecords
from .requests import RequestLog
from .store import Table
from .webhooks import Endpoint, Webhooks

WORKSPACE_ID = "ws_7h2k9p4d"
NOT_SERVED = "http://sandbox-is-not-served.invalid"


class Sandbox:
    """
    One workspace at NexaDesk and one at Dexra. Empty and without keys until told otherwise.

    `clock` returns Unix seconds; `window_seconds` is the length of the rate window. `add_*`,
    `edit_*` and `delete_*` change data as somebody else would, and send the same webhooks;
    records go in and out as dicts in the API's own field names.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] | None = None,
        window_seconds: float = 60.0,
        nexadesk: NexaDeskAssumptions | None = None,
        dexra: DexraAssumptions | None = None,
        webhooks: Webhooks | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.clock, self.window_seconds = Clock(clock), window_seconds
        self.keys, self.faults, self.requests = KeyRing(), FaultQueue(), RequestLog()
        self.webhooks = webhooks or Webhooks()
        self.nexadesk_assumptions = nexadesk or NexaDeskAssumptions()
        self.dexra_assumptions = dexra or DexraAssumptions()
        self.nexadesk = NexaDeskRecords(self.clock, self._nexadesk_event, self.nexadesk_assumptions)
        self.dexra = DexraRecords(self.clock, self._dexra_event, self.dexra_assumptions)
        self.apis: dict[str, NexaDeskApi | DexraApi] = {
            "nexadesk": NexaDeskApi(self.nexadesk, self.nexadesk_assumptions),
            "dexra": DexraApi(self.dexra, self.dexra_assumptions),
        }
        self.base_url = NOT_SERVED
        self.refused_connections = 0
        self.changed = threading.Event()

    # Addresses and keys

    @property
    def nexadesk_url(self) -> str:
        """What NEXADESK_BASE_URL is to be."""
        return f"{self.base_url}/api/v1/external"

    @property
    def dexra_url(self) -> str:
        """What DEXRA_BASE_URL is to be."""
        return f"{self.base_url}/v1"

    def key(
        self,
        provider: str,
        scopes: Sequence[str] = ("read", "write"),
        rate: int | None = 100,
        addresses: Sequence[str] = (),
        *,
        value: str = "",
        randomness: random.Random | None = None,
    ) -> str:
        """Make an API key and return it; `rate` is calls per window, None for no limit."""
        if provider not in PREFIX:
            raise ValueError(f"no provider is named {provider!r}")
        value = value or new_value(provider, randomness)
        with self.lock:
            self.keys.add(Key(value, provider, frozenset(scopes), rate, tuple(addresses)))
        return value

    def revoke(self, key: str) -> None:
        """Kill a key: it gets 401 from now on."""
        with self.lock:
            self.keys.revoke(key)

    # Faults and webhooks

    def fault(
        self, provider: str, method: str, path: str, *faults: Fault, times: int | None = 1
    ) -> None:
        """
        Order faults for the next calls of a method ("*" any) under a path ("/leads", "*").

        Several faults strike one call after the other; `times` None strikes until cleared.
        """
        for fault in faults:
            self.faults.add(Order(fault, provider, method, path, times))

    def fault_next(self, fault: Fault, times: int | None = 1) -> None:
        """Order a fault for the next calls, whatever they are."""
        self.faults.add(Order(fault, times=times))

    def clear_faults(self) -> None:
        """Cancel all ordered faults, refused connections too."""
        self.faults.clear()
        self.refused_connections = 0

    def refuse_connections(self, count: int) -> None:
        """Reset the next so many new connections before a byte is read."""
        self.refused_connections = count

    def webhook(
        self,
        provider: str,
        url: str,
        *,
        secret: str = "",
        events: Sequence[str] = (),
        chunked: bool = False,
    ) -> Endpoint:
        """Register a webhook address; NexaDesk sends its test ping at once."""
        endpoint = Endpoint(provider, url, secret, tuple(events), chunked)
        with self.lock:
            self.webhooks.endpoints.append(endpoint)
            if provider == "nexadesk":
                signed = self.nexadesk_assumptions.ping_signed
                self.webhooks.ping(endpoint, self._enveloped("ping", {}), signed=signed)
        return endpoint

    # NexaDesk's data

    @property
    def leads(self) -> list[Record]:
        """All leads, oldest first."""
        return self._all(self.nexadesk.leads)

    @property
    def contacts(self) -> list[Record]:
        """All contacts, oldest first."""
        return self._all(self.nexadesk.contacts)

    @property
    def conversations(self) -> list[Record]:
        """All NexaDesk conversations, oldest first."""
        return self._all(self.nexadesk.conversations)

    def lead(self, lead_id: str) -> Record:
        """One lead; KeyError if there is none."""
        return self._one(self.nexadesk.leads, lead_id)

    def contact(self, contact_id: str) -> Record:
        """One contact; KeyError if there is none."""
        return self._one(self.nexadesk.contacts, contact_id)

    def conversation(self, conversation_id: str) -> Record:
        """One NexaDesk conversation; KeyError if there is none."""
        return self._one(self.nexadesk.conversations, conversation_id)

    def messages(self, conversation_id: str) -> list[Record]:
        """The thread of a NexaDesk conversation, oldest first."""
        with self.lock:
            return [dict(row) for row in self.nexadesk.messages.get(conversation_id, [])]

    def add_lead(self, **fields: Any) -> Record:
        """A lead appears."""
        return self._add("leads", fields)

    def edit_lead(self, lead_id: str, **fields: Any) -> Record:
        """Somebody else changes a lead."""
        return self._edit("leads", lead_id, fields)

    def delete_lead(self, lead_id: str) -> None:
        """Somebody else deletes a lead."""
        self._delete("leads", lead_id)

    def add_contact(self, **fields: Any) -> Record:
        """A contact appears."""
        return self._add("contacts", fields)

    def edit_contact(self, contact_id: str, **fields: Any) -> Record:
        """Somebody else changes a contact."""
        return self._edit("contacts", contact_id, fields)

    def delete_contact(self, contact_id: str) -> None:
        """Somebody else deletes a contact; NexaDesk sends no event for it."""
        self._delete("contacts", contact_id)

    def add_conversation(self, *, thread: Sequence[tuple[str, str]] = (), **fields: Any) -> Record:
        """A conversation begins; `thread` is (sender, text) pairs, oldest first."""
        with self.lock:
            record = self._add("conversations", fields)
            for sender, text in thread:
                self.nexadesk.say(record["id"], text, sender)
            return self.conversation(record["id"])

    def edit_conversation(self, conversation_id: str, **fields: Any) -> Record:
        """Somebody else changes a conversation."""
        return self._edit("conversations", conversation_id, fields)

    def delete_conversation(self, conversation_id: str) -> None:
        """A conversation vanishes, though no call deletes one."""
        self._delete("conversations", conversation_id)

    def add_message(self, conversation_id: str, text: str, sender: str = "visitor") -> Record:
        """A message arrives in a NexaDesk conversation, from "visitor", "agent" or "bot"."""
        with self.lock:
            return dict(self.nexadesk.say(conversation_id, text, sender))

    def add_representative(self, first_name: str, last_name: str, email: str) -> str:
        """A representative joins; returns the id for `assigned_rep_id`."""
        with self.lock:
            return self.nexadesk.representative(first_name, last_name, email)

    # Dexra's data

    @property
    def dexra_conversations(self) -> list[Record]:
        """All Dexra conversations, oldest first, with our own underscored fields."""
        return self._all(self.dexra.conversations)

    @property
    def dexra_users(self) -> list[Record]:
        """All Dexra users."""
        return self._all(self.dexra.users)

    def dexra_conversation(self, conversation_id: str) -> Record:
        """One Dexra conversation; KeyError if there is none."""
        return self._one(self.dexra.conversations, conversation_id)

    def dexra_user(self, user_id: str) -> Record:
        """One Dexra user; KeyError if there is none."""
        return self._one(self.dexra.users, user_id)

    def dexra_messages(self, conversation_id: str) -> list[Record]:
        """The thread of a Dexra conversation, notes too: id, type, text, incoming, timestamp."""
        with self.lock:
            return [dict(row) for row in self.dexra.messages.get(conversation_id, [])]

    def add_dexra_conversation(
        self, *, user_id: str | None = None, channel: str = "email", **fields: Any
    ) -> Record:
        """A Dexra conversation begins; fields: id, status, subject, created_at, last_message."""
        with self.lock:
            given = {"_user_id": user_id, "_channel": channel, **fields}
            if "participants" in given:
                given["_participants"] = given.pop("participants")
            return dict(self.dexra.add_conversation(given))

    def edit_dexra_conversation(self, conversation_id: str, **fields: Any) -> Record:
        """Somebody closes, snoozes or renames a Dexra conversation."""
        with self.lock:
            return dict(self.dexra.edit_conversation(conversation_id, fields))

    def delete_dexra_conversation(self, conversation_id: str) -> None:
        """A Dexra conversation vanishes."""
        with self.lock:
            self.dexra.delete_conversation(conversation_id)

    def add_dexra_user(self, **fields: Any) -> Record:
        """A Dexra user appears: id, email, custom_attributes, first_name, username."""
        with self.lock:
            return dict(self.dexra.add_user(fields))

    def edit_dexra_user(self, user_id: str, **fields: Any) -> Record:
        """Somebody else changes a Dexra user."""
        with self.lock:
            return dict(self.dexra.edit_user(user_id, fields))

    def incoming_message(self, conversation_id: str, text: str) -> Record:
        """A customer writes in a Dexra conversation."""
        with self.lock:
            return dict(self.dexra.say(conversation_id, text, incoming=True))

    def outgoing_message(self, conversation_id: str, text: str, *, by: str = "") -> Record:
        """Somebody else (by="ai": the AI) answers in a Dexra conversation."""
        with self.lock:
            return dict(self.dexra.say(conversation_id, text, incoming=False, by=by))

    # Keeping

    def dump(self) -> Record:
        """All data, keys and webhook addresses as JSON."""
        with self.lock:
            return {
                "nexadesk": self.nexadesk.dump(),
                "dexra": self.dexra.dump(),
                "keys": self.keys.dump(),
                "webhooks": [endpoint.dump() for endpoint in self.webhooks.endpoints],
            }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `dump` gave."""
        with self.lock:
            self.nexadesk.load(state["nexadesk"])
            self.dexra.load(state["dexra"])
            self.keys.load(state["keys"])
            rows = [{**row, "events": tuple(row["events"])} for row in state["webhooks"]]
            self.webhooks.endpoints = [Endpoint(**row) for row in rows]

    def _all(self, table: Table) -> list[Record]:
        with self.lock:
            return [dict(row) for row in table.all()]

    def _one(self, table: Table, record_id: str) -> Record:
        with self.lock:
            row = table.get(record_id)
        if row is None:
            raise KeyError(record_id)
        return dict(row)

    def _add(self, kind: str, fields: Record) -> Record:
        with self.lock:
            return dict(self.nexadesk.add(kind, fields))

    def _edit(self, kind: str, record_id: str, fields: Record) -> Record:
        with self.lock:
            return dict(self.nexadesk.edit(kind, record_id, fields))

    def _delete(self, kind: str, record_id: str) -> None:
        with self.lock:
            self.nexadesk.delete(kind, record_id)

    def _nexadesk_event(self, event: str, data: Record) -> None:
        self.webhooks.emit("nexadesk", event, self._enveloped(event, data))

    def _enveloped(self, event: str, data: Record) -> Record:
        at = self.nexadesk.now()
        return {"event": event, "timestamp": at, "workspace_id": WORKSPACE_ID, "data": data}

    def _dexra_event(self, event: str, body: Record) -> None:
        self.webhooks.emit("dexra", event, body)
