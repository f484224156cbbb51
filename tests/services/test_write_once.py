"""A write is a row before it is a request, and is never sent twice."""

import threading

import pytest
from django.db import connections as databases
from django.utils import timezone

from portal.errors import NotAllowed
from portal.models import Contact, Conversation, Entry, Lead, Write
from portal.outbox import store as outbox
from portal.outbox.store import LostClaim
from portal.providers.errors import Duplicate, NotFound, NotPermitted, Refused
from portal.sandbox import Fault
from portal.services.contacts import create_contact, existing_contact, know_user, update_contact
from portal.services.conversations import add_note, send_reply, set_status, start_conversation
from portal.services.errors import CannotDo, StaleRecord
from portal.services.leads import create_lead, delete_lead, refresh_lead, update_lead
from portal.services.sending import expire_silent, send_due


@pytest.fixture
def lead(sandbox, nexadesk, synced):
    sandbox.add_lead(visitor_name="Ada", pipeline_stage="new", expected_billing_amount=100)
    synced(nexadesk)
    sandbox.requests.clear()
    return Lead.objects.select_related("connection", "workspace").get()


@pytest.fixture
def conversation(sandbox, dexra, synced):
    user = sandbox.add_dexra_user(email="mara@cove.example", first_name="Mara")
    sandbox.add_dexra_conversation(user_id=user["id"], subject="Invoice copy")
    synced(dexra)
    sandbox.requests.clear()
    return Conversation.objects.select_related("connection", "workspace").get()


def change_stage(lead, actor, form_id="f1", stage="qualified", before="new"):
    return update_lead(
        lead,
        {"pipeline_stage": stage},
        before={"pipeline_stage": before},
        actor=actor,
        form_id=form_id,
    )


def test_a_change_arrives_and_row_copy_and_log_agree(lead, agent, sandbox):
    outcome = change_stage(lead, agent)

    assert outcome.sent
    assert sandbox.lead(lead.upstream_id)["pipeline_stage"] == "qualified"
    assert Lead.objects.get().stage == "qualified"
    entry = Entry.objects.get(action="lead.update")
    assert (entry.outcome, entry.actor, entry.after) == (
        "done",
        agent.user,
        {"pipeline_stage": "qualified"},
    )
    assert sandbox.requests.count("PATCH /leads") == 1


def test_the_row_is_committed_before_the_request_leaves(
    transactional_db, sandbox, nexadesk, synced, agent
):
    sandbox.add_lead(visitor_name="Ada", pipeline_stage="new")
    synced(nexadesk)
    lead = Lead.objects.select_related("connection", "workspace").get()
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.delay(3))
    seen = []

    def look_from_outside():
        sandbox.requests.wait_for("PATCH /leads")
        seen.extend(Write.objects.values_list("status", flat=True))
        databases.close_all()

    watcher = threading.Thread(target=look_from_outside)
    watcher.start()
    change_stage(lead, agent)
    watcher.join()

    assert seen == ["in_flight"]
    assert Write.objects.get().status == "sent"


def test_the_same_form_twice_makes_one_request(lead, agent, sandbox):
    first = change_stage(lead, agent, form_id="same")
    second = change_stage(lead, agent, form_id="same")

    assert second.write.pk == first.write.pk
    assert second.sent
    assert second.record.pk == lead.pk
    assert sandbox.requests.count("PATCH /leads") == 1


def test_does_not_overwrite_a_colleague(lead, agent, sandbox):
    sandbox.edit_lead(lead.upstream_id, pipeline_stage="lost")

    with pytest.raises(StaleRecord) as stale:
        change_stage(lead, agent)

    clash = stale.value.clashes[0]
    assert (clash.name, clash.before, clash.theirs, clash.mine) == (
        "pipeline_stage",
        "new",
        "lost",
        "qualified",
    )
    assert stale.value.current.stage == "lost"
    assert sandbox.requests.count("PATCH /leads") == 0
    assert Entry.objects.get(action="lead.update").outcome == "refused"


def test_a_change_of_another_field_merges_silently(lead, agent, sandbox):
    sandbox.edit_lead(lead.upstream_id, visitor_company="Harbour Tools", futuristic="kept")

    change_stage(lead, agent)

    there = sandbox.lead(lead.upstream_id)
    assert (there["visitor_company"], there["futuristic"], there["pipeline_stage"]) == (
        "Harbour Tools",
        "kept",
        "qualified",
    )
    assert sandbox.requests.matching("PATCH /leads")[0].body == {"pipeline_stage": "qualified"}


LOST = [
    Fault.reset_after_apply(),
    Fault.reset_before_apply(),
    Fault.status(500),
    Fault.garbage(),
    Fault.cut_body(),
]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault.name)
def test_an_answer_that_is_lost_leaves_the_write_unknown_and_unsent(
    fault, nexadesk, agent, sandbox
):
    sandbox.fault("nexadesk", "POST", "/leads", fault)

    outcome = create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f")

    assert outcome.write.status == Write.Status.UNKNOWN
    assert Entry.objects.get(action="lead.create").outcome == "unknown"
    assert send_due() == 0
    again = create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f")
    assert again.write.pk == outcome.write.pk
    assert sandbox.requests.count("POST /leads") == 1


def test_nobody_listens_so_the_write_waits_and_is_sent_once(nexadesk, agent, sandbox, settings):
    there = settings.PROVIDER_BASE_URLS
    settings.PROVIDER_BASE_URLS = {"nexadesk": "http://127.0.0.1:9/api", "dexra": ""}
    outcome = create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f")
    assert outcome.write.status == Write.Status.QUEUED

    settings.PROVIDER_BASE_URLS = there
    assert send_due() == 0, "not before its time"
    Write.objects.update(not_before=timezone.now())
    assert send_due() == 1
    assert send_due() == 0

    assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada"]
    assert Write.objects.get().status == "sent"
    assert Lead.objects.get().name == "Ada"


def test_a_key_without_room_queues_the_write(nexadesk, agent, sandbox):
    sandbox.fault("nexadesk", "POST", "/leads", Fault.status(429, headers={"Retry-After": "7"}))

    outcome = create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f")

    assert outcome.write.status == "queued"
    assert sandbox.leads == []


def test_a_rejected_key_keeps_the_write_and_makes_no_second_call(nexadesk, agent, sandbox):
    sandbox.fault("nexadesk", "*", "*", Fault.status(401), times=None)

    first = create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f1")
    nexadesk.refresh_from_db()
    second = create_lead(nexadesk, {"visitor_name": "Bo"}, actor=agent, form_id="f2")

    assert nexadesk.status == "key_rejected"
    assert (first.write.status, second.write.status) == ("queued", "queued")
    assert len(sandbox.requests) == 1
    assert send_due() == 0


def test_the_providers_own_sentence_comes_back(nexadesk, agent, sandbox):
    with pytest.raises(Refused) as refused:
        create_lead(nexadesk, {"visitor_name": ""}, actor=agent, form_id="f")

    assert "visitor_name" in refused.value.said
    write = Write.objects.get()
    assert (write.status, write.said) == ("refused", refused.value.said)


def test_a_read_only_key_is_learnt(sandbox, connect_to, agent):
    connection = connect_to("nexadesk", scopes=("read",))
    with pytest.raises(NotPermitted):
        create_lead(connection, {"visitor_name": "Ada"}, actor=agent, form_id="f")

    connection.refresh_from_db()
    assert connection.may_write is False


def test_a_lead_deleted_there_is_hidden_here(lead, agent, sandbox):
    sandbox.delete_lead(lead.upstream_id)

    with pytest.raises(NotFound):
        change_stage(lead, agent)

    assert Lead.objects.get().gone_at is not None


def test_one_not_found_that_the_next_answer_takes_back_removes_nothing(lead, agent, sandbox):
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.status(404))

    with pytest.raises(NotFound):
        change_stage(lead, agent)

    assert Lead.objects.get().gone_at is None
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(404))
    assert refresh_lead(lead) == lead
    assert Write.objects.get().changes == {"pipeline_stage": "qualified"}


def test_a_reply_that_finds_no_way_leaves_the_thread_where_it_is(conversation, agent, sandbox):
    sandbox.fault("dexra", "POST", "/messages", Fault.status(404))

    with pytest.raises(NotFound):
        send_reply(conversation, "Hello", actor=agent, form_id="f")

    assert Conversation.objects.get().gone_at is None


def test_a_user_that_no_call_can_read_stays_though_not_found(dexra, agent, sandbox):
    user = know_user(dexra, sandbox.add_dexra_user()["id"])
    sandbox.fault("dexra", "PATCH", "/users", Fault.status(404), times=None)
    changes = {"custom_attributes": {"plan": "gold"}}

    with pytest.raises(NotFound):
        update_contact(user, changes, before={}, actor=agent, form_id="f")

    assert Contact.objects.get().gone_at is None


def test_deleting_what_is_gone_already_is_done(lead, agent, sandbox):
    sandbox.delete_lead(lead.upstream_id)

    assert delete_lead(lead, actor=agent, form_id="f").sent
    assert Entry.objects.get(action="lead.delete").before["visitor_name"] == "Ada"


def test_a_deletion_that_finds_nothing_of_a_record_that_is_there_is_not_done(lead, agent, sandbox):
    sandbox.fault("nexadesk", "DELETE", "/leads", Fault.status(404))

    with pytest.raises(Refused):
        delete_lead(lead, actor=agent, form_id="f")

    assert Lead.objects.get().gone_at is None
    assert sandbox.lead(lead.upstream_id)


def test_a_duplicate_contact_can_be_found(sandbox, nexadesk, agent):
    known = sandbox.add_contact(first_name="Omar", email="omar@delta.example")

    with pytest.raises(Duplicate):
        create_contact(
            nexadesk,
            {"first_name": "O", "email": "OMAR@delta.example"},
            actor=agent,
            form_id="f",
        )

    found = existing_contact(nexadesk, "OMAR@delta.example")
    assert found.upstream_id == known["id"]


def test_a_viewer_writes_nothing(lead, viewer, sandbox):
    with pytest.raises(NotAllowed):
        change_stage(lead, viewer)
    assert not Write.objects.exists()
    assert len(sandbox.requests) == 0


def test_a_demoted_persons_queued_write_is_held(nexadesk, agent, sandbox, settings):
    there = settings.PROVIDER_BASE_URLS
    settings.PROVIDER_BASE_URLS = {"nexadesk": "http://127.0.0.1:9/api"}
    create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f")
    settings.PROVIDER_BASE_URLS = there
    agent.role = "viewer"
    agent.save()
    Write.objects.update(not_before=None)

    send_due()

    assert sandbox.leads == []
    assert Write.objects.get().status == "refused"


def test_a_sender_that_fell_silent_leaves_unknown_never_queued(lead, agent):
    change_stage(lead, agent)
    stuck = Write.objects.get()
    Write.objects.update(status="in_flight", lease_until=timezone.now())

    expire_silent()

    stuck.refresh_from_db()
    assert stuck.status == "unknown"
    assert send_due() == 0


def test_a_late_sender_may_not_settle_what_another_took_over(lead, agent):
    change_stage(lead, agent)
    Write.objects.update(status="in_flight", attempt=2)
    late = Write.objects.get()
    late.attempt = 1

    with pytest.raises(LostClaim):
        outbox.settle(late, Write.Status.SENT)
    assert Write.objects.get().status == "in_flight"


def test_one_change_of_a_record_is_in_flight_at_a_time(lead, agent, sandbox):
    change_stage(lead, agent)
    Write.objects.update(status="in_flight", lease_until=timezone.now() + outbox.LEASE)

    later = change_stage(lead, agent, form_id="f2", stage="lost", before="new")

    assert (later.write.status, later.write.reason) == ("queued", "order")
    assert send_due() == 0
    Write.objects.filter(form_id="f1").update(status="sent", settled_at=timezone.now())
    assert send_due() == 1
    assert Write.objects.get(form_id="f2").status == "sent"
    assert sandbox.leads[0]["pipeline_stage"] == "lost"


def test_a_reply_reaches_the_customer_and_a_note_does_not(conversation, agent, sandbox):
    send_reply(conversation, "It is on its way.", actor=agent, form_id="f1")
    add_note(conversation, "Refund if late.", actor=agent, form_id="f2")

    told = [(m["type"], m["text"]) for m in sandbox.dexra_messages(conversation.upstream_id)]
    assert told == [("text", "It is on its way."), ("private_note", "Refund if late.")]
    kept = conversation.messages.order_by("id").values_list("text", "private", "author_name")
    assert list(kept) == [
        ("It is on its way.", False, "Agent"),
        ("Refund if late.", True, "Agent"),
    ]


def test_a_note_that_fails_never_becomes_a_message(conversation, agent, sandbox):
    sandbox.fault("dexra", "POST", "/messages", Fault.status(422))

    with pytest.raises(Refused):
        add_note(conversation, "Only for us", actor=agent, form_id="f")

    assert sandbox.requests.count("POST /messages") == 1
    assert sandbox.dexra_messages(conversation.upstream_id) == []


def test_two_equal_messages_on_purpose_are_both_sent(conversation, agent, sandbox):
    send_reply(conversation, "OK", actor=agent, form_id="f1")
    send_reply(conversation, "OK", actor=agent, form_id="f2")

    assert len(sandbox.dexra_messages(conversation.upstream_id)) == 2
    assert conversation.messages.filter(origin="ours").count() == 2


def test_what_an_api_cannot_do_is_said_and_not_tried(conversation, agent, sandbox):
    with pytest.raises(CannotDo) as cannot:
        set_status(conversation, "closed", before="open", actor=agent, form_id="f")
    assert "Dexra" in cannot.value.message
    assert len(sandbox.requests) == 0


def test_a_new_conversation_keeps_the_subject_that_the_answer_does_not_echo(dexra, agent, sandbox):
    user = sandbox.add_dexra_user(email="mara@cove.example", first_name="Mara")
    outcome = start_conversation(
        dexra,
        {"user_id": user["id"], "subject": "Welcome", "tags": ["vip"]},
        actor=agent,
        form_id="f",
    )
    assert (outcome.record.subject, outcome.record.tags, outcome.record.status) == (
        "Welcome",
        ["vip"],
        "open",
    )
    assert Contact.objects.get().upstream_id == user["id"]


def test_a_dexra_users_attributes_are_changed(dexra, agent, sandbox):
    user = sandbox.add_dexra_user(email="mara@cove.example", first_name="Mara")
    contact = know_user(dexra, user["id"])
    update_contact(
        contact,
        {"email": "m@cove.example", "custom_attributes": {"plan": "pro", "seats": 12}},
        before={},
        actor=agent,
        form_id="f",
    )
    contact.refresh_from_db()
    assert contact.email == "m@cove.example"
    assert contact.raw["custom_attributes"]["seats"] == 12
    assert sandbox.dexra_user(user["id"])["custom_attributes"]["plan"] == "pro"


def test_a_locked_key_makes_no_call(lead, agent, sandbox, settings):
    settings.PORTAL_KEYRING = {"lost": bytes(32)}

    outcome = change_stage(lead, agent)

    assert outcome.write.status == "queued"
    assert len(sandbox.requests) == 0
    lead.connection.refresh_from_db()
    assert lead.connection.status == "locked"
