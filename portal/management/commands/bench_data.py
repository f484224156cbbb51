"""A database full of made-up leads, to measure with. For a database of its own."""

import random
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from portal.mirror import bulk
from portal.mirror.models import SyncState
from portal.mirror.store import Record, Source
from portal.records import ContactRecord, ConversationRecord, Kind, LeadRecord, State
from portal.sandbox.data.people import TRADES, latin_letters
from portal.sandbox.data.places import PLACES
from portal.services.workspaces import SlugTaken, create_workspace
from portal.team.models import Workspace
from portal.vault import store as vault
from portal.vault.seal import Secret

OWNER = "bench@crossdesk.example"
# Made anew at each run and printed once: nobody else can sign in to what is measured.
PASSWORD = secrets.token_urlsafe(12)
STAGES = {"new": 40, "qualified": 22, "contacted": 16, "proposal": 9, "won": 8, "lost": 5}
SOURCES = {"widget": 50, "email": 20, "import": 15, "phone": 10, "": 5}
TAGS = ("vip", "retail", "wholesale", "newsletter", "trade fair", "partner", "returning", "cold")
STATES = {State.CLOSED: 70, State.OPEN: 20, State.PENDING: 10}
BEGINS = "al ba be bra car da del el fa fer gar ha her in jo ka kra la lo ma mer mo na ne o".split()  # noqa: SIM905
MIDDLES = "ra li no ve sto ri den ga mi ro la ten si be ka lu".split()  # noqa: SIM905
ENDS = "son mann ez ini ova ski ton dt ell ard ein ius ley worth by feld".split()  # noqa: SIM905


class Command(BaseCommand):
    help = "Fill workspaces bench-1, bench-2 ... with made-up records; prints rows a second."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--leads", type=int, default=1_000_000, help="of all workspaces")
        parser.add_argument("--workspaces", type=int, default=1)
        parser.add_argument("--contacts", type=int, help="a tenth of the leads if not told")
        parser.add_argument("--conversations", type=int, help="a twentieth if not told")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        leads, workspaces = options["leads"], options["workspaces"]
        maker = people(options["seed"])
        amounts: dict[Kind, tuple[int, Callable[[int], Record]]] = {
            Kind.LEADS: (leads, maker.lead),
            Kind.CONTACTS: (_or(options["contacts"], leads // 10), maker.contact),
            Kind.CONVERSATIONS: (_or(options["conversations"], leads // 20), maker.conversation),
        }
        try:
            places = [made_workspace(f"bench-{n + 1}") for n in range(workspaces)]
        except SlugTaken as error:
            raise CommandError("This database has bench data already: use another one.") from error
        started = time.perf_counter()
        with bulk.unindexed(list(Kind)):
            for kind, (amount, make) in amounts.items():
                begun = time.perf_counter()
                for n, (_, source) in enumerate(places):
                    share = amount // workspaces + (n < amount % workspaces)
                    with transaction.atomic():
                        bulk.insert(source, kind, (make(i) for i in range(share)))
                self._tell(f"{amount} {kind.value}", amount, time.perf_counter() - begun)
            begun = time.perf_counter()
        self._tell("indexes and search", leads, time.perf_counter() - begun)
        for workspace, _ in places:
            bulk.count(workspace)
        total = sum(amount for amount, _ in amounts.values())
        self._tell("all", total, time.perf_counter() - started)
        self.stdout.write(f"Sign in as {OWNER} with “{PASSWORD}”: /w/bench-1/leads/")

    def _tell(self, what: str, rows: int, seconds: float) -> None:
        speed = rows / max(seconds, 0.001)
        self.stdout.write(f"{what}: {seconds:.1f} s, {speed:,.0f} rows/s")


def _or(told: int | None, default: int) -> int:
    return default if told is None else told


def people(seed: int) -> "_People":
    """A maker of records, the same for the same seed and day."""
    return _People(random.Random(seed), timezone.now())  # noqa: S311


def made_workspace(slug: str) -> tuple[Workspace, Source]:
    """A workspace that looks connected and synchronised; its key is of no use."""
    name = slug.replace("-", " ").capitalize()
    workspace = create_workspace(slug, name=name, owner_email=OWNER, password=PASSWORD)
    connection = vault.create(workspace, provider="nexadesk", key=Secret(f"bench-key-of-{slug}"))
    now = timezone.now()
    for kind in Kind:
        SyncState.objects.create(
            workspace=workspace,
            connection=connection,
            kind=kind.value,
            phase=SyncState.Phase.FOLLOW,
            synced_at=now,
            walked_at=now,
        )
    return workspace, Source(connection.pk, workspace.pk)


class _People:
    """Makes records one by one, the same for the same seed and moment."""

    def __init__(self, chance: random.Random, now: datetime) -> None:
        self._chance, self._now = chance, now.astimezone(UTC)
        self._firsts = [name.partition("|")[0] for place in PLACES for name in place.first.split()]
        known = [name.partition("|")[0] for place in PLACES for name in place.family.split()]
        made = [(a + b + c).title() for a in BEGINS for b in MIDDLES for c in ENDS]
        self._families = known * 5 + made
        self._latin = {name: latin_letters(name) or "post" for name in self._firsts + made + known}
        self._reps = [(f"r{n}", f"{self._pick(self._firsts)} {made[n * 7]}") for n in range(40)]

    def lead(self, n: int) -> LeadRecord:
        name, email, phone, company = self._person(n)
        rep_id, rep_name = self._pick(self._reps) if self._chance.random() < 0.8 else ("", "")
        created, updated = self._times()
        stage, source, tags = self._of(STAGES), self._of(SOURCES), self._tags()
        amount = Decimal(self._chance.randrange(5, 50_000)) * 10 if n % 3 else None
        raw = {
            "id": f"lead-{n}",
            "visitor_name": name,
            "visitor_email": email,
            "visitor_phone": phone,
            "visitor_company": company,
            "pipeline_stage": stage,
            "need_summary": f"{name} asked about {company or 'an offer'} on the pricing page.",
            "tags": list(tags),
            "source": source,
            "expected_billing_amount": None if amount is None else float(amount),
            "assigned_rep_id": rep_id,
            "created_at": created.isoformat(),
            "updated_at": updated.isoformat(),
        }
        return LeadRecord(
            f"lead-{n}",
            name=name,
            email=email,
            phone=phone,
            company=company,
            stage=stage,
            source=source,
            tags=tags,
            amount=amount,
            score=round(self._chance.random() * 100, 1) if n % 4 else None,
            rep_id=rep_id,
            rep_name=rep_name,
            created_at=created,
            updated_at=updated,
            raw=raw,
        )

    def contact(self, n: int) -> ContactRecord:
        name, email, phone, company = self._person(n)
        created, active = self._times()
        first, _, last = name.partition(" ")
        return ContactRecord(
            f"contact-{n}",
            first_name=first,
            last_name=last,
            email=email,
            phone=phone,
            company=company,
            tags=self._tags(),
            conversation_count=self._chance.randrange(9),
            last_activity_at=active,
            created_at=created,
            raw={"id": f"contact-{n}", "email": email, "company_name": company},
        )

    def conversation(self, n: int) -> ConversationRecord:
        name, email, _, company = self._person(n)
        created, active = self._times()
        state = self._chance.choices(list(STATES), list(STATES.values()))[0]
        return ConversationRecord(
            f"conversation-{n}",
            status=state.value,
            state=state,
            subject=f"Order {self._chance.randrange(100_000, 999_999)}",
            source=self._of(SOURCES),
            visitor_name=name,
            visitor_email=email,
            visitor_company=company,
            last_message=f"Hello, this is {name}. When will my order arrive?",
            message_count=self._chance.randrange(1, 20),
            created_at=created,
            updated_at=active,
            raw={"id": f"conversation-{n}", "status": state.value},
        )

    def _person(self, n: int) -> tuple[str, str, str, str]:
        first, family = self._pick(self._firsts), self._pick(self._families)
        trade, firm = self._pick(TRADES), self._pick(self._families)
        company = f"{firm} {trade}" if self._chance.random() < 0.75 else ""
        domain = f"{self._latin[firm]}.example" if company else "post.example"
        email = f"{self._latin[first]}.{self._latin[family]}{n % 9973}@{domain}"
        phone = f"+49 {self._chance.randrange(10**3)} {self._chance.randrange(10**7):07}"
        return f"{first} {family}", email, phone, company

    def _times(self) -> tuple[datetime, datetime]:
        """Made in the last three years, touched since."""
        age = timedelta(seconds=self._chance.random() ** 1.5 * 3 * 365 * 86_400)
        return self._now - age, self._now - age * self._chance.random()

    def _tags(self) -> tuple[str, ...]:
        return tuple(self._chance.sample(TAGS, self._chance.choice((0, 0, 1, 1, 2))))

    def _pick(self, some: Any) -> Any:
        return some[int(self._chance.random() * len(some))]

    def _of(self, weights: dict[str, int]) -> str:
        return self._chance.choices(list(weights), list(weights.values()))[0]
