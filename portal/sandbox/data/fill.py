"""Fill a sandbox with made-up data; the same for the same seed, but for the time of day."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.sandbox.clock import milliseconds
from portal.sandbox.data import words
from portal.sandbox.data.dexra import fill_dexra
from portal.sandbox.data.people import Crowd, Person
from portal.sandbox.data.threads import Line, tell
from portal.sandbox.data.times import Past
from portal.sandbox.exchange import Record
from portal.sandbox.nexadesk.records import CONTACT, CONVERSATION, LEAD
from portal.sandbox.sandbox import Sandbox

DEPARTMENTS = 3
SETTLED = ("contacted", "converted", "lost", "assigned", "demo booked")


@dataclass(frozen=True)
class Amounts:
    """How many records of each kind."""

    leads: int = 1204
    contacts: int = 800
    conversations: int = 300
    dexra_conversations: int = 160


def fill(sandbox: Sandbox, amounts: Amounts | None = None, *, seed: int = 1) -> None:
    """Put made-up records of both services into an empty sandbox; no webhook is sent."""
    amounts = amounts or Amounts()
    chance = random.Random(seed)
    with sandbox.lock:
        workspace = _Workspace(sandbox, chance)
        workspace.contacts(amounts.contacts)
        workspace.leads(amounts.leads)
        workspace.conversations(amounts.conversations)
        workspace.count_conversations()
        fill_dexra(
            sandbox.dexra, workspace.crowd, workspace.past, chance, amounts.dexra_conversations
        )


class _Workspace:
    """NexaDesk's part: people first, so that leads and visitors are partly known contacts."""

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self._records, self._chance = sandbox.nexadesk, chance
        self.past = Past(sandbox.clock.time(), chance)
        self.crowd = Crowd(chance)
        self._known: list[Person] = []
        self._reps: list[Record] = []
        self._departments = [self._id() for _ in range(DEPARTMENTS)]
        for first, last, email in words.REPRESENTATIVES:
            rep = {"id": self._id(), "first_name": first, "last_name": last, "email": email}
            self._reps.append(self._records.reps.put(rep))

    def contacts(self, count: int) -> None:
        """Contacts, oldest first; the newest are hours old."""
        for created in self.past.moments(count):
            person = self.crowd.person()
            self._known.append(person)
            self._records.contacts.put(self._contact(person, created))

    def _contact(self, person: Person, created: datetime) -> Record:
        pick, luck = self._chance.choice, self._chance.random
        lonely = luck() < 0.05
        return {
            "id": self._id(),
            **CONTACT,
            "first_name": person.first,
            "last_name": None if luck() < 0.06 else person.family,
            "email": None if lonely else person.email,
            "phone": person.phone,
            "company_name": person.company,
            "tags": self._some(words.CONTACT_TAGS, (45, 35, 15, 5)),
            "profile_notes": pick(words.NOTES) if luck() < 0.4 else None,
            "interest_summary": pick(words.INTERESTS) if luck() < 0.55 else None,
            "last_activity": milliseconds(self.past.after(created)),
            "created_at": milliseconds(created),
        }

    def leads(self, count: int) -> None:
        """Leads, oldest first; about a third are people already known as contacts."""
        for created in self.past.moments(count):
            person = self._someone(known=0.33)
            self._records.leads.put(self._lead(person, created))

    def _lead(self, person: Person, created: datetime) -> Record:
        luck = self._chance.random
        stage = self._weighted(words.STAGES)
        rep = self._representative(0.92 if stage in SETTLED else 0.14)
        return {
            "id": self._id(),
            **LEAD,
            "visitor_name": person.full,
            "visitor_email": None if luck() < 0.06 else person.email,
            "visitor_phone": person.phone,
            "visitor_company": person.company,
            "pipeline_stage": stage,
            "need_summary": None if luck() < 0.12 else self._need(),
            "tags": self._some(words.LEAD_TAGS, (38, 36, 20, 6)),
            "source": self._weighted(words.SOURCES),
            "expected_billing_amount": self._amount(stage),
            **rep,
            "created_at": milliseconds(created),
            "updated_at": milliseconds(self.past.after(created)),
            "_lead_score": min(100, max(1, round(self._chance.gauss(52, 22)))),
        }

    def conversations(self, count: int) -> None:
        """Conversations with their threads; the older, the likelier archived."""
        for created in self.past.moments(count):
            person = self._someone(known=0.6)
            status = self._status(created)
            rep = self._chance.choice(self._reps)
            thread = tell(
                person,
                rep["first_name"],
                status=status,
                begun=created,
                now=self.past.now,
                chance=self._chance,
            )
            record = self._conversation(person, status, rep, thread.subject, thread.lines)
            self._records.conversations.put(record)
            self._records.messages[record["id"]] = [self._message(line) for line in thread.lines]

    def _conversation(
        self, person: Person, status: str, rep: Record, subject: str, lines: tuple[Line, ...]
    ) -> Record:
        luck = self._chance.random
        unknown = luck() < 0.08
        answered = any(line.sender == "agent" for line in lines)
        tags = self._some(words.CONVERSATION_TAGS[subject], (20, 65, 15))
        return {
            "id": self._id(),
            **CONVERSATION,
            "source": self._weighted(words.SOURCES, without=("api", "manual")),
            "status": status,
            "tags": tags,
            "created_at": milliseconds(lines[0].at),
            "updated_at": milliseconds(lines[-1].at),
            "agent_id": rep["id"] if answered else None,
            "department_id": self._chance.choice(self._departments) if luck() < 0.6 else None,
            "visitor_name": None if unknown else person.full,
            "visitor_email": None if unknown else person.email,
            "visitor_company": None if unknown else person.company,
            "agent_name": f"{rep['first_name']} {rep['last_name']}" if answered else None,
            "last_message": lines[-1].text,
            "message_count": len(lines),
        }

    def _message(self, line: Line) -> Record:
        return {
            "id": self._id(),
            "sender_type": line.sender,
            "content": line.text,
            "created_at": milliseconds(line.at),
        }

    def count_conversations(self) -> None:
        """Give each contact the number and time of its conversations."""
        by_email: dict[str, list[str]] = {}
        for row in self._records.conversations.all():
            if row["visitor_email"]:
                by_email.setdefault(row["visitor_email"], []).append(row["updated_at"])
        for contact in self._records.contacts.all():
            times = by_email.get(contact["email"] or "")
            if times:
                last = max(times)
                activity = max(last, contact["last_activity"])
                seen = {"last_conversation_at": last, "last_activity": activity}
                self._records.contacts.put({**contact, **seen, "conversation_count": len(times)})

    def _someone(self, known: float) -> Person:
        if self._known and self._chance.random() < known:
            return self._chance.choice(self._known)
        return self.crowd.person()

    def _status(self, created: datetime) -> str:
        days = (self.past.now - created) / timedelta(days=1)
        if self._chance.random() < min(0.8, 0.06 + days / 60):
            return "archived"
        return self._chance.choices(("open", "pending", "active"), (50, 26, 24))[0]

    def _representative(self, likelihood: float) -> Record:
        if self._chance.random() >= likelihood:
            return {}
        rep = self._chance.choice(self._reps)
        names = ("first_name", "last_name", "email")
        return {"assigned_rep_id": rep["id"], **{f"rep_{name}": rep[name] for name in names}}

    def _need(self) -> str:
        chance = self._chance
        numbers = {"people": chance.randrange(3, 60), "chats": chance.randrange(4, 90) * 10}
        if chance.random() < 0.15:
            return chance.choice(words.SUMMARIES).format(**numbers)
        wish, shop = chance.choice(words.WISHES), chance.choice(words.SHOPS)
        condition = chance.choice(words.CONDITIONS).format(**numbers)
        return f"Wants {wish} for {shop}. {condition}".strip()

    def _amount(self, stage: str) -> float | int | None:
        """Mostly a few thousand, seldom six figures, often not known."""
        chance = self._chance
        if chance.random() < (0.05 if stage == "converted" else 0.34):
            return None
        amount = chance.lognormvariate(8.0, 1.05)
        if chance.random() < 0.1:
            return round(amount, 2)
        step = 10 if amount < 1000 else 50 if amount < 10_000 else 500
        return round(amount / step) * step

    def _some(self, choices: tuple[str, ...], weights: tuple[int, ...]) -> list[str]:
        """Some of the choices; weights for none, one, two, ..."""
        count = self._chance.choices(range(len(weights)), weights)[0]
        return self._chance.sample(choices, min(count, len(choices)))

    def _weighted(self, weights: dict[str, int], without: tuple[str, ...] = ()) -> str:
        names = [name for name in weights if name not in without]
        return self._chance.choices(names, [weights[name] for name in names])[0]

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
