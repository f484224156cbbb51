"""Dexra's records and what may change them, with the events each change sends."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Mapping

from portal.sandbox.clock import Clock, seconds
from portal.sandbox.exchange import Record
from portal.sandbox.store import Table

from .assumptions import DexraAssumptions

type Emit = Callable[[str, Record], None]

ALPHABET = "abcdefghijkmnpqrstuvwxyz0123456789"


class DexraRecords:
    """
    The workspace's data. Callers hold the sandbox's lock.

    A conversation keeps its user, channel, tags and participants in underscored fields, since
    no list shows them. `messages` holds each thread, which no call of the API can read.
    """

    def __init__(self, clock: Clock, emit: Emit, assumptions: DexraAssumptions) -> None:
        self._clock, self._emit, self._assume = clock, emit, assumptions
        self.conversations, self.users = Table(), Table()
        self.messages: dict[str, list[Record]] = {}

    def now(self) -> str:
        """Now, as Dexra writes it in conversations."""
        return seconds(self._clock.time())

    def add_conversation(self, fields: Mapping[str, object]) -> Record:
        """Begin a conversation."""
        record: Record = {
            "id": new_id("conv"),
            "status": "open",
            "subject": None,
            "created_at": self.now(),
            "last_message": None,
            "_user_id": None,
            "_channel": "email",
            "_tags": [],
            "_participants": [],
        }
        record.update(fields)
        user = self.users.get(record["_user_id"] or "")
        if user and not record["_participants"]:
            record["_participants"] = [participant(user)]
        self.conversations.put(record)
        self._emit("conversation_created", self._event(record, {"status": record["status"]}))
        return record

    def edit_conversation(self, conversation_id: str, fields: Mapping[str, object]) -> Record:
        """Change a conversation as an agent in Dexra's own inbox would; no event is documented."""
        record = self._conversation(conversation_id)
        return self.conversations.put({**record, **fields})

    def delete_conversation(self, conversation_id: str) -> Record:
        """Remove a conversation for good."""
        self.messages.pop(conversation_id, None)
        return self.conversations.remove(conversation_id)

    def add_user(self, fields: Mapping[str, object]) -> Record:
        """Make a user profile."""
        user: Record = {"id": new_id("u"), "email": None, "custom_attributes": {}}
        user.update(fields)
        return self.users.put(user)

    def edit_user(self, user_id: str, fields: Mapping[str, object]) -> Record:
        """Change a profile."""
        user = self.users.get(user_id)
        if user is None:
            raise KeyError(f"no user {user_id!r}")
        user = self.users.put({**user, **fields})
        about = {"user": _who(user), "custom_attributes": user["custom_attributes"]}
        self._emit("user_updated", {"event": "user_updated", "data": about})
        return user

    def say(
        self, conversation_id: str, text: str, *, kind: str = "text", incoming: bool, by: str = ""
    ) -> Record:
        """
        Add a message: `kind` is "text" or "private_note", `by` is "ai" for the AI's.

        Sends `message_in` or `message_out`; a private note sends nothing.
        """
        conversation = self._conversation(conversation_id)
        message: Record = {
            "id": new_id("msg"),
            "conversation_id": conversation_id,
            "type": kind,
            "text": text,
            "incoming": incoming,
            "timestamp": int(self._clock.now()),
        }
        self.messages.setdefault(conversation_id, []).append(message)
        if kind == "private_note":
            return message
        changes: Record = {"last_message": {"id": message["id"], "text": text}}
        if not incoming and self._assume.reopen_on_message:
            changes["status"] = "open"
        conversation = self.conversations.put({**conversation, **changes})
        self._emit(
            "message_in" if incoming else "message_out", self._said(conversation, message, by)
        )
        return message

    def window_closed(self, conversation: Record) -> bool:
        """Whether WhatsApp's 24 hours since the user's last message have passed."""
        if conversation.get("_channel") != "whatsapp":
            return False
        thread = self.messages.get(conversation["id"], [])
        heard = max((row["timestamp"] for row in thread if row["incoming"]), default=0)
        return bool(self._clock.now() - heard > 24 * 3600)

    def _conversation(self, conversation_id: str) -> Record:
        record = self.conversations.get(conversation_id)
        if record is None:
            raise KeyError(f"no conversation {conversation_id!r}")
        return record

    def _said(self, conversation: Record, message: Record, by: str) -> Record:
        """The body of a message event; which fields it has depends on the channel."""
        channel = conversation["_channel"]
        event = "message_in" if message["incoming"] else "message_out"
        if self._assume.webhook_form == "flat":
            return {
                "event": event,
                "conversation_id": self._webhook_id(conversation),
                "message_text": message["text"],
                "source_channel": channel,
            }
        body: Record = {"event": event, "channel": channel}
        if by:
            body["source"] = by
        if channel == "instagram":
            body["timestamp"] = self.now()
        body["data"] = self._message_data(conversation, message, by)
        return body

    def _message_data(self, conversation: Record, message: Record, by: str) -> Record:
        """`data` of a message event, as the help page of each channel shows it."""
        channel = conversation["_channel"]
        data: Record = {"conversation_id": self._webhook_id(conversation)}
        user = self.users.get(conversation["_user_id"] or "")
        if user and message["incoming"]:
            data["user"] = _who(user)
        said: Record = {"content": message["text"]}
        if not by and channel != "telegram":
            said["id"] = message["id"]
        if channel == "email":
            said["subject"] = conversation["subject"]
        if channel != "instagram":
            said["type"] = "email" if channel == "email" else "text"
        return {**data, "message": said}

    def _event(self, conversation: Record, more: Record) -> Record:
        data = {"conversation_id": self._webhook_id(conversation), **more}
        return {
            "event": "conversation_created",
            "channel": conversation["_channel"],
            "data": data,
        }

    def _webhook_id(self, conversation: Record) -> str:
        """The id a webhook gives: the API's, or bare digits (TG_ and digits on Telegram)."""
        record_id: str = conversation["id"]
        if self._assume.webhook_ids == "rest":
            return record_id
        digits = str(zlib.crc32(record_id.encode()))
        return f"TG_{digits}" if conversation["_channel"] == "telegram" else digits

    def dump(self) -> Record:
        """All data as JSON."""
        return {
            "conversations": self.conversations.all(),
            "users": self.users.all(),
            "messages": self.messages,
        }

    def load(self, data: Record) -> None:
        """Replace all data by what `dump` gave."""
        self.conversations.load(data["conversations"])
        self.users.load(data["users"])
        self.messages = data["messages"]


def new_id(prefix: str) -> str:
    """conv_5k2m1p8r: an id in Dexra's form."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(10))


def participant(user: Record) -> Record:
    """A user as an item of `participants`; the documentation leaves the shape open."""
    names = ("id", "email", "first_name")
    found = {name: user[name] for name in names if user.get(name)}
    return {**found, "type": "user"}


def _who(user: Record) -> Record:
    """A user as an event shows it: its id and what else is known of it."""
    known = {name: user.get(name) for name in ("email", "username") if user.get(name)}
    return {"id": user["id"], **known}
