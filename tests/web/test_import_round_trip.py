"""import(export(x)) == x: whatever records a service holds, their file says it again."""

import os
import random
import string

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.models import Batch, BatchRow, Connection, Contact, Lead
from portal.services import imports
from portal.services.values import same_value
from tests.batches.naughty import FORMULAS, NAUGHTY

# Of each kind and in each format: 2,000 in all, so many of each by `make stress`.
RECORDS = 2_000 if os.environ.get("CROSSDESK_STRESS") else 500
LETTERS = string.printable[:-2] + "äßçøñжшטبم日本語한국어🏳️‍🌈𝒳\u200b\u202e\u00a0'\"=+-@,;|\t"
EMAILS = "email", "visitor_email"
LIMITS = {"visitor_phone": 50, "phone": 50, "first_name": 100, "last_name": 100}
NAMES = {"leads": "visitor_name", "contacts": "first_name"}
FIELDS = {
    "leads": ("visitor_name", "visitor_company", "visitor_phone", "need_summary", "source",
              "pipeline_stage"),
    "contacts": ("first_name", "last_name", "company_name", "phone", "profile_notes"),
}  # fmt: skip


def text(dice):
    sort = dice.random()
    if sort < 0.5:
        return dice.choice(NAUGHTY).replace("\r", "")
    if sort < 0.7:
        return dice.choice(FORMULAS).replace("\r", "")
    return "".join(dice.choices(LETTERS, k=dice.randint(1, 60))).replace("\r", "")


def record(kind, dice, number, *, fits):
    """One as a service may hold it; unless it `fits`, also beyond what its API would take today."""
    made = {name: text(dice) if dice.random() < 0.8 else None for name in FIELDS[kind]}
    if fits:
        made = {name: text and text[: LIMITS.get(name, len(text))] for name, text in made.items()}
    if not (made[NAMES[kind]] or "").strip():
        made[NAMES[kind]] = "x"
    made["tags"] = list(dict.fromkeys(text(dice) for _ in range(dice.randint(0, 4))))
    address = f"{number}@x.example" if dice.random() < 0.9 else None
    made[EMAILS[kind == "leads"]] = address
    if kind == "leads":
        amounts = (None, 0, 12, 1234.5, 0.1, 99_999_999, 3.1416)
        made["expected_billing_amount"] = dice.choice(amounts)
    return made


@pytest.fixture(params=["leads", "contacts"])
def kind(request):
    return request.param


@pytest.fixture(params=["csv", "xlsx"])
def form(request):
    return request.param


@pytest.fixture
def held(kind, sandbox, nexadesk, synced):
    """Let the service hold so many records."""

    def hold(*, fits):
        dice = random.Random(f"{kind} of a round trip")
        add = sandbox.add_lead if kind == "leads" else sandbox.add_contact
        for number in range(RECORDS):
            add(**record(kind, dice, number, fits=fits))
        synced(nexadesk)

    return hold


def given_out(as_agent, kind, form):
    data = b"".join(as_agent.get(f"/w/acme/{kind}/export/?format={form}&columns=all"))
    return SimpleUploadedFile(f"all.{form}", data)


def taken_in(as_agent, kind, file, duplicates, *, leave=""):
    """The draft that the file makes, its rows looked at; the columns of `leave` are left out."""
    as_agent.post(f"/w/acme/{kind}/import/", {"file": file})
    batch = Batch.objects.latest("pk")
    fields = imports.mapping_of(batch)
    told = {
        f"column-{n}": "" if name == leave else fields[name]
        for n, name in enumerate(imports.columns_of(batch))
    }
    as_agent.post(f"/w/acme/imports/{batch.pk}/", told | {"duplicates": duplicates})
    batch.refresh_from_db()
    while not imports.check(batch):
        batch.refresh_from_db()
    rows = BatchRow.objects.filter(batch=batch).order_by("number")
    assert rows.count() == RECORDS
    return batch, rows


def test_what_comes_back_changes_nothing(kind, form, held, as_agent):
    held(fits=False)

    _batch, rows = taken_in(as_agent, kind, given_out(as_agent, kind, form), "update")

    wrong = [(row.title, row.before, row.changes, row.problems) for row in rows
             if row.reason != "It was so already."]  # fmt: skip
    assert wrong == []


def test_elsewhere_it_makes_the_same_records(kind, form, held, as_agent):
    """As if nothing were there yet: every field that can be written is as it was."""
    held(fits=True)
    model = Lead if kind == "leads" else Contact
    source = dict(model.objects.values_list("upstream_id", "raw"))
    file = given_out(as_agent, kind, form)
    model.objects.all().delete()

    batch, rows = taken_in(as_agent, kind, file, "skip", leave="Id")

    place = str(imports.columns_of(batch).index("Id"))
    specs = imports.fields_of(Connection.objects.get(), imports.Kind(kind))
    for row in rows:
        raw = source[row.cells[place]]
        assert row.problems == {}, raw
        for name in {spec.name for spec in specs} & raw.keys():
            assert same_value(row.changes.get(name), blank(raw[name])), (name, raw[name])


def blank(value):
    """A cell of blanks says nothing, nor does a tag without a character."""
    if isinstance(value, list):
        return [tag for tag in value if tag]
    return None if isinstance(value, str) and not value.strip() else value
