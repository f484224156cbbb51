"""NexaDesk's conversations are read and moved; Dexra's are begun and answered."""

import pytest

from portal.providers.dexra import DEXRA
from portal.providers.errors import NotFound, Refused
from portal.records import Author, Kind, State
from portal.sandbox import Fault


def thread_of(sandbox):
    thread = [("visitor", "Where is it?"), ("bot", "One moment."), ("agent", "On its way.")]
    return sandbox.add_conversation(visitor_name="Lena", status="open", thread=thread)["id"]


@pytest.fixture
def talk_id(sandbox):
    return thread_of(sandbox)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("names", [("sender_type", "content"), ("role", "text")])
def test_a_conversation_is_read_with_its_history(sandbox, nexadesk, inside, names):
    sandbox.nexadesk_assumptions.messages_inside = inside
    sandbox.nexadesk_assumptions.message_fields = names

    record = nexadesk.get_conversation(thread_of(sandbox))

    assert [(message.author, message.text) for message in record.messages] == [
        (Author.VISITOR, "Where is it?"),
        (Author.BOT, "One moment."),
        (Author.AGENT, "On its way."),
    ]
    assert record.state is State.OPEN
    assert all(set(names) <= message.raw.keys() for message in record.messages)
    assert "messages" not in record.raw


def test_a_detail_says_what_it_speaks_of(talk, answer):
    inner = {"id": "c1", "status": "open", "tags": [], "created_at": "2026-04-06T08:00:00.000Z"}
    record = talk(answer({"success": True, "data": {"conversation": inner}})).get_conversation("c1")

    assert record.told == {"upstream_id", "status", "state", "tags", "created_at"}
    assert record.messages is None


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_status_is_set(sandbox, nexadesk, talk_id, wrapped):
    sandbox.nexadesk_assumptions.patched_conversation_wrapped = wrapped

    record = nexadesk.set_status(talk_id, "archived")

    assert (record.status, record.state) == ("archived", State.CLOSED)
    assert sandbox.conversation(talk_id)["status"] == "archived"
    assert sandbox.requests[0].body == {"status": "archived"}


def test_a_status_that_is_none_is_refused_with_a_sentence(nexadesk, talk_id):
    with pytest.raises(Refused) as refused:
        nexadesk.set_status(talk_id, "closed")

    assert refused.value.said


def test_a_conversation_that_is_gone_is_not_found(nexadesk, dexra):
    for call in (nexadesk.get_conversation, dexra.get_conversation):
        with pytest.raises(NotFound):
            call("conv_gone")


def test_a_conversation_of_dexra_is_begun(sandbox, dexra):
    record = dexra.create_conversation(
        {"user_id": "u_1", "subject": "Invoice copy", "tags": ["billing"]}
    )

    assert (record.subject, record.tags, record.state) == (
        "Invoice copy",
        ("billing",),
        State.OPEN,
    )
    assert {"subject", "tags"} <= record.told
    assert "subject" not in record.raw
    assert sandbox.dexra_conversation(record.upstream_id)["subject"] == "Invoice copy"


def test_a_message_and_a_note_are_different_things(sandbox, dexra):
    talk = sandbox.add_dexra_conversation()["id"]

    sent = dexra.send_message(talk, "**Hello** ä")
    note = dexra.send_note(talk, "Call him")

    assert [(row["type"], row["text"]) for row in sandbox.dexra_messages(talk)] == [
        ("text", "**Hello** ä"),
        ("private_note", "Call him"),
    ]
    assert (sent.conversation_id, sent.status) == (talk, "sent")
    assert sent.upstream_id != note.upstream_id
    assert sent.sent_at.year >= 2024


def test_a_note_that_fails_is_never_sent_as_a_message(sandbox, dexra):
    talk = sandbox.add_dexra_conversation()["id"]
    sandbox.fault("dexra", "POST", "/messages", Fault.status(400))

    with pytest.raises(Refused):
        dexra.send_note(talk, "Call him")

    assert sandbox.requests.count("POST /messages") == 1
    assert sandbox.dexra_messages(talk) == []


def test_the_same_text_twice_is_two_messages(sandbox, dexra):
    talk = sandbox.add_dexra_conversation()["id"]

    assert dexra.send_message(talk, "OK").upstream_id != dexra.send_message(talk, "OK").upstream_id
    assert len(sandbox.dexra_messages(talk)) == 2


def test_dexra_s_conversations_are_listed_by_status(sandbox, dexra):
    for status in ("open", "closed", "snoozed", "open"):
        sandbox.add_dexra_conversation(status=status)

    page = dexra.list_page(Kind.CONVERSATIONS, filters={"status": "snoozed"})

    assert [record.state for record in page.records] == [State.SNOOZED]
    assert dexra.list_page(Kind.CONVERSATIONS).total == 4


def test_a_conversation_of_dexra_tells_who_takes_part(sandbox, dexra):
    sandbox.add_dexra_user(id="u_1", email="mara@cove.example", first_name="Mara")
    talk = sandbox.add_dexra_conversation(user_id="u_1")["id"]

    record = dexra.get_conversation(talk)

    assert record.visitor_email == "mara@cove.example"
    assert record.participants[0].upstream_id == "u_1"


@pytest.mark.parametrize("way", ["merge", "replace"])
def test_a_user_s_attributes_are_what_dexra_says_they_are(sandbox, dexra, way):
    sandbox.dexra_assumptions.attributes = way
    sandbox.add_dexra_user(id="u_1", email="old@cove.example", custom_attributes={"plan": "pro"})

    record = dexra.update_user(
        "u_1", {"email": "mara@cove.example", "custom_attributes": {"seats": 12}}
    )

    assert record.email == "mara@cove.example"
    assert record.raw["custom_attributes"] == sandbox.dexra_user("u_1")["custom_attributes"]
    assert ("plan" in record.raw["custom_attributes"]) == (way == "merge")


@pytest.mark.parametrize("upstream_id", ["", ".", ".."])
def test_an_id_that_is_a_step_in_the_path_is_never_sent(sandbox, dexra, upstream_id):
    with pytest.raises(NotFound):
        dexra.get_conversation(upstream_id)
    with pytest.raises(NotFound):
        dexra.update_user(upstream_id, {"email": "mara@cove.example"})

    assert len(sandbox.requests) == 0


def test_an_id_with_slashes_stays_one_step(talk, answer):
    client = talk(answer({"id": "a/../b?c#d é"}), DEXRA)

    assert client.get_conversation("a/../b?c#d é").upstream_id == "a/../b?c#d é"
    assert client.wire.requests == ["GET /conversations/a%2F..%2Fb%3Fc%23d%20%C3%A9 HTTP/1.1"]
