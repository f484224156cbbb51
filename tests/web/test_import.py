"""Leads and contacts from a file: looked at row by row first, then sent, each exactly once."""

# ruff: noqa: E501

import csv
import io
import re
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.models import Batch, BatchRow, Contact, Entry, Lead, Mapping
from portal.services import batches, imports
from portal.services.import_columns import guess
from tests.batches.hostile_files import HOSTILE_FILES, book

LEADS, CONTACTS = "/w/acme/leads/import/", "/w/acme/contacts/import/"
FILE = (
    "Name,E-mail,Company,Stage,Expected amount,Tags,Colour\r\n"
    'Petra Novak,petra@harbour.example,Harbour Tools,qualified,"3,200.50","retail, vip",red\r\n'
    "Omar Haddad,omar@delta.example,Delta Print,new,900,,blue\r\n"
    "Li Wei,li@north.example,,,,,\r\n"
)


@pytest.fixture
def house(sandbox, nexadesk, synced):
    """Omar is there already, with another stage and no amount."""
    sandbox.add_lead(
        visitor_name="Omar Haddad", visitor_email="OMAR@delta.example", pipeline_stage="lost",
        visitor_company="Delta Print", need_summary="Order tracking", expected_billing_amount=None,
    )  # fmt: skip
    return synced(nexadesk)


def upload(client, data=FILE, path=LEADS, name="people.csv", **more):
    data = data.encode() if isinstance(data, str) else data
    return client.post(path, {"file": SimpleUploadedFile(name, data), **more})


def draft(client, data=FILE, path=LEADS, **more):
    response = upload(client, data, path, **more)
    assert response.status_code == 302, unescape(response.content.decode())
    return Batch.objects.latest("pk")


def meanings(batch):
    """What the page proposes, as the form would send it."""
    mapping = imports.mapping_of(batch)
    return {f"column-{n}": mapping[name] for n, name in enumerate(imports.columns_of(batch))}


def checked(client, batch, duplicates="skip", **fields):
    told = meanings(batch) | {"duplicates": duplicates} | fields
    response = client.post(f"/w/acme/imports/{batch.pk}/", told)
    assert response.status_code == 302, unescape(response.content.decode())
    batch.refresh_from_db()
    return client.get(response["Location"])


def started(client, batch):
    response = client.post(f"/w/acme/imports/{batch.pk}/start/")
    assert response["Location"] == f"/w/acme/batches/{batch.pk}/"
    assert batches.run(batch.pk) is None
    batch.refresh_from_db()
    return batch


def stands(batch):
    rows = BatchRow.objects.filter(batch=batch).order_by("number")
    return [(row.status, row.action) for row in rows]


def text_of(response):
    return unescape(re.sub(r"<[^>]+>", " ", response.content.decode()))


def row_of(batch, number):
    return BatchRow.objects.get(batch=batch, number=number)


def test_a_file_becomes_leads(house, as_agent, sandbox, agent):
    batch = draft(as_agent)
    assert sandbox.requests.count("POST /leads") == 0
    assert imports.mapping_of(batch) == {
        "Name": "visitor_name",
        "E-mail": "visitor_email",
        "Company": "visitor_company",
        "Stage": "pipeline_stage",
        "Expected amount": "expected_billing_amount",
        "Tags": "tags",
        "Colour": "",
    }

    page = checked(as_agent, batch)
    assert "Import 2 leads" in text_of(page)
    assert "It is there already" in text_of(page)
    assert sandbox.requests.count("POST /leads") == 0

    batch = started(as_agent, batch)

    assert batch.status == Batch.Status.DONE
    petra = Lead.objects.get(name="Petra Novak")
    assert petra.raw["expected_billing_amount"] == 3200.5
    assert petra.raw["tags"] == ["retail", "vip"]
    assert petra.raw["pipeline_stage"] == "qualified"
    assert "Colour" not in str(petra.raw)
    assert sandbox.requests.count("POST /leads") == 2
    assert Lead.objects.filter(gone_at=None).count() == 3
    assert {e.actor for e in Entry.objects.filter(action="lead.create")} == {agent.user}


def test_what_is_there_is_changed_only_where_it_differs(house, as_agent, sandbox):
    batch = draft(as_agent)
    checked(as_agent, batch, "update")
    omar = row_of(batch, 2)
    assert omar.action == "lead.update"
    assert omar.changes == {"pipeline_stage": "new", "expected_billing_amount": 900}
    assert omar.before["pipeline_stage"] == "lost"

    started(as_agent, batch)

    raw = Lead.objects.get(name="Omar Haddad").raw
    assert (raw["pipeline_stage"], raw["expected_billing_amount"]) == ("new", 900)
    assert raw["need_summary"] == "Order tracking"
    assert sandbox.requests.count("PATCH /leads") == 1


def test_an_empty_cell_clears_nothing(house, as_agent):
    batch = draft(as_agent, "Name,Email,Company,Stage\r\nOmar Haddad,omar@delta.example,,\r\n")
    checked(as_agent, batch, "update")
    assert stands(batch) == [("skipped", "lead.update")]


def test_leads_may_be_made_again_contacts_may_not(house, as_agent, sandbox, synced):
    batch = draft(as_agent)
    checked(as_agent, batch, "create")
    assert [action for _status, action in stands(batch)] == ["lead.create"] * 3

    sandbox.add_contact(first_name="Omar", email="omar@delta.example")
    synced(house)
    batch = draft(as_agent, "First name,Email\r\nOmar,omar@delta.example\r\n", CONTACTS)
    page = as_agent.get(f"/w/acme/imports/{batch.pk}/").content.decode()
    assert 'value="update"' in page
    assert 'value="create"' not in page
    checked(as_agent, batch, "create")
    assert stands(batch) == [("skipped", "contact.create")]


def test_rows_of_one_file_with_the_same_e_mail(house, as_agent):
    data = (
        "Name,Email,Company,Stage\r\nAda,ada@x.example,,new\r\nB,b@x.example,,\r\n"
        "Ada L,ADA@x.example,Engines,\r\n"
    )
    for choice, expected in {
        "skip": ["waiting", "waiting", "skipped"],
        "create": ["waiting", "waiting", "waiting"],
        "update": ["waiting", "waiting", "skipped"],
    }.items():
        batch = draft(as_agent, data, form_id=f"form-{choice}-1")
        checked(as_agent, batch, choice)
        assert [status for status, _ in stands(batch)] == expected, choice
    assert row_of(batch, 1).changes == {
        "visitor_name": "Ada L",
        "visitor_email": "ADA@x.example",
        "visitor_company": "Engines",
        "pipeline_stage": "new",
    }


def test_a_wrong_row_is_mended_in_place(house, as_agent):
    batch = draft(
        as_agent, "Name,Email,Amount\r\nAda,not an address,a lot\r\n,b@x.example,5\r\nC,,\r\n"
    )
    page = checked(as_agent, batch)
    text = text_of(page)
    assert "This is not an e-mail address" in text
    assert "This is not a number" in text
    assert "This is needed" in text
    assert "Import 1 leads" in text
    assert [status for status, _ in stands(batch)] == ["failed", "failed", "waiting"]

    path = f"/w/acme/imports/{batch.pk}/row/"
    still = as_agent.post(
        path, {"number": "1", "field-visitor_email": "ada@x.example", "field-expected_billing_amount": "x"},
        headers={"HX-Request": "true"},
    )  # fmt: skip
    assert still.status_code == 422
    assert 'value="x"' in still.content.decode()
    assert "not an e-mail" not in still.content.decode()

    fine = as_agent.post(
        path,
        {"number": "1", "field-expected_billing_amount": "1200"},
        headers={"HX-Request": "true"},
    )
    assert fine.status_code == 200
    assert "will be made" in text_of(fine)
    assert "Import 2 leads" in text_of(fine)
    assert row_of(batch, 1).changes["expected_billing_amount"] == 1200

    plain = as_agent.post(path, {"number": "2", "field-visitor_name": "Bea"})
    assert plain.status_code == 302
    assert [status for status, _ in stands(batch)] == ["waiting"] * 3


def test_a_row_mended_to_a_known_e_mail_is_a_duplicate(house, as_agent):
    batch = draft(as_agent, "Name,Email\r\nOmar,omar at delta\r\nAda,a@x.example\r\n")
    checked(as_agent, batch)
    as_agent.post(
        f"/w/acme/imports/{batch.pk}/row/",
        {"number": "1", "field-visitor_email": "omar@delta.example"},
    )
    assert stands(batch)[0][0] == "skipped"


def test_a_field_no_column_fills_can_be_typed(house, as_agent):
    batch = draft(as_agent, "Email\r\nada@x.example\r\n")
    checked(as_agent, batch)
    assert stands(batch)[0][0] == "failed"
    as_agent.post(f"/w/acme/imports/{batch.pk}/row/", {"number": "1", "field-visitor_name": "Ada"})
    assert row_of(batch, 1).changes == {"visitor_name": "Ada", "visitor_email": "ada@x.example"}


def test_a_row_with_too_many_cells_waits_for_a_look(house, as_agent):
    batch = draft(as_agent, "Name,Email\r\nNovak, Petra,p@x.example\r\nAda,a@x.example\r\n")
    page = text_of(checked(as_agent, batch))
    assert "more cells than there are columns" in page
    as_agent.post(
        f"/w/acme/imports/{batch.pk}/row/",
        {"number": "1", "field-visitor_name": "Novak, Petra", "field-visitor_email": "p@x.example"},
    )
    assert row_of(batch, 1).changes == {
        "visitor_name": "Novak, Petra", "visitor_email": "p@x.example"
    }  # fmt: skip


def test_only_chosen_columns_are_sent(house, as_agent):
    batch = draft(
        as_agent, "Name,Email,workspace_id,id,rep_email\r\nAda,a@x.example,7,zz,q@x.example\r\n"
    )
    checked(as_agent, batch, **{"column-2": "workspace_id", "column-4": "rep_email"})
    assert row_of(batch, 1).changes == {"visitor_name": "Ada", "visitor_email": "a@x.example"}


def test_a_file_with_the_same_columns_is_understood_like_the_last_one(house, as_agent):
    data = "Wer,Mail,Firma\r\nAda,a@x.example,Engines\r\n"
    batch = draft(as_agent, data)
    checked(as_agent, batch, **{"column-0": "visitor_name", "column-2": "visitor_company"})
    assert Mapping.objects.count() == 1

    again = draft(as_agent, data.replace("Ada", "Bea"), form_id="another-form")

    assert imports.mapping_of(again) == {
        "Wer": "visitor_name", "Mail": "visitor_email", "Firma": "visitor_company"
    }  # fmt: skip


def test_two_columns_cannot_fill_one_field(house, as_agent):
    batch = draft(as_agent)
    told = meanings(batch) | {"column-6": "visitor_name", "duplicates": "update"}
    response = as_agent.post(f"/w/acme/imports/{batch.pk}/", told)
    assert response.status_code == 422
    assert "Two columns fill “Name”" in text_of(response)
    none = as_agent.post(f"/w/acme/imports/{batch.pk}/", {})
    assert none.status_code == 422
    assert "at least one column" in text_of(none)


def test_the_same_form_sent_twice_makes_one_import(house, as_agent):
    first = upload(as_agent, form_id="form-number-1")
    second = upload(as_agent, form_id="form-number-1")
    assert first["Location"] == second["Location"]
    other = upload(as_agent, FILE + "X,x@x.example,,,,,\r\n", form_id="form-number-1")
    assert other["Location"] != first["Location"]
    assert Batch.objects.count() == 2


def test_starting_twice_sends_once(house, as_agent, sandbox):
    batch = draft(as_agent)
    checked(as_agent, batch)
    started(as_agent, batch)
    again = as_agent.post(f"/w/acme/imports/{batch.pk}/start/")
    assert again["Location"] == f"/w/acme/batches/{batch.pk}/"
    assert batches.run(batch.pk) is None
    assert sandbox.requests.count("POST /leads") == 2


def test_what_was_not_looked_at_is_never_sent(house, as_agent, sandbox):
    batch = draft(as_agent)
    assert as_agent.post(f"/w/acme/imports/{batch.pk}/start/").status_code == 409
    as_agent.post(f"/w/acme/batches/{batch.pk}/start/")
    batches.run(batch.pk)
    assert sandbox.requests.count("POST /leads") == 0


def test_columns_that_changed_their_meaning_make_every_row_wait_for_a_look(
    house, as_agent, sandbox, agent
):
    batch = draft(as_agent)
    checked(as_agent, batch)
    imports.give_meaning(batch, {"Name": "visitor_company"}, "skip", actor=agent)
    as_agent.post(f"/w/acme/batches/{batch.pk}/start/")
    batches.run(batch.pk)
    assert sandbox.requests.count("POST /leads") == 0


def test_after_it_started_no_row_can_be_changed(house, as_agent):
    batch = draft(as_agent)
    checked(as_agent, batch)
    started(as_agent, batch)
    response = as_agent.post(
        f"/w/acme/imports/{batch.pk}/row/", {"number": "1", "field-visitor_name": "Mallory"}
    )
    assert response["Location"] == f"/w/acme/batches/{batch.pk}/"
    assert "Mallory" not in str(row_of(batch, 1).changes)


def test_a_discarded_import_leaves_nothing(house, as_agent, sandbox):
    batch = draft(as_agent)
    response = as_agent.post(f"/w/acme/imports/{batch.pk}/discard/")
    assert response["Location"] == "/w/acme/leads/"
    assert (Batch.objects.count(), BatchRow.objects.count()) == (0, 0)
    assert sandbox.requests.count("POST /leads") == 0


@pytest.mark.parametrize("name", ["empty", "NULs", "zip bomb", "only headers", "larger than 20 MB",
                                  "billion laughs", "a quote that is never closed"])  # fmt: skip
def test_a_hostile_file_is_refused_at_the_form_and_leaves_no_row(name, house, as_agent):
    make, _reasons = HOSTILE_FILES[name]
    response = upload(as_agent, make())
    assert response.status_code == 422
    assert "The file was not taken" in text_of(response)
    assert (Batch.objects.count(), BatchRow.objects.count()) == (0, 0)


def test_no_file_is_said(house, as_agent):
    response = as_agent.post(LEADS, {"encoding": "nonsense"})
    assert response.status_code == 422
    assert "Choose a file first" in text_of(response)


def test_a_workbook_is_imported_too(house, as_agent):
    assert draft(as_agent, book(), name="leads.xlsx").options["format"] == "xlsx"


def test_the_encoding_is_shown_and_can_be_said(house, as_agent):
    data = "Name,Email\r\nЖанна,z@x.example\r\n".encode("cp1251")
    batch = draft(as_agent, data)
    page = text_of(as_agent.get(f"/w/acme/imports/{batch.pk}/"))
    assert "Windows-1252" in page
    assert "read it again with another encoding" in page
    batch = draft(as_agent, data, encoding="cp1251")
    assert row_of(batch, 1).cells["0"] == "Жанна"


def rejects(client, batch):
    data = b"".join(client.get(f"/w/acme/batches/{batch.pk}/rejects/")).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(data, newline="")))


def test_what_was_not_done_comes_back_in_the_files_own_columns(house, as_agent, sandbox):
    data = 'Name,Colour,Email\r\nAda,"=red",nobody\r\nOmar,blue,omar@delta.example\r\nBea,,b@x.example\r\n'
    batch = draft(as_agent, data)
    checked(as_agent, batch)
    started(as_agent, batch)

    head, *rows = rejects(as_agent, batch)

    assert head == ["Name", "Colour", "Email", "Reason"]
    assert [row[:3] for row in rows] == [
        ["Ada", "'=red", "nobody"], ["Omar", "blue", "omar@delta.example"]
    ]  # fmt: skip
    entry = Entry.objects.latest("pk")
    assert (entry.action, entry.batch) == ("rejects.export", batch)
    assert "Downloaded what a batch did not do" in text_of(
        as_agent.get("/w/acme/audit/?action=export")
    )
    assert "e-mail address" in rows[0][3]
    assert "there already" in rows[1][3]
    assert (
        f"batches/{batch.pk}/rejects/"
        in as_agent.get(f"/w/acme/batches/{batch.pk}/").content.decode()
    )


def test_a_refusal_of_the_service_is_in_the_rejects(house, as_agent, sandbox, synced):
    batch = draft(as_agent, "First name,Email\r\nAda,ada@x.example\r\n", CONTACTS)
    checked(as_agent, batch)
    sandbox.add_contact(first_name="Faster", email="ada@x.example")
    started(as_agent, batch)
    lines = rejects(as_agent, batch)
    assert len(lines) == 2, lines
    row = lines[1]
    assert row[:2] == ["Ada", "ada@x.example"]
    assert row[2]


def test_foreign_imports_look_like_missing_ones(house, as_agent, stranger, client_of):
    batch = draft(as_agent)
    client = client_of(stranger)
    for path in ("", "check/"):
        assert client.get(f"/w/other/imports/{batch.pk}/{path}").status_code == 404
    for path in ("", "check/", "row/", "start/", "discard/"):
        assert (
            client.post(f"/w/other/imports/{batch.pk}/{path}", {"number": "1"}).status_code == 404
        )
    assert client.get(f"/w/other/batches/{batch.pk}/rejects/").status_code == 404
    assert as_agent.get("/w/acme/imports/99999999999999999999/").status_code == 404


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "", "9" * 40, "１"])
def test_no_row_number_is_an_error(number, house, as_agent):
    batch = draft(as_agent)
    checked(as_agent, batch)
    response = as_agent.post(f"/w/acme/imports/{batch.pk}/row/", {"number": number})
    assert response["Location"] == f"/w/acme/imports/{batch.pk}/check/"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_imported_again_changes_nothing(form, house, as_agent, sandbox, synced):
    """import(export(x)) == x, with the texts of every sort that a service may hold."""
    from tests.journeys.hostile import HOSTILE

    rep = sandbox.add_representative("Jo", "Silva", "jo@vendor.example")
    for n, text in enumerate(HOSTILE[:60]):
        sandbox.add_lead(
            visitor_name=text, visitor_email=f"l{n}@x.example", visitor_company=text[:200],
            need_summary=f"{text}\n{text}", tags=[text, "b, c"], pipeline_stage=text[:90],
            expected_billing_amount=n * 1.25, assigned_rep_id=rep if n % 2 else None,
        )  # fmt: skip
    synced(house)
    path = f"/w/acme/leads/export/?format={form}&columns=all"
    data = b"".join(as_agent.get(path))

    batch = draft(as_agent, data, name=f"leads.{form}")
    checked(as_agent, batch, "update")

    wrong = [(r.title, r.changes, r.problems) for r in BatchRow.objects.filter(batch=batch)
             if r.reason != "It was so already."]  # fmt: skip
    assert wrong == []


def test_the_screens_own_export_is_understood(house, as_agent, sandbox, synced):
    rep = sandbox.add_representative("Jo", "Silva", "jo@vendor.example")
    sandbox.add_lead(visitor_name="Ada", assigned_rep_id=rep, pipeline_stage="new")
    synced(house)
    data = b"".join(as_agent.get("/w/acme/leads/export/?format=csv&q=Ada"))
    batch = draft(as_agent, data)
    checked(as_agent, batch, "create")
    changes = row_of(batch, 1).changes
    assert changes.pop("source", "widget") == "widget"
    assert changes == {"visitor_name": "Ada", "pipeline_stage": "new", "assigned_rep_id": rep}


def test_a_record_is_found_by_its_id(house, as_agent, sandbox):
    omar = Lead.objects.get()
    batch = draft(as_agent, f"Id,Stage\r\n{omar.upstream_id},assigned\r\nnope,new\r\n")
    assert imports.duplicates_of(batch) == "update"
    checked(as_agent, batch, "update")
    assert row_of(batch, 1).changes == {"pipeline_stage": "assigned"}
    assert row_of(batch, 2).status == "failed"


def test_columns_are_guessed_from_what_people_and_programs_write(house):
    specs = imports.fields_of(house, imports.Kind.LEADS)
    odd = {
        "Full Name": "visitor_name",
        "EMAIL ADDRESS": "visitor_email",
        "Téléphone": "visitor_phone",
        "Phone-Number": "",
        "deal value": "expected_billing_amount",
    }
    assert guess(list(odd), specs) == odd
    names = [spec.name for spec in specs]
    assert list(guess(names, specs).values()) == names


def test_five_thousand_rows_are_looked_at_in_turns(house, as_agent, monkeypatch):
    rows = "".join(f"Lead {n},l{n % 4000}@x.example\r\n" for n in range(5000))
    batch = draft(as_agent, f"Name,Email\r\n{rows}")
    real = imports.check
    monkeypatch.setattr(imports, "check", lambda batch, **_: real(batch, seconds=0))
    page = checked(as_agent, batch)
    assert "500 of 5,000 rows" in text_of(page)
    assert "Import" not in text_of(page).partition("Looking at the rows")[2]
    while "Looking at the rows" in text_of(page):
        page = as_agent.post(f"/w/acme/imports/{batch.pk}/check/", headers={"HX-Request": "true"})
    assert "Import 4,000 leads" in text_of(page)
    assert BatchRow.objects.filter(batch=batch, status="skipped").count() == 1000


def test_a_viewer_is_not_offered_it(house, viewer, client_of):
    client = client_of(viewer)
    assert "leads/import/" not in client.get("/w/acme/leads/").content.decode()
    assert upload(client).status_code == 403
    assert Batch.objects.count() == 0


def test_nothing_connected_can_take_contacts(dexra, as_agent):
    page = as_agent.get(CONTACTS)
    assert "Nothing connected can take them" in text_of(page)
    assert upload(as_agent, path=CONTACTS).status_code == 409


def test_contacts_become_contacts(house, as_agent, sandbox):
    batch = draft(
        as_agent,
        "First name,Last name,Email,Notes\r\nAda,Lovelace,ada@x.example,'tis fine\r\n",
        CONTACTS,
    )
    checked(as_agent, batch)
    started(as_agent, batch)
    raw = Contact.objects.get(email="ada@x.example").raw
    assert (raw["first_name"], raw["last_name"], raw["profile_notes"]) == (
        "Ada", "Lovelace", "'tis fine"
    )  # fmt: skip
