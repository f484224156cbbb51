"""Dexra's five calls (API facts B1 to B4)."""

import re
import time

import pytest

ISO_S = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_a_list_has_data_and_meta_and_single_objects_are_bare(sandbox, dexra):
    user = sandbox.add_dexra_user(email="mara@cove.example", first_name="Mara")
    one = sandbox.add_dexra_conversation(user_id=user["id"], subject="Invoice copy")
    message = sandbox.incoming_message(one["id"], "Could you resend it?")

    listed = dexra.get("/conversations").json()
    single = dexra.get(f"/conversations/{one['id']}").json()

    assert listed == {
        "data": [
            {
                "id": one["id"],
                "status": "open",
                "subject": "Invoice copy",
                "created_at": one["created_at"],
                "last_message": {"id": message["id"], "text": "Could you resend it?"},
            }
        ],
        "meta": {"total": 1, "next_cursor": None},
    }
    assert ISO_S.fullmatch(one["created_at"])
    assert set(single) == {"id", "status", "participants"}
    assert single["participants"][0]["email"] == "mara@cove.example"


def test_following_the_opaque_cursor_meets_every_conversation_once(sandbox, dexra):
    for number in range(45):
        sandbox.add_dexra_conversation(id=f"conv_{number}")

    seen, cursors, query = [], [], {}
    while True:
        page = dexra.get("/conversations", params=query).json()
        seen += [row["id"] for row in page["data"]]
        if not page["meta"]["next_cursor"]:
            break
        query = {"cursor": page["meta"]["next_cursor"]}
        cursors.append(query["cursor"])

    assert sorted(seen) == sorted(f"conv_{number}" for number in range(45))
    assert len(cursors) == 2  # 20 a page by default
    assert page["meta"]["total"] == 45


@pytest.mark.parametrize(("asked", "rows"), [("0", 1), ("7", 7), ("500", 100)])
def test_limit_is_clamped_to_a_hundred(sandbox, dexra, asked, rows):
    for _ in range(101):
        sandbox.add_dexra_conversation()

    assert len(dexra.get(f"/conversations?limit={asked}").json()["data"]) == rows


def test_conversations_are_filtered_by_status(sandbox, dexra):
    for status in ("open", "closed", "snoozed"):
        sandbox.add_dexra_conversation(status=status)

    for status in ("open", "closed", "snoozed"):
        page = dexra.get(f"/conversations?status={status}").json()
        assert [row["status"] for row in page["data"]] == [status]
        assert page["meta"]["total"] == 1
    assert dexra.get("/conversations?status=archived").status_code == 400
    assert dexra.get("/conversations?cursor=MTA").status_code == 400


def test_a_conversation_is_begun_and_echoes_neither_subject_nor_tags(sandbox, dexra):
    body = {"user_id": "u_3310", "subject": "Hello", "tags": ["vip"]}

    answer = dexra.post("/conversations", json=body)

    begun = answer.json()
    assert answer.status_code == 201
    assert set(begun) == {"id", "status", "created_at"}
    assert begun["status"] == "open"
    assert begun["id"].startswith("conv_")
    assert sandbox.dexra_conversation(begun["id"])["subject"] == "Hello"
    assert dexra.post("/conversations", json={"subject": "nobody"}).status_code == 400


@pytest.mark.parametrize("kind", [None, "text", "private_note"])
def test_a_message_is_sent_and_a_note_does_not_show_as_last_message(sandbox, dexra, kind):
    one = sandbox.add_dexra_conversation()
    body = {"conversation_id": one["id"], "content": "**Yes**", **({"type": kind} if kind else {})}

    answer = dexra.post("/messages", json=body)

    sent = answer.json()
    assert answer.status_code == 201
    assert set(sent) == {"id", "conversation_id", "status", "timestamp"}
    assert (sent["status"], sent["conversation_id"]) == ("sent", one["id"])
    assert isinstance(sent["timestamp"], int)
    assert abs(sent["timestamp"] - time.time()) < 60
    (stored,) = sandbox.dexra_messages(one["id"])
    assert (stored["type"], stored["text"]) == (kind or "text", "**Yes**")
    shown = sandbox.dexra_conversation(one["id"])["last_message"]
    assert (shown is None) == (kind == "private_note")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"content": ""}, 400),
        ({"content": None}, 400),
        ({"type": "shout"}, 400),
        ({"conversation_id": ""}, 400),
        ({"conversation_id": "conv_none"}, 404),
    ],
)
def test_a_message_that_is_not_valid_is_refused(sandbox, dexra, change, status):
    one = sandbox.add_dexra_conversation()

    answer = dexra.post("/messages", json={"conversation_id": one["id"], "content": "x", **change})

    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert sandbox.dexra_messages(one["id"]) == []


def test_a_user_is_changed_and_attributes_are_merged(sandbox, dexra):
    user = sandbox.add_dexra_user(email="old@cove.example", custom_attributes={"plan": "pro"})
    body = {"email": "mara@cove.example", "custom_attributes": {"seats": 12}}

    answer = dexra.patch(f"/users/{user['id']}", json=body)

    assert answer.status_code == 200
    assert answer.json() == {
        "id": user["id"],
        "email": "mara@cove.example",
        "custom_attributes": {"plan": "pro", "seats": 12},
    }
    assert dexra.patch("/users/u_none", json=body).status_code == 404
    assert dexra.patch(f"/users/{user['id']}", json={"email": "x"}).status_code == 400


def test_a_user_id_with_a_slash_or_an_umlaut_can_be_addressed(sandbox, dexra):
    sandbox.add_dexra_user(id="crm/7 ü")

    assert (
        dexra.patch("/users/crm%2F7%20%C3%BC", json={"custom_attributes": {"a": 1}}).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", "/conversations/conv_1", 405),
        ("DELETE", "/conversations/conv_1", 405),
        ("GET", "/messages", 405),
        ("GET", "/users/u_1", 405),
        ("GET", "/users", 404),
        ("GET", "/conversations/conv_1/messages", 404),
    ],
)
def test_what_is_not_documented_is_not_there(dexra, method, path, status):
    assert dexra.request(method, path).status_code == status


def test_assumptions_can_be_turned_round(sandbox, dexra):
    user = sandbox.add_dexra_user(custom_attributes={"plan": "pro"})
    sandbox.dexra_assumptions.attributes = "replace"
    sandbox.dexra_assumptions.error_form = "message"
    sandbox.dexra_assumptions.end_of_list = "missing"
    sandbox.dexra_assumptions.unknown_user = "refuse"

    changed = dexra.patch(f"/users/{user['id']}", json={"custom_attributes": {"seats": 1}}).json()

    assert changed["custom_attributes"] == {"seats": 1}
    assert dexra.post("/conversations", json={"user_id": "u_new"}).json() == {
        "message": "User not found"
    }
    assert dexra.get("/conversations").json()["meta"] == {"total": 0}
