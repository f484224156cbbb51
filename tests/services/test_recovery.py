"""Writes whose answer was lost: looked up, and sent again only on proof that they are absent."""

import pytest
from django.utils import timezone

from portal.models import (
    Breaker,
    Contact,
    Conversation,
    Entry,
    Held,
    Lead,
    Message,
    Window,
    Write,
)
from portal.outbox import doubts
from portal.sandbox.faults import Fault
from portal.services.contacts import create_contact, delete_contact, update_contact
from portal.services.conversations import (
    add_note,
    send_reply,
    set_status,
    start_conversation,
)
from portal.services.leads import create_lead, delete_lead, update_lead
from portal.services.recovery import look_up_due
from portal.services.sending import send_due
from portal.services.writes import attempt

LOST_AFTER, LOST_BEFORE = Fault.reset_after_apply(), Fault.reset_before_apply()
LONG = "Your parcel left our house this morning and should reach you on Friday."


@pytest.fixture(autouse=True)
def no_settle_time(settings):
    settings.OUTBOX_SETTLE_SECONDS = 0


def recover():
    """What the worker does each minute, twice: look up, send, look up what was lost again."""
    for _ in range(2):
        Write.objects.filter(status="queued").update(not_before=None)
        look_up_due()
        send_due()


def stand():
    return [w.status for w in Write.objects.order_by("id")]


@pytest.fixture
def lead(sandbox, nexadesk, synced):
    sandbox.add_lead(visitor_name="Petra", pipeline_stage="new")
    synced(nexadesk)
    return Lead.objects.get()


@pytest.fixture
def contact(sandbox, nexadesk, synced):
    sandbox.add_contact(first_name="Omar", email="omar@delta.example")
    synced(nexadesk)
    return Contact.objects.get()


@pytest.fixture
def talk(sandbox, dexra, synced):
    sandbox.add_dexra_conversation(subject="Late parcel")
    synced(dexra)
    return Conversation.objects.get()


@pytest.mark.parametrize("fault", [LOST_AFTER, LOST_BEFORE], ids=["arrived", "absent"])
def test_a_new_lead_is_there_once_whether_or_not_it_had_arrived(fault, nexadesk, agent, sandbox):
    sandbox.fault("nexadesk", "POST", "/leads", fault)
    values = {"visitor_name": "Ada", "visitor_email": "Ada@engine.example"}
    create_lead(nexadesk, values, actor=agent, form_id="f")
    assert stand() == ["unknown"]

    recover()

    assert stand() == ["sent"]
    assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada"]
    assert Lead.objects.get().upstream_id == sandbox.leads[0]["id"]
    assert Entry.objects.get(action="lead.create").outcome == "done"


def test_two_equal_leads_on_purpose_are_two_though_both_answers_were_lost(nexadesk, agent, sandbox):
    sandbox.fault("nexadesk", "POST", "/leads", LOST_AFTER, times=2)
    for form in ("f1", "f2"):
        create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id=form)

    recover()

    assert stand() == ["sent", "sent"]
    assert len(sandbox.leads) == 2
    assert {w.upstream_id for w in Write.objects.all()} == {lead["id"] for lead in sandbox.leads}


def test_an_older_lead_of_the_same_name_is_not_taken_for_ours(nexadesk, agent, sandbox, synced):
    sandbox.add_lead(visitor_name="Ada", created_at="2026-01-01T00:00:00.000Z")
    synced(nexadesk)
    sandbox.fault("nexadesk", "POST", "/leads", LOST_BEFORE)
    create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f")

    recover()

    assert stand() == ["sent"]
    assert len(sandbox.leads) == 2


def test_something_alike_but_not_equal_is_left_to_a_person(nexadesk, agent, sandbox):
    sandbox.fault("nexadesk", "POST", "/leads", LOST_BEFORE)
    values = {"visitor_name": "Ada", "visitor_email": "ada@engine.example"}
    create_lead(nexadesk, values, actor=agent, form_id="f")
    sandbox.add_lead(visitor_name="Ada", visitor_email="other@engine.example")

    recover()

    assert stand() == ["undecided"]
    assert sandbox.requests.count("POST /leads") == 1
    found = Write.objects.get().evidence["found"]
    assert [lead["visitor_email"] for lead in found] == ["other@engine.example"]


@pytest.mark.parametrize("fault", [LOST_AFTER, LOST_BEFORE], ids=["arrived", "absent"])
def test_a_change_is_made_once(fault, lead, agent, sandbox):
    sandbox.fault("nexadesk", "PATCH", "/leads", fault)
    change = {"pipeline_stage": "won"}
    update_lead(lead, change, before={"pipeline_stage": "new"}, actor=agent, form_id="f")
    assert stand() == ["unknown"]

    recover()

    assert stand() == ["sent"]
    assert sandbox.leads[0]["pipeline_stage"] == "won"
    assert sandbox.requests.count("PATCH /leads") == (1 if fault is LOST_AFTER else 2)


def test_a_colleagues_change_meanwhile_is_not_overwritten(lead, agent, sandbox):
    sandbox.fault("nexadesk", "PATCH", "/leads", LOST_BEFORE)
    change = {"pipeline_stage": "won"}
    update_lead(lead, change, before={"pipeline_stage": "new"}, actor=agent, form_id="f")
    sandbox.edit_lead(lead.upstream_id, pipeline_stage="lost")

    recover()

    write = Write.objects.get()
    assert (write.status, write.reason) == ("refused", "StaleRecord")
    assert sandbox.leads[0]["pipeline_stage"] == "lost"


def test_a_change_that_somebody_undid_there_is_left_to_a_person(lead, agent, sandbox):
    sandbox.fault("nexadesk", "PATCH", "/leads", LOST_AFTER)
    change = {"pipeline_stage": "won"}
    update_lead(lead, change, before={"pipeline_stage": "new"}, actor=agent, form_id="f")
    sandbox.edit_lead(lead.upstream_id, pipeline_stage="new")

    recover()

    assert stand() == ["undecided"]
    assert sandbox.leads[0]["pipeline_stage"] == "new"


@pytest.mark.parametrize("fault", [LOST_AFTER, LOST_BEFORE], ids=["arrived", "absent"])
def test_a_deletion_is_made_once(fault, lead, agent, sandbox):
    sandbox.fault("nexadesk", "DELETE", "/leads", fault)
    delete_lead(lead, actor=agent, form_id="f")

    recover()

    assert stand() == ["sent"]
    assert sandbox.leads == []
    assert Lead.objects.get().gone_at is not None


@pytest.mark.parametrize("fault", [LOST_AFTER, LOST_BEFORE], ids=["arrived", "absent"])
def test_a_new_contact_a_change_and_a_deletion(fault, contact, nexadesk, agent, sandbox):
    sandbox.fault("nexadesk", "POST", "/contacts", fault)
    values = {"first_name": "Grace", "email": "grace@navy.example"}
    create_contact(nexadesk, values, actor=agent, form_id="f1")
    sandbox.fault("nexadesk", "PATCH", "/contacts", fault)
    update_contact(contact, {"phone": "1"}, before={"phone": contact.raw.get("phone")},
                   actor=agent, form_id="f2")  # fmt: skip
    recover()
    sandbox.fault("nexadesk", "DELETE", "/contacts", fault)
    delete_contact(contact, actor=agent, form_id="f3")

    recover()

    assert stand() == ["sent", "sent", "sent"]
    assert [c["first_name"] for c in sandbox.contacts] == ["Grace"]


def test_a_duplicate_that_our_own_lost_try_explains_is_success(nexadesk, agent, sandbox):
    """It was applied late, after the look-up had proved it absent."""
    sandbox.fault("nexadesk", "POST", "/contacts", LOST_BEFORE)
    values = {"first_name": "Grace", "email": "grace@navy.example"}
    create_contact(nexadesk, values, actor=agent, form_id="f")
    look_up_due()
    sandbox.add_contact(first_name="Grace", email="grace@navy.example")

    send_due()

    assert stand() == ["sent"]
    assert len(sandbox.contacts) == 1


@pytest.mark.parametrize("fault", [LOST_AFTER, LOST_BEFORE], ids=["arrived", "absent"])
def test_a_new_conversation_is_there_once(fault, dexra, agent, sandbox):
    sandbox.fault("dexra", "POST", "/conversations", fault)
    values = {"user_id": "u_1", "subject": "Invoice copy", "tags": ["billing"]}
    start_conversation(dexra, values, actor=agent, form_id="f")

    recover()

    assert stand() == ["sent"]
    assert len(sandbox.dexra_conversations) == 1


@pytest.mark.parametrize("fault", [LOST_AFTER, LOST_BEFORE], ids=["arrived", "absent"])
def test_a_reply_is_never_sent_again_by_itself(fault, talk, agent, sandbox):
    sandbox.fault("dexra", "POST", "/messages", fault)
    send_reply(talk, LONG, actor=agent, form_id="f1")
    recover()
    recover()

    assert sandbox.requests.count("POST /messages") == 1
    assert stand() == ["sent" if fault is LOST_AFTER else "undecided"]


def test_a_short_reply_that_reads_like_the_last_message_proves_nothing(talk, agent, sandbox):
    sandbox.fault("dexra", "POST", "/messages", LOST_AFTER)
    send_reply(talk, "OK", actor=agent, form_id="f1")

    recover()

    write = Write.objects.get()
    assert write.status == "undecided"
    assert "reads the same" in write.evidence["why"]


def test_a_note_that_is_lost_is_left_to_a_person(talk, agent, sandbox):
    sandbox.fault("dexra", "POST", "/messages", LOST_BEFORE)
    add_note(talk, "Refund if late.", actor=agent, form_id="f1")

    recover()

    assert stand() == ["undecided"]
    assert sandbox.requests.count("POST /messages") == 1


def test_two_equal_replies_are_two_and_the_event_of_one_proves_only_one(talk, agent, sandbox):
    sandbox.fault("dexra", "POST", "/messages", LOST_AFTER)
    send_reply(talk, LONG, actor=agent, form_id="f1")
    Write.objects.update(not_before=timezone.now())
    recover()
    sandbox.fault("dexra", "POST", "/messages", LOST_BEFORE)
    send_reply(talk, LONG, actor=agent, form_id="f2")

    recover()

    assert stand() == ["sent", "undecided"]
    assert Message.objects.filter(write__isnull=False).count() == 1


@pytest.mark.parametrize("fault", [LOST_AFTER, LOST_BEFORE], ids=["arrived", "absent"])
def test_a_status_is_set_once(fault, nexadesk, agent, sandbox, synced):
    sandbox.add_conversation(status="open")
    synced(nexadesk)
    talk = Conversation.objects.get()
    sandbox.fault("nexadesk", "PATCH", "/conversations", fault)
    set_status(talk, "archived", before="open", actor=agent, form_id="f")

    recover()

    assert stand() == ["sent"]
    assert Conversation.objects.get().status == "archived"


ERRORS = [
    Fault.status(429), Fault.status(500), Fault.status(503), Fault.reset_before_apply(),
    Fault.html(), Fault.status(403), Fault.success_false(),
]  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=lambda f: f"{f.name}-{f.status_code}")
def test_an_error_in_a_look_up_decides_nothing(error, nexadesk, agent, sandbox):
    sandbox.fault("nexadesk", "POST", "/leads", LOST_AFTER)
    create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f")
    sandbox.fault("nexadesk", "GET", "/leads", error, times=3)

    look_up_due()

    assert stand() == ["unknown"]
    assert doubts.due() == [], "not at once again"
    sandbox.clear_faults()
    Write.objects.update(not_before=None)
    Window.objects.update(closed_until=0)
    Breaker.objects.all().delete()
    look_up_due()
    assert stand() == ["sent"]
    assert len(sandbox.leads) == 1


def test_nothing_is_looked_up_before_the_settle_time_is_over(nexadesk, agent, sandbox, settings):
    settings.OUTBOX_SETTLE_SECONDS = 90
    sandbox.fault("nexadesk", "POST", "/leads", Fault.apply_late(0.3))
    create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f")

    assert (look_up_due(), send_due()) == (0, 0)


def test_later_changes_wait_behind_the_doubtful_one_and_the_last_one_wins(lead, agent, sandbox):
    sandbox.fault("nexadesk", "PATCH", "/leads", LOST_AFTER)
    for number in range(20):
        update_lead(lead, {"need_summary": f"{number}"}, before={"need_summary": ""},
                    actor=agent, form_id=f"f{number}")  # fmt: skip
    assert stand() == ["unknown", *["queued"] * 19]

    for _ in range(20):
        recover()

    assert stand() == ["sent"] * 20
    assert sandbox.leads[0]["need_summary"] == "19"


def test_a_paused_sender_wakes_and_sends_nothing_more(lead, agent, sandbox):
    outcome = update_lead(lead, {"need_summary": "x"}, before={"need_summary": ""},
                          actor=agent, form_id="f")  # fmt: skip
    Write.objects.update(status="in_flight", attempt=5, lease_until=timezone.now())
    sandbox.requests.clear()

    late = attempt(outcome.write)

    assert len(sandbox.requests) == 0
    assert late.write.attempt == 5


def test_a_restored_outbox_looks_up_first_and_sends_nothing_until_released(
    nexadesk, agent, sandbox, settings
):
    there = settings.PROVIDER_BASE_URLS
    settings.PROVIDER_BASE_URLS = {"nexadesk": "http://127.0.0.1:9/api"}
    for name in ("Ada", "Grace"):
        create_lead(nexadesk, {"visitor_name": name}, actor=agent, form_id=name)
    settings.PROVIDER_BASE_URLS = there
    sandbox.add_lead(visitor_name="Ada")  # sent after the backup was made

    outbox_doubts = doubts.doubt_all("restored from a backup of yesterday")
    recover()

    assert outbox_doubts == 2
    assert stand() == ["sent", "queued"]
    assert sandbox.requests.count("POST /leads") == 0
    Held.objects.all().delete()
    recover()
    assert stand() == ["sent", "sent"]
    assert sorted(lead["visitor_name"] for lead in sandbox.leads) == ["Ada", "Grace"]
    assert not Write.objects.exclude(status="sent").exists()


def test_what_is_saved_while_nothing_is_sent_says_why_it_waits(nexadesk, agent, sandbox):
    Held.objects.create(workspace=nexadesk.workspace, reason="restored")

    write = create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f").write

    assert (write.status, write.reason) == ("queued", "stopped")
    assert send_due() == 0
    Held.objects.all().delete()
    assert send_due() == 1
    assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada"]
