"""NexaDesk's leads and contacts: read, make, change, delete."""

from decimal import Decimal

import pytest

from portal.providers.errors import Duplicate, NotFound, Refused
from portal.records import Kind


@pytest.fixture
def lead(sandbox):
    return sandbox.add_lead(visitor_name="Petra Novak", visitor_phone="1", tags=["retail"])["id"]


@pytest.fixture
def contact(sandbox):
    return sandbox.add_contact(first_name="Omar", email="omar@delta.example")["id"]


def test_a_lead_is_read_by_its_id(sandbox, nexadesk, lead):
    record = nexadesk.get_lead(lead)

    assert (record.upstream_id, record.name) == (lead, "Petra Novak")
    assert sandbox.requests[0].query == {"id": lead}


def test_a_lead_is_made_with_all_its_fields(sandbox, nexadesk):
    record = nexadesk.create_lead(
        {
            "visitor_name": "Ünal 王",
            "visitor_email": "unal@quay.example",
            "tags": ["a", "b"],
            "pipeline_stage": "won back",
            "expected_billing_amount": Decimal("3200.50"),
        }
    )

    kept = sandbox.lead(record.upstream_id)
    assert (kept["visitor_name"], kept["tags"]) == ("Ünal 王", ["a", "b"])
    assert (record.stage, record.amount) == ("won back", Decimal("3200.50"))
    assert sandbox.requests[0].body["expected_billing_amount"] == 3200.5


@pytest.mark.parametrize(
    ("amount", "sent"), [(Decimal("3200.00"), "3200"), (Decimal("0.1"), "0.1"), (None, "null")]
)
def test_an_amount_is_sent_as_a_bare_number(talk, answer, amount, sent):
    client = talk(answer({"success": True, "data": {"id": "L1"}}))

    client.update_lead("L1", {"expected_billing_amount": amount})

    assert client.wire.bodies == [b'{"expected_billing_amount": ' + sent.encode() + b"}"]


def test_only_what_changes_is_sent(sandbox, nexadesk, lead):
    record = nexadesk.update_lead(lead, {"pipeline_stage": "contacted"})

    assert record.stage == sandbox.lead(lead)["pipeline_stage"] == "contacted"
    assert sandbox.lead(lead)["visitor_phone"] == "1"
    assert sandbox.requests[0].body == {"pipeline_stage": "contacted"}


def test_none_clears_a_field(sandbox, nexadesk, lead):
    assert nexadesk.update_lead(lead, {"visitor_phone": None}).phone == ""
    assert sandbox.lead(lead)["visitor_phone"] is None


@pytest.mark.parametrize("status", [200, 204])
def test_a_lead_is_deleted(sandbox, nexadesk, lead, status):
    sandbox.nexadesk_assumptions.delete_status = status

    nexadesk.delete_lead(lead)

    assert sandbox.leads == []


@pytest.mark.parametrize("body", [b"", b"OK", b"<html>", b"null", b"[]", b"{"])
def test_a_deletion_is_believed_whatever_its_body(talk, answer, body):
    talk(answer(body)).delete_lead("L1")


def test_a_lead_that_is_gone_is_not_found(sandbox, nexadesk, lead):
    sandbox.delete_lead(lead)

    for call in (
        lambda: nexadesk.get_lead(lead),
        lambda: nexadesk.update_lead(lead, {"visitor_name": "Hedy"}),
        lambda: nexadesk.delete_lead(lead),
    ):
        with pytest.raises(NotFound):
            call()


def test_no_id_never_means_all(sandbox, nexadesk, lead, contact):
    for call in (
        nexadesk.get_lead,
        nexadesk.delete_lead,
        nexadesk.get_contact,
        nexadesk.delete_contact,
        nexadesk.get_conversation,
    ):
        with pytest.raises(NotFound):
            call("")

    assert len(sandbox.requests) == 0


def test_an_odd_id_names_nothing_else(sandbox, nexadesk, lead):
    with pytest.raises((NotFound, Refused)):
        nexadesk.get_lead(f"{lead}&id=/../x?y#z")

    assert sandbox.requests[0].query == {"id": f"{lead}&id=/../x?y#z"}


def test_leads_are_searched(sandbox, nexadesk, lead):
    sandbox.add_lead(visitor_name="Other")

    page = nexadesk.list_page(Kind.LEADS, filters={"search": "NOVAK"})

    assert [record.upstream_id for record in page.records] == [lead]


def test_a_representative_s_name_comes_with_the_lead(sandbox, nexadesk, lead):
    rep = sandbox.add_representative("Ada", "Byron", "ada@desk.example")

    nexadesk.update_lead(lead, {"assigned_rep_id": rep})

    record = nexadesk.get_lead(lead)
    assert (record.rep_id, record.rep_name) == (rep, "Ada Byron")


def test_a_contact_is_read_made_changed_and_deleted(sandbox, nexadesk, contact):
    assert nexadesk.get_contact(contact).first_name == "Omar"

    made = nexadesk.create_contact({"first_name": "Lena", "tags": ["vip"], "profile_notes": "x"})
    changed = nexadesk.update_contact(made.upstream_id, {"last_name": "Quay"})
    nexadesk.delete_contact(contact)

    assert (changed.first_name, changed.last_name, changed.tags) == ("Lena", "Quay", ("vip",))
    assert [row["id"] for row in sandbox.contacts] == [made.upstream_id]


def test_an_email_that_is_taken_is_a_duplicate(sandbox, nexadesk, contact):
    other = sandbox.add_contact(first_name="Lena")["id"]

    with pytest.raises(Duplicate) as made:
        nexadesk.create_contact({"first_name": "O", "email": "OMAR@delta.example"})
    with pytest.raises(Duplicate):
        nexadesk.update_contact(other, {"email": "omar@delta.example"})

    assert made.value.said
    (found,) = nexadesk.list_page(Kind.CONTACTS, filters={"search": "omar@delta"}).records
    assert found.upstream_id == contact


def test_contacts_are_listed_by_their_last_activity(sandbox, nexadesk):
    for day in (2, 9, 5):
        sandbox.add_contact(first_name=str(day), last_activity=f"2026-04-0{day}T00:00:00.000Z")

    page = nexadesk.list_page(Kind.CONTACTS, sort="last_activity:desc")

    assert [record.first_name for record in page.records] == ["9", "5", "2"]
