"""What Dexra tells is shown as reported: its API cannot read messages or users."""

import json
import threading
import time

import pytest

from portal.mirror import threads
from portal.models import Contact, Conversation, Delivery, Message, Write
from portal.sandbox import Fault
from portal.services import conversations
from portal.services.sync import sync_connection
from portal.vault import store as vault


@pytest.fixture
def talk(sandbox):
    user = sandbox.add_dexra_user(id="u_1", email="mara@cove.example", first_name="Mara")
    return sandbox.add_dexra_conversation(subject="Late parcel", user_id=user["id"])


@pytest.fixture
def post(talk, postman, dexra, synced):
    synced(dexra)
    return postman(vault.by_id(dexra.pk))


def thread():
    rows = threads.messages(Conversation.objects.get())
    return [(row.author, row.text) for row in rows]


def outcomes():
    return list(Delivery.objects.order_by("id").values_list("status", "reason"))


def say(post, **told):
    post.bring_body(json.dumps(told).encode(), {})


def test_what_a_customer_writes_is_in_the_thread(sandbox, talk, post):
    sandbox.incoming_message(talk["id"], "It has not come.")
    sandbox.outgoing_message(talk["id"], "We are looking.", by="ai")

    post.deliver()

    assert len(sandbox.requests) == 0
    assert thread() == [("visitor", "It has not come."), ("bot", "We are looking.")]
    row = Conversation.objects.get()
    assert (row.last_message, row.source) == ("We are looking.", "email")
    assert Contact.objects.get().email == "mara@cove.example"
    assert outcomes() == [("done", "")] * 2


def test_both_spellings_are_read(talk, post):
    say(
        post,
        event="message_in",
        conversation_id=talk["id"],
        message_text="flat",
        source_channel="telegram",
    )
    message = {"content": "nested", "type": "text"}
    data = {"conversation_id": talk["id"], "message": message}
    say(post, event="message_out", channel="telegram", source="ai", data=data)
    post.apply()

    assert thread() == [("visitor", "flat"), ("bot", "nested")]
    assert Conversation.objects.get().source == "telegram"


def test_a_message_of_a_conversation_that_is_new_here_brings_it(sandbox, talk, post):
    other = sandbox.add_dexra_conversation(subject="New")
    sandbox.incoming_message(other["id"], "Hello?")

    applied = post.deliver()

    row = Conversation.objects.get(upstream_id=other["id"])
    assert [m.text for m in threads.messages(row)] == ["Hello?"]
    assert applied.sync_wanted, "the list tells more of it: its subject"


def test_an_id_of_another_form_is_not_guessed_at(sandbox, post, talk):
    sandbox.dexra_assumptions.webhook_ids = "digits"
    for n in range(4):
        sandbox.incoming_message(talk["id"], f"Hello {n}")

    applied = post.deliver()

    assert applied.sync_wanted
    assert sandbox.requests.count("GET /conversations") == 1
    assert Message.objects.count() == 0
    assert outcomes() == [("ignored", "There is no conversation with this id.")] * 4
    sandbox.incoming_message(talk["id"], "And again")
    post.deliver()
    assert len(sandbox.requests) == 0, "a stranger is asked for once in a while"


def test_twice_late_and_out_of_order_is_the_same_thread(sandbox, talk, post):
    for n in range(4):
        sandbox.incoming_message(talk["id"], f"Message {n}")
        time.sleep(0.002)
    sent = post.collected()
    for delivery in (sent[2], sent[0], sent[2], sent[3], sent[1], sent[0]):
        post.bring([delivery])
        post.apply()

    assert sorted(text for _, text in thread()) == [f"Message {n}" for n in range(4)]
    assert Delivery.objects.count() == 4


def test_equal_words_are_two_messages(sandbox, talk, post):
    sandbox.incoming_message(talk["id"], "OK")
    sandbox.incoming_message(talk["id"], "OK")
    post.deliver()
    assert thread() == [("visitor", "OK")] * 2


def test_equal_bodies_are_kept_and_marked(talk, post):
    for _ in range(2):
        say(post, event="message_in", conversation_id=talk["id"], message_text="OK")
    post.apply()

    rows = Message.objects.order_by("id")
    assert [(row.text, row.possibly_repeated) for row in rows] == [("OK", False), ("OK", True)]


def test_applied_twice_is_once(talk, post, admin):
    say(post, event="message_in", conversation_id=talk["id"], message_text="OK")
    post.apply()
    Delivery.objects.update(status="waiting", attempts=0)
    post.apply()
    assert thread() == [("visitor", "OK")]


def test_the_lists_last_message_and_the_delivery_are_one(sandbox, talk, post):
    sandbox.incoming_message(talk["id"], "It has not come.")
    sync_connection(post.connection)
    assert thread() == [("unknown", "It has not come.")]

    post.deliver()
    assert thread() == [("visitor", "It has not come.")]

    sync_connection(post.connection)
    assert thread() == [("visitor", "It has not come.")]


def test_so_are_they_where_the_ids_are_of_other_forms(sandbox, talk, post):
    sandbox.incoming_message(talk["id"], "It has not come.")
    say(post, event="message_in", conversation_id=talk["id"], message_text="It has not come.")
    post.apply()
    sync_connection(post.connection)
    assert thread() == [("visitor", "It has not come.")]


def test_our_own_reply_does_not_come_twice(sandbox, talk, post, agent):
    row = Conversation.objects.get()
    row = type(row).objects.select_related("connection", "workspace").get(pk=row.pk)
    conversations.send_reply(row, "On its way", actor=agent, form_id="f1")
    post.deliver()
    say(post, event="message_out", conversation_id=talk["id"], message_text="On its way")
    post.apply()

    assert [(row.origin, row.text) for row in Message.objects.all()] == [("ours", "On its way")]


def test_nor_when_the_event_is_faster_than_the_answer(sandbox, talk, post, agent):
    row = Conversation.objects.select_related("connection", "workspace").get()
    Write.objects.all().delete()
    from portal.audit import log
    from portal.outbox import store as outbox

    entry = log.open_entry(agent.workspace, "message.send", actor=agent.user)
    write = outbox.begin(
        agent.workspace,
        connection_id=row.connection_id,
        entry_id=entry.pk,
        actor=agent.user,
        form_id="f2",
        action="message.send",
        kind="conversations",
        upstream_id=row.upstream_id,
        changes={"text": "On its way"},
    )
    say(post, event="message_out", conversation_id=talk["id"], message_text="On its way")
    post.apply()
    waiting = Delivery.objects.get()
    assert (waiting.status, waiting.attempts, Message.objects.count()) == ("waiting", 0, 0)

    from portal.services.writes import attempt

    attempt(write)
    Delivery.objects.update(not_before=None)
    post.apply()

    assert [(m.origin, m.text) for m in Message.objects.all()] == [("ours", "On its way")]


def test_an_event_before_the_receipt_under_the_same_id(sandbox, talk, post, agent):
    """The receipt names the message that the event told before: one row, ours."""
    row = Conversation.objects.select_related("connection", "workspace").get()
    sandbox.fault("dexra", "POST", "/messages", Fault.delay_after_apply(0.5))
    reply = threading.Thread(target=lambda: None)
    reply.start()
    conversations.send_reply(row, "On its way", actor=agent, form_id="f3")
    post.deliver()
    assert [(m.origin, m.text) for m in Message.objects.all()] == [("ours", "On its way")]


def test_a_late_old_message_is_not_the_last_one(talk, post):
    def told(word, at):
        message = {"id": f"MSG_{word}", "content": word}
        data = {"conversation_id": talk["id"], "message": message}
        say(post, event="message_in", channel="instagram", timestamp=at, data=data)
        post.apply()

    told("second", "2096-04-06T08:31:00Z")
    first = Conversation.objects.get().active_at
    told("first", "2026-04-06T08:31:00Z")

    assert Conversation.objects.get().last_message == "second"
    assert first.year < 2090, "an unsigned time is not believed beyond its arrival"


def test_a_new_conversation_is_read_by_its_id(sandbox, post):
    made = sandbox.add_dexra_conversation(subject="Invoice copy")
    post.deliver()
    assert sandbox.requests.count(f"GET /conversations/{made['id']}") == 1
    assert Conversation.objects.filter(upstream_id=made["id"]).exists()


def test_or_asked_for_by_a_sync_where_that_id_is_another(sandbox, post):
    sandbox.dexra_assumptions.webhook_ids = "digits"
    sandbox.add_dexra_conversation(subject="Invoice copy")
    assert post.deliver().sync_wanted
    assert outcomes() == [("ignored", "It is not there (any more).")]


def test_a_changed_user_is_merged_as_reported(sandbox, post):
    sandbox.edit_dexra_user("u_1", custom_attributes={"plan": "pro"})
    post.deliver()
    row = Contact.objects.get(upstream_id="u_1")
    assert (row.email, row.raw["custom_attributes"]) == ("mara@cove.example", {"plan": "pro"})


@pytest.mark.parametrize(
    "told",
    [
        {"event": "message_in"},
        {"event": "message_in", "data": {"conversation_id": "c"}},
        {"event": "message_in", "data": "text"},
        {"event": "user_updated", "data": {}},
        {"event": "conversation_created"},
        {"event": "message_in", "conversation_id": "c", "message_text": "a\x00b"},
    ],
)
def test_what_cannot_be_read_fails_in_words(post, told):
    say(post, **told)
    post.apply()
    [(status, reason)] = outcomes()
    assert status == "failed"
    assert reason.startswith("It cannot be read: ")
