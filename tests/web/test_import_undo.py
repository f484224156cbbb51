"""A whole import is taken back: what it made goes, what it changed goes back, the rest is told."""

import re
from html import unescape

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from portal.batches import store
from portal.models import Batch, Contact, Entry, Lead, Write
from portal.services import batches, imports
from portal.services.contacts import update_contact
from portal.services.leads import update_lead

FILE = (
    "Name,E-mail,Company,Stage,Tags\r\n"
    'Petra Novak,petra@harbour.example,Harbour,new,"retail, vip"\r\n'
    "Omar Haddad,omar@delta.example,Delta Ltd,new,vip\r\n"
    "Li Wei,li@north.example,North,new,\r\n"
    "Zoë Ø,zoe@north.example,North,new,\r\n"
)


@pytest.fixture
def house(sandbox, nexadesk, synced):
    """Omar is there already."""
    sandbox.add_lead(
        id="lead-omar", visitor_name="Omar Haddad", visitor_email="omar@delta.example",
        pipeline_stage="lost", visitor_company="Delta", tags=["old"], need_summary="Tracking",
    )  # fmt: skip
    return synced(nexadesk)


@pytest.fixture
def imported(house, as_agent):
    """The file's batch, run to its end: three leads made, Omar changed."""
    return bring_in(as_agent, "/w/acme/leads/import/", FILE)


def bring_in(as_agent, path, text):
    as_agent.post(path, {"file": SimpleUploadedFile("people.csv", text.encode())})
    batch = Batch.objects.latest("pk")
    fields = imports.mapping_of(batch)
    columns = {f"column-{n}": fields[name] for n, name in enumerate(imports.columns_of(batch))}
    as_agent.post(f"/w/acme/imports/{batch.pk}/", columns | {"duplicates": "update"})
    as_agent.post(f"/w/acme/imports/{batch.pk}/start/")
    run(batch)
    assert store.counts(batch).done == batch.total
    return batch


def run(batch):
    while batches.run(batch.pk) is not None:
        pass
    batch.refresh_from_db()


def text_of(response):
    main = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def asked(as_agent, batch, form_id="undo-this-once"):
    """The page that asks before the batch is taken back."""
    there = as_agent.post(f"/w/acme/batches/{batch.pk}/undo/", {"form_id": form_id})
    return text_of(as_agent.get(there["Location"]))


def taken_back(as_agent, batch):
    back = Batch.objects.filter(undoes=batch).latest("pk")
    as_agent.post(f"/w/acme/batches/{back.pk}/start/")
    run(back)
    return back


def lead(name):
    found = Lead.objects.select_related("connection", "workspace").get(name=name, gone_at=None)
    found.connection.workspace = found.workspace
    return found


def test_what_was_made_goes_and_what_was_changed_is_as_before(imported, as_agent, sandbox):
    assert len(sandbox.leads) == 4

    said = asked(as_agent, imported)
    assert "3 records that were made are deleted" in said
    assert "1 record is set back" in said
    assert len(sandbox.leads) == 4, "the page only asks"
    back = taken_back(as_agent, imported)

    assert store.counts(back) == store.Counts(done=4)
    omar, fields = sandbox.leads[0], ("visitor_name", "pipeline_stage", "visitor_company", "tags")
    assert [omar[name] for name in fields] == ["Omar Haddad", "lost", "Delta", ["old"]]
    assert omar["need_summary"] == "Tracking"
    assert [one["id"] for one in sandbox.leads] == ["lead-omar"]
    assert list(Lead.objects.filter(gone_at=None).values_list("name", flat=True)) == ["Omar Haddad"]
    undone = set(Write.objects.exclude(undoes=None).values_list("undoes_id", flat=True))
    assert undone == {row.write_id for row in store.rows(imported)}
    assert Entry.objects.filter(batch=back, action="lead.delete", outcome="done").count() == 3
    page = text_of(as_agent.get(f"/w/acme/batches/{imported.pk}/"))
    assert "Taken back by Undo: Import of people.csv" in page
    assert "Undo all" not in page


def test_a_new_lead_that_somebody_worked_on_since_is_left(
    imported, as_agent, owner, sandbox, synced
):
    update_lead(
        lead("Petra Novak"), {"need_summary": "A crane"}, before={"need_summary": None},
        actor=owner, form_id="by-hand-1",
    )  # fmt: skip
    there = next(one for one in sandbox.leads if one["visitor_name"] == "Li Wei")
    sandbox.edit_lead(there["id"], pipeline_stage="qualified")
    synced(imported.connection)

    said = asked(as_agent, imported)
    assert "1 record that was made is deleted" in said
    assert "2 It was changed since it was made" in said
    taken_back(as_agent, imported)

    left = sorted(one["visitor_name"] for one in sandbox.leads)
    assert left == ["Li Wei", "Omar Haddad", "Petra Novak"]


def test_a_lead_changed_there_after_the_page_was_shown_is_left_too(imported, as_agent, sandbox):
    asked(as_agent, imported)
    there = next(one for one in sandbox.leads if one["visitor_name"] == "Li Wei")
    sandbox.edit_lead(there["id"], pipeline_stage="qualified")

    back = taken_back(as_agent, imported)

    assert {one["visitor_name"] for one in sandbox.leads} == {"Omar Haddad", "Li Wei"}
    row = store.rows(back, store.SKIPPED).get()
    assert row.title == "Li Wei"
    assert "changed this record meanwhile" in row.reason


def test_contacts_go_the_same_way(house, as_agent, agent, sandbox, synced):
    sandbox.add_contact(first_name="Omar", email="omar@delta.example", phone="1")
    synced(house)
    text = "First name,Email,Phone\r\nAda,ada@x.example,2\r\nOmar,omar@delta.example,3\r\n"
    batch = bring_in(as_agent, "/w/acme/contacts/import/", text)
    made = Contact.objects.select_related("connection", "workspace").get(email="ada@x.example")
    update_contact(made, {"phone": "4"}, before={"phone": "2"}, actor=agent, form_id="by-hand-1")

    said = asked(as_agent, batch)
    assert "It was changed since it was made" in said
    taken_back(as_agent, batch)

    assert {c["email"]: c["phone"] for c in sandbox.contacts} == {
        "omar@delta.example": "1", "ada@x.example": "4",
    }  # fmt: skip


def test_deleted_many_come_back_as_new_ones_and_that_is_said(imported, as_agent, agent, sandbox):
    from portal.records import Kind
    from portal.services import bulk

    gone = bulk.prepare(
        Kind.LEADS, "delete", "", list(Lead.objects.values_list("pk", flat=True)),
        actor=agent, form_id="delete-all", title="Delete",
    )  # fmt: skip
    batches.start(gone, actor=agent)
    run(gone)
    assert sandbox.leads == []

    said = asked(as_agent, gone)
    assert "4 records that were deleted are made again" in said
    assert "with new ids" in said
    taken_back(as_agent, gone)

    assert sorted(one["visitor_name"] for one in sandbox.leads) == [
        "Li Wei", "Omar Haddad", "Petra Novak", "Zoë Ø",
    ]  # fmt: skip


def test_after_30_days_nothing_is_offered_any_more(imported, as_agent):
    path = f"/w/acme/batches/{imported.pk}/"
    for days, offered in ((29, True), (31, False)):
        with time_machine.travel(timezone.now() + timezone.timedelta(days=days), tick=True):
            page = Client()
            page.force_login(imported.actor)
            assert ('id="undo"' in page.get(path).text) is offered
            said = page.post(f"{path}undo/", {"form_id": f"undo-{days}-days"}, follow=True)
            assert ("It is more than 30 days ago" in said.text) is not offered


def test_an_undo_that_was_cancelled_goes_on_from_where_it_stood(imported, as_agent, sandbox):
    asked(as_agent, imported)
    back = Batch.objects.get(undoes=imported)
    as_agent.post(f"/w/acme/batches/{back.pk}/start/")
    batches.run(back.pk, seconds=0)
    assert b'id="undo"' not in as_agent.get(f"/w/acme/batches/{imported.pk}/").content, (
        "one is at it"
    )
    as_agent.post(f"/w/acme/batches/{back.pk}/cancel/")
    assert len(sandbox.leads) == 3

    assert "Undo the other 3 changes" in text_of(as_agent.get(f"/w/acme/batches/{imported.pk}/"))
    said = asked(as_agent, imported, form_id="undo-the-rest")
    assert "1 It was undone already." in said
    taken_back(as_agent, imported)

    assert [one["id"] for one in sandbox.leads] == ["lead-omar"]
    assert sandbox.leads[0]["pipeline_stage"] == "lost"
    assert "Undo the other" not in text_of(as_agent.get(f"/w/acme/batches/{imported.pk}/"))
