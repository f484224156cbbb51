"""Dexra's made-up users and conversations."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from portal.sandbox.clock import seconds
from portal.sandbox.data.people import Crowd, Person
from portal.sandbox.data.threads import Line, Thread, tell
from portal.sandbox.data.times import Past
from portal.sandbox.data.words import CITIES, REPRESENTATIVES
from portal.sandbox.dexra.records import ALPHABET, DexraRecords, participant
from portal.sandbox.exchange import Record

CHANNELS = {"email": 32, "whatsapp": 28, "instagram": 14, "telegram": 14, "messenger": 6, "web": 6}
PLANS = ("free", "starter", "pro", "enterprise")
SUBJECTS = {
    "delivery": ("Late parcel", "Where is my order?", "Delivery on Saturday?", "Wrong address"),
    "billing": ("Invoice copy", "Charged twice", "VAT number missing", "Refund"),
    "booking": ("Moving my appointment", "Table for Friday", "Room for a seminar"),
    "bug": ("Checkout does not finish", "Error 500 on upload", "App crashes"),
    "pricing": ("Question about prices", "Offer for our team", "Wholesale"),
    "return": ("Arrived broken", "Return without a printer", "Wrong size"),
    "account": ("Cannot sign in", "New e-mail address", "Delete my account"),
    "product": ("Is it available in green?", "Data sheet", "Will it fit?"),
}
NOTES = (
    "Called him, will ring back tomorrow before ten.",
    "Careful: third complaint this year, offered a voucher.",
    "Warehouse confirms: two left.",
    "She is the sister of the buyer at Delta Print.",
    "Waiting for the carrier, ticket 4471.",
    "Bitte nicht vor Montag antworten, Kundin im Urlaub.",
)


def fill_dexra(
    records: DexraRecords, crowd: Crowd, past: Past, chance: random.Random, count: int
) -> None:
    """So many conversations, oldest first, with about two thirds as many users."""
    maker = _Maker(records, crowd, past, chance)
    for created in past.moments(count):
        maker.conversation(created)


class _Maker:
    def __init__(
        self, records: DexraRecords, crowd: Crowd, past: Past, chance: random.Random
    ) -> None:
        self._records, self._crowd, self._past, self._chance = records, crowd, past, chance
        self._users: list[tuple[Record, Person]] = []

    def conversation(self, begun: datetime) -> None:
        """One conversation with its thread, and perhaps a new user."""
        chance = self._chance
        user, person = self._user()
        agent = chance.choice(REPRESENTATIVES)
        status = self._status(begun)
        now = self._past.now
        thread = tell(person, agent[0], status=status, begun=begun, now=now, chance=chance)
        if chance.random() < 0.03:
            thread = Thread(thread.subject, ())
        record: Record = {
            "id": self._id("conv"),
            "status": status,
            "subject": self._subject(thread, user["_channel"], person),
            "created_at": seconds(thread.lines[0].at if thread.lines else begun),
            "last_message": None,
            "_user_id": user["id"],
            "_channel": user["_channel"],
            "_tags": [thread.subject],
            "_participants": self._participants(user, agent, thread),
        }
        messages = self._messages(record["id"], thread.lines)
        said = [row for row in messages if row["type"] == "text"]
        if said:
            record["last_message"] = {"id": said[-1]["id"], "text": said[-1]["text"]}
        self._records.conversations.put(record)
        self._records.messages[record["id"]] = messages

    def _user(self) -> tuple[Record, Person]:
        """A user seen before, or a new one; on Telegram without an address."""
        chance = self._chance
        if self._users and chance.random() < 0.34:
            return chance.choice(self._users)
        person = self._crowd.person()
        channel = chance.choices(list(CHANNELS), list(CHANNELS.values()))[0]
        number = chance.randrange(10_000, 99_999)
        user: Record = {
            "id": f"u_{number}{len(self._users)}",
            "email": None if channel == "telegram" else person.email,
            "custom_attributes": self._attributes(),
            "first_name": person.first,
            "_channel": channel,
        }
        if channel in ("telegram", "instagram"):
            user["username"] = person.email.partition("@")[0].replace(".", "_")
        self._records.users.put(user)
        self._users.append((user, person))
        return user, person

    def _attributes(self) -> Record:
        chance = self._chance
        found: Record = {
            "plan": chance.choice(PLANS),
            "seats": chance.randrange(1, 40),
            "ltv": round(chance.lognormvariate(6, 1), 2),
            "city": chance.choice(CITIES),
            "newsletter": chance.choice(("yes", "no")),
        }
        wanted = chance.sample(list(found), chance.randrange(len(found) + 1))
        return {name: found[name] for name in found if name in wanted}

    def _status(self, begun: datetime) -> str:
        days = (self._past.now - begun) / timedelta(days=1)
        if self._chance.random() < min(0.85, 0.08 + days / 60):
            return "closed"
        return "snoozed" if self._chance.random() < 0.25 else "open"

    def _subject(self, thread: Thread, channel: str, person: Person) -> str | None:
        """E-mails have a subject line, sometimes the start of what was written; chats seldom."""
        chance = self._chance
        if channel != "email" and chance.random() < 0.7:
            return None
        if thread.lines and (person.language not in ("en", "nl") or chance.random() < 0.2):
            text = thread.lines[0].text
            return text if len(text) <= 60 else text[:57].rstrip() + "…"
        return chance.choice(SUBJECTS[thread.subject])

    def _participants(
        self, user: Record, agent: tuple[str, str, str], thread: Thread
    ) -> list[object]:
        """Mostly objects, sometimes bare ids: the documentation leaves the shape open."""
        bare = self._chance.random() < 0.18
        people: list[Record] = [participant(user)]
        senders = {line.sender for line in thread.lines}
        if "agent" in senders:
            name, _, email = agent
            place = REPRESENTATIVES.index(agent)
            people.append(
                {"id": f"agent_{place}", "email": email, "first_name": name, "type": "agent"}
            )
        if "bot" in senders:
            people.append({"id": "dexra_ai", "type": "ai"})
        return [one["id"] for one in people] if bare else list(people)

    def _messages(self, conversation_id: str, lines: tuple[Line, ...]) -> list[Record]:
        """The thread, with a private note here and there."""
        rows = []
        for line in lines:
            rows.append(self._message(conversation_id, line, "text"))
            if line.sender == "agent" and self._chance.random() < 0.15:
                note = Line("agent", self._chance.choice(NOTES), line.at)
                rows.append(self._message(conversation_id, note, "private_note"))
        return rows

    def _message(self, conversation_id: str, line: Line, kind: str) -> Record:
        return {
            "id": self._id("msg"),
            "conversation_id": conversation_id,
            "type": kind,
            "text": line.text,
            "incoming": line.sender == "visitor",
            "timestamp": int(line.at.timestamp()),
        }

    def _id(self, prefix: str) -> str:
        return f"{prefix}_" + "".join(self._chance.choices(ALPHABET, k=8))
