"""NexaDesk's creations, changes and deletions (API facts A4 to A6)."""

import pytest


def refusal(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.json()["success"] is False
    return answer.json()["error"]


def test_a_lead_is_created_with_201_and_defaults(sandbox, nexadesk):
    answer = nexadesk.post("/leads", json={"visitor_name": "Zoë"})

    assert answer.status_code == 201
    lead = answer.json()["data"]
    assert answer.json()["success"] is True
    assert "pagination" not in answer.json()
    assert (lead["visitor_name"], lead["pipeline_stage"], lead["tags"]) == ("Zoë", "new", [])
    assert sandbox.lead(lead["id"])["visitor_name"] == "Zoë"


def test_every_writable_field_of_a_lead_is_kept_as_sent(sandbox, nexadesk):
    rep = sandbox.add_representative("Ingrid", "Sørensen", "ingrid@desk.example")
    sent = {
        "visitor_name": "李 雷",
        "visitor_email": "li@quay.example",
        "visitor_phone": "+86-10-555",
        "visitor_company": "青山",
        "need_summary": "line one\nline two",
        "tags": ["b", "a"],
        "source": "fair",
        "pipeline_stage": "demo booked",
        "expected_billing_amount": 1249.5,
        "assigned_rep_id": rep,
    }

    lead = nexadesk.post("/leads", json=sent).json()["data"]

    assert {name: lead[name] for name in sent} == sent
    assert (lead["rep_first_name"], lead["rep_last_name"]) == ("Ingrid", "Sørensen")
    assert lead["rep_email"] == "ingrid@desk.example"


@pytest.mark.parametrize(
    ("body", "about"),
    [
        ({}, "visitor_name is required"),
        ({"visitor_name": " "}, "visitor_name is required"),
        ({"visitor_name": None}, "visitor_name is required"),
        ({"visitor_name": 7}, "visitor_name must be a string"),
        ({"visitor_name": "x" * 201}, "200"),
        ({"visitor_name": "x", "visitor_phone": "1" * 51}, "50"),
        ({"visitor_name": "x", "visitor_company": "c" * 201}, "200"),
        ({"visitor_name": "x", "visitor_email": "no address"}, "visitor_email"),
        ({"visitor_name": "x", "tags": "a,b"}, "tags"),
        ({"visitor_name": "x", "expected_billing_amount": -1}, "negative"),
        ({"visitor_name": "x", "expected_billing_amount": "12"}, "number"),
    ],
)
def test_a_lead_that_is_not_valid_is_refused_with_a_sentence(sandbox, nexadesk, body, about):
    assert about in refusal(nexadesk.post("/leads", json=body), 400)
    assert sandbox.leads == []


def test_the_longest_allowed_values_pass(nexadesk):
    body = {"visitor_name": "ü" * 200, "visitor_phone": "1" * 50}

    assert nexadesk.post("/leads", json=body).status_code == 201


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"visitor_name": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(nexadesk, content):
    headers = {"Content-Type": "application/json"}

    refusal(nexadesk.post("/leads", content=content, headers=headers), 400)


def test_a_body_must_say_that_it_is_json(nexadesk):
    refusal(nexadesk.post("/leads", content=b'{"visitor_name": "x"}'), 400)


def test_a_patch_changes_only_what_it_names_and_null_clears(sandbox, nexadesk):
    lead = sandbox.add_lead(
        visitor_name="Grace", visitor_phone="1", tags=["a"], created_at="2026-01-01T00:00:00.000Z"
    )

    answer = nexadesk.patch(
        f"/leads?id={lead['id']}", json={"pipeline_stage": "lost", "visitor_phone": None}
    )

    changed = answer.json()["data"]
    assert answer.status_code == 200
    assert (changed["visitor_name"], changed["tags"]) == ("Grace", ["a"])
    assert (changed["pipeline_stage"], changed["visitor_phone"]) == ("lost", None)
    assert changed["created_at"] == "2026-01-01T00:00:00.000Z"
    assert changed["updated_at"] > lead["updated_at"]


def test_read_only_fields_of_a_patch_are_ignored(sandbox, nexadesk):
    lead = sandbox.add_lead(visitor_name="Grace")

    nexadesk.patch(
        f"/leads?id={lead['id']}", json={"id": "other", "created_at": "x", "rep_email": "a@b.c"}
    )

    now = sandbox.lead(lead["id"])
    assert (now["created_at"], now["rep_email"]) == (lead["created_at"], None)


def test_unassigning_clears_the_representative(sandbox, nexadesk):
    rep = sandbox.add_representative("Ingrid", "S", "i@desk.example")
    lead = sandbox.add_lead(assigned_rep_id=rep)

    now = nexadesk.patch(f"/leads?id={lead['id']}", json={"assigned_rep_id": None}).json()["data"]

    assert (now["assigned_rep_id"], now["rep_first_name"]) == (None, None)


@pytest.mark.parametrize("kind", ["leads", "contacts"])
def test_a_deleted_record_is_gone(sandbox, nexadesk, kind):
    add = sandbox.add_lead if kind == "leads" else sandbox.add_contact
    address = f"/{kind}?id={add()['id']}"

    answer = nexadesk.delete(address)

    assert answer.status_code == 200
    assert answer.json() == {"success": True, "data": {"id": address.partition("=")[2]}}
    refusal(nexadesk.get(address), 404)
    refusal(nexadesk.delete(address), 404)


@pytest.mark.parametrize("kind", ["leads", "contacts", "conversations"])
def test_one_record_is_addressed_by_id_and_unknown_is_404(sandbox, nexadesk, kind):
    add = {
        "leads": sandbox.add_lead,
        "contacts": sandbox.add_contact,
        "conversations": sandbox.add_conversation,
    }[kind]
    record = add()

    assert nexadesk.get(f"/{kind}?id={record['id']}").status_code == 200
    refusal(nexadesk.get(f"/{kind}?id=nobody"), 404)
    refusal(nexadesk.patch(f"/{kind}?id=nobody", json={"status": "open"}), 404)
    refusal(nexadesk.patch(f"/{kind}", json={}), 400)
    refusal(nexadesk.get(f"/{kind}/{record['id']}"), 404)


def test_methods_a_resource_lacks_are_405(nexadesk):
    for method, path in (
        ("POST", "/conversations"),
        ("DELETE", "/conversations"),
        ("PUT", "/leads"),
    ):
        answer = nexadesk.request(method, path, json={})
        refusal(answer, 405)
        assert "GET" in answer.headers["Allow"]


def test_a_path_that_is_not_there_is_404(nexadesk):
    refusal(nexadesk.get("/users"), 404)


def test_a_contact_with_a_taken_email_is_409_whatever_its_case(sandbox, nexadesk):
    sandbox.add_contact(first_name="Omar", email="Omar@delta.example")

    answer = nexadesk.post("/contacts", json={"first_name": "O", "email": "omar@DELTA.example"})

    refusal(answer, 409)
    assert len(sandbox.contacts) == 1


def test_a_contact_may_keep_its_own_email_but_not_take_anothers(sandbox, nexadesk):
    sandbox.add_contact(first_name="Omar", email="omar@delta.example")
    ida = sandbox.add_contact(first_name="Ida", email="ida@delta.example")
    address = f"/contacts?id={ida['id']}"

    assert nexadesk.patch(address, json={"email": "ida@delta.example"}).status_code == 200
    refusal(nexadesk.patch(address, json={"email": "omar@delta.example"}), 409)


def test_contacts_without_email_never_conflict(nexadesk):
    for _ in range(2):
        assert nexadesk.post("/contacts", json={"first_name": "Nobody"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "about"),
    [
        ({"last_name": "x"}, "first_name"),
        ({"first_name": "x" * 101}, "100"),
        ({"first_name": "x", "last_name": "x" * 101}, "100"),
        ({"first_name": "x", "phone": "1" * 51}, "50"),
        ({"first_name": "x", "email": "x@"}, "email"),
        ({"first_name": "x", "company_name": "c" * 201}, "company_name"),
    ],
)
def test_a_contact_that_is_not_valid_is_refused(nexadesk, body, about):
    assert about in refusal(nexadesk.post("/contacts", json=body), 400)


def test_editing_a_contact_moves_none_of_its_times(sandbox, nexadesk):
    contact = sandbox.add_contact(first_name="Omar")

    now = nexadesk.patch(f"/contacts?id={contact['id']}", json={"first_name": "O"}).json()["data"]

    assert "updated_at" not in now
    assert now["last_activity"] == contact["last_activity"]


def test_a_conversation_comes_wrapped_with_its_whole_thread(sandbox, nexadesk):
    thread = [("visitor", "When?"), ("bot", "Soon."), ("agent", "Tomorrow.")]
    conversation = sandbox.add_conversation(visitor_name="Lena", thread=thread)

    data = nexadesk.get(f"/conversations?id={conversation['id']}").json()["data"]

    assert set(data) == {"conversation", "messages"}
    assert data["conversation"]["message_count"] == 3
    assert data["conversation"]["last_message"] == "Tomorrow."
    assert [(row["sender_type"], row["content"]) for row in data["messages"]] == thread
    assert set(data["messages"][0]) == {"id", "sender_type", "content", "created_at"}


def test_a_conversation_changes_its_status_and_nothing_else(sandbox, nexadesk):
    conversation = sandbox.add_conversation(visitor_name="Lena", tags=["a"])
    address = f"/conversations?id={conversation['id']}"

    answer = nexadesk.patch(address, json={"status": "archived", "tags": ["b"]})

    assert answer.status_code == 200
    assert answer.json()["data"]["status"] == "archived"
    assert sandbox.conversation(conversation["id"])["tags"] == ["a"]
    refusal(nexadesk.patch(address, json={"status": "closed"}), 400)
    refusal(nexadesk.patch(address, json={}), 400)


def test_unknown_fields_and_odd_characters_come_back_as_they_are(sandbox, nexadesk):
    name = "a\u0000b \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")
    lead = sandbox.add_lead(visitor_name=name, need_summary="lone \ud800", future_field={"x": [1]})

    data = nexadesk.get(f"/leads?id={lead['id']}").json()["data"]

    assert data["visitor_name"] == name
    assert data["need_summary"] == "lone \ud800"
    assert data["future_field"] == {"x": [1]}
