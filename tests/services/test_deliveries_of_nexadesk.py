"""What NexaDesk tells is merged, then read again: once a record, and only if there is a need."""

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.budget import store as budget
from portal.models import Contact, Conversation, Delivery, Lead, Message, SyncState, Window
from portal.sandbox import Fault
from portal.services import deliveries, silence
from portal.vault import store as vault


@pytest.fixture
def post(postman, nexadesk, synced):
    synced(nexadesk)
    return postman(vault.by_id(nexadesk.pk))


def outcomes():
    return list(Delivery.objects.order_by("id").values_list("status", "reason"))


def test_a_new_lead_is_here_at_once(sandbox, post):
    lead = sandbox.add_lead(visitor_name="Grace Hopper", need_summary="A compiler")

    post.deliver()

    assert Lead.objects.get().raw == sandbox.lead(lead["id"])
    assert outcomes() == [("done", "")]


def test_a_thin_event_clears_nothing_and_the_whole_is_read(sandbox, post):
    sandbox.nexadesk_assumptions.thin_events = True
    lead = sandbox.add_lead(visitor_name="Grace", need_summary="A compiler", tags=["navy"])

    post.deliver()

    assert sandbox.requests.count("GET /leads") == 1
    assert Lead.objects.get().raw == sandbox.lead(lead["id"])


def test_a_whole_and_newer_change_of_a_known_lead_costs_no_request(sandbox, post):
    lead = sandbox.add_lead(visitor_name="Grace")
    post.deliver()

    sandbox.edit_lead(lead["id"], visitor_name="Hedy")
    post.deliver()

    assert len(sandbox.requests) == 0
    assert Lead.objects.get().name == "Hedy"


def test_many_events_on_one_record_make_one_fetch(sandbox, post):
    sandbox.nexadesk_assumptions.thin_events = True
    leads = [sandbox.add_lead(visitor_name=f"Lead {n}") for n in range(5)]
    for lead in leads:
        for n in range(20):
            sandbox.edit_lead(lead["id"], visitor_name=f"Name {n}")

    post.deliver()

    assert sandbox.requests.count("GET /leads") <= 5
    assert {lead.name for lead in Lead.objects.all()} == {"Name 19"}
    assert Delivery.objects.filter(status="done").count() == 105


def test_a_flood_that_names_its_records_by_turns_makes_few_fetches(sandbox, post):
    sandbox.nexadesk_assumptions.thin_events = True
    leads = [sandbox.add_lead(visitor_name=f"Lead {n}") for n in range(30)]
    contacts = [sandbox.add_contact(first_name=f"Contact {n}") for n in range(30)]
    for n in range(6):
        for lead, contact in zip(leads, contacts, strict=True):
            sandbox.edit_lead(lead["id"], visitor_name=f"Name {n}")
            sandbox.edit_contact(contact["id"], first_name=f"Name {n}")
    Window.objects.update(limit=100_000)

    post.deliver()

    assert len(sandbox.requests) <= 2 * (len(leads) + len(contacts))
    assert {lead.name for lead in Lead.objects.all()} == {"Name 5"}
    assert {contact.first_name for contact in Contact.objects.all()} == {"Name 5"}
    assert Delivery.objects.filter(status="done").count() == 2 * 7 * 30


def test_where_one_record_cannot_be_read_by_its_id_the_lists_are_asked(sandbox, post):
    lead = sandbox.add_lead(visitor_name="Grace")
    rows = {"success": True, "data": [{"id": lead["id"]}], "pagination": {}}
    sandbox.fault("nexadesk", "GET", "/leads", Fault.garbage(text=json.dumps(rows)))
    post.bring(post.collected())

    assert post.apply().sync_wanted
    assert Delivery.objects.get().status == "waiting"


def test_an_older_event_that_comes_late_changes_nothing(sandbox, post):
    lead = sandbox.add_lead(visitor_name="First")
    time.sleep(0.002)
    sandbox.edit_lead(lead["id"], visitor_name="Second")
    created, edited = post.collected()
    post.bring([edited])
    post.apply()

    post.bring([created])
    post.apply()

    assert Lead.objects.get().name == "Second"
    assert outcomes()[1] == ("done", "Our copy was newer.")


def test_a_deleted_lead_goes_and_a_late_event_does_not_bring_it_back(sandbox, post):
    lead = sandbox.add_lead(visitor_name="Ghost")
    sandbox.edit_lead(lead["id"], visitor_name="Ghost II")
    sandbox.delete_lead(lead["id"])
    created, edited, deleted = post.collected()
    for sent in (created, deleted, edited):
        post.bring([sent])
        post.apply()

    assert Lead.objects.get().gone_at is not None


def test_a_deletion_that_was_not_one_deletes_nothing(sandbox, post):
    lead = sandbox.add_lead(visitor_name="Alive")
    post.deliver()
    body = {"event": "lead.deleted", "timestamp": "2026-01-01T00:00:00.000Z"}
    body |= {"workspace_id": "ws_7h2k9p4d", "data": {"id": lead["id"]}}

    post.bring_body(json.dumps(body).encode())
    post.apply()

    assert Lead.objects.get().gone_at is None


def test_a_message_brings_the_whole_thread(sandbox, post):
    talk = sandbox.add_conversation(visitor_name="Lena", thread=[("visitor", "Hello?")])
    post.deliver()

    sandbox.add_message(talk["id"], "How can I help?", "agent")
    sandbox.add_message(talk["id"], "When will it arrive?")
    post.deliver()

    assert sandbox.requests.count("GET /conversations") == 1
    texts = Message.objects.order_by("position").values_list("author", "text")
    assert list(texts) == [
        ("visitor", "Hello?"),
        ("agent", "How can I help?"),
        ("visitor", "When will it arrive?"),
    ]
    assert Conversation.objects.get().visitor_name == "Lena"


def test_a_closed_conversation_is_an_archived_one(sandbox, post):
    talk = sandbox.add_conversation(visitor_name="Lena")
    post.deliver()

    sandbox.edit_conversation(talk["id"], status="archived")
    post.deliver()

    row = Conversation.objects.get()
    assert (row.status, row.state) == ("archived", "closed")


def test_a_contact_is_read_again_since_it_has_no_time_of_its_change(sandbox, post):
    contact = sandbox.add_contact(first_name="Omar", email="omar@delta.example")
    sandbox.edit_contact(contact["id"], first_name="Omar II")
    created, edited = post.collected()
    post.bring([edited])
    post.apply()
    post.bring([created])
    post.apply()

    assert sandbox.requests.count("GET /contacts") == 1
    assert Contact.objects.get().first_name == "Omar II"


def test_an_event_nobody_knows_is_kept_and_ignored(post):
    body = {"event": "invoice.paid", "workspace_id": "ws_7h2k9p4d", "data": {"id": "7"}}
    post.bring_body(json.dumps(body).encode())
    post.apply()

    assert outcomes() == [("ignored", "Nothing here depends on this event.")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"not json", "It cannot be read: it is not JSON"),
        (b'{"event":"lead.created","data":[]}', "data is not an object"),
        (b'{"event":"lead.created","data":{"visitor_name":"x"}}', "no usable id"),
        (b'{"event":"lead.created","data":{"id":"a\\u0000b"}}', "NUL"),
        (b'{"event":"lead.created","data":{"id":"1","a":"\\ud800"}}', "half a character"),
    ],
)
def test_what_cannot_be_read_fails_with_its_reason_and_stops_nobody(sandbox, post, body, why):
    sandbox.add_lead(visitor_name="Grace")
    post.bring_body(body)
    post.deliver()

    [(status, reason), other] = outcomes()
    assert status == "failed"
    assert why in reason
    assert other == ("done", "")


def test_another_workspaces_event_is_not_believed(sandbox, post):
    sandbox.add_lead(visitor_name="Grace")
    post.deliver()
    body = {"event": "lead.created", "workspace_id": "ws_other", "data": {"id": "X1"}}
    post.bring_body(json.dumps(body).encode())
    post.apply()

    assert outcomes()[-1] == ("failed", "It is from another workspace than earlier deliveries.")
    assert Lead.objects.count() == 1


def test_while_the_service_is_away_it_waits_and_comes_again(sandbox, post):
    sandbox.nexadesk_assumptions.thin_events = True
    lead = sandbox.add_lead(visitor_name="Grace", need_summary="A compiler")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(503), times=None)
    post.connection.refresh_from_db()
    post.deliver()
    waiting = Delivery.objects.get()
    assert (waiting.status, waiting.attempts) == ("waiting", 1)
    assert waiting.not_before > timezone.now()
    assert Lead.objects.get().name == "Grace"

    sandbox.clear_faults()
    Delivery.objects.update(not_before=None)
    post.apply()

    assert Delivery.objects.get().status == "done"
    assert Lead.objects.get().raw == sandbox.lead(lead["id"])


def test_after_enough_attempts_it_has_failed_and_can_be_replayed(sandbox, post, admin):
    sandbox.nexadesk_assumptions.thin_events = True
    sandbox.add_lead(visitor_name="Grace")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.garbage(), times=None)
    post.deliver()
    for _ in range(6):
        Delivery.objects.update(not_before=None)
        post.apply()
    failed = Delivery.objects.get()
    assert (failed.status, failed.attempts) == ("failed", 5)
    assert failed.reason == "The service answered in a way it does not document."

    sandbox.clear_faults()
    deliveries.replay(failed, actor=admin)
    post.apply()

    assert Delivery.objects.get().status == "done"


def test_without_room_in_the_budget_it_waits_without_losing_an_attempt(sandbox, post, monkeypatch):
    monkeypatch.setattr("portal.services.applying.PATIENCE_SECONDS", 0)
    sandbox.nexadesk_assumptions.thin_events = True
    for n in range(3):
        sandbox.add_lead(visitor_name=f"Lead {n}")
    Window.objects.update(limit=2)
    budget.take(post.connection.key_mark, budget.Lane.PEOPLE, limit=2)

    post.deliver()

    rows = list(Delivery.objects.values_list("status", "attempts"))
    assert rows == [("waiting", 0)] * 3
    assert Lead.objects.count() == 3
    assert len(sandbox.requests) == 0


def test_a_rejected_key_keeps_them_all(sandbox, post):
    sandbox.nexadesk_assumptions.thin_events = True
    for n in range(3):
        sandbox.add_lead(visitor_name=f"Lead {n}")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(401))

    post.deliver()

    assert {row.status for row in Delivery.objects.all()} == {"waiting"}
    assert sandbox.requests.count("GET /leads") == 1


def test_one_that_breaks_us_is_parked_and_the_others_go_on(sandbox, post, monkeypatch):
    from portal.services import applying

    sandbox.nexadesk_assumptions.thin_events = True
    bad = sandbox.add_lead(visitor_name="Bad")
    sandbox.add_lead(visitor_name="Good")
    real = applying._bring

    def bring(connection, group):
        if group.upstream_id == bad["id"]:
            raise RuntimeError("a bug")
        return real(connection, group)

    monkeypatch.setattr(applying, "_bring", bring)
    post.deliver()
    for _ in range(6):
        Delivery.objects.update(not_before=None)
        post.apply()

    assert [status for status, _ in outcomes()] == ["failed", "done"]


def test_a_worker_that_died_over_it_is_followed_by_another(sandbox, post, monkeypatch):
    class Killed(BaseException):
        pass

    lead = sandbox.add_lead(visitor_name="Grace")

    def die(*_):
        raise Killed

    with monkeypatch.context() as death:
        death.setattr("portal.services.applying._handle", die)
        with pytest.raises(Killed):
            post.deliver()
    assert post.apply().handled == 0, "the dead worker's lease still holds"
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    post.apply()

    assert outcomes() == [("done", "")]
    assert Lead.objects.get().raw == sandbox.lead(lead["id"])


def test_three_changes_without_a_delivery_look_like_silence(sandbox, post, synced):
    leads = [sandbox.add_lead(visitor_name=f"Lead {n}") for n in range(4)]
    post.deliver()
    assert silence.silence_of(vault.by_id(post.connection.pk)) is None

    long_ago = timezone.now() - timedelta(hours=2)
    vault.Connection.objects.update(hook_seen_at=long_ago, hook_verified_at=long_ago)
    Lead.objects.update(updated_at=timezone.now() - timedelta(minutes=30))
    SyncState.objects.update(check_wanted=False, checked_at=long_ago - timedelta(hours=5))

    found = silence.silence_of(vault.by_id(post.connection.pk))
    assert (found.since, found.changes) == (long_ago, 3)
    assert silence.ask_for_checks() == [post.connection.pk]
    assert silence.ask_for_checks() == []
    assert SyncState.objects.filter(check_wanted=True).exists()

    Lead.objects.filter(upstream_id=leads[0]["id"]).update(updated_at=timezone.now())
    sandbox.edit_lead(leads[0]["id"], visitor_name="Told")
    post.deliver()
    assert silence.silence_of(vault.by_id(post.connection.pk)) is None


def test_old_bodies_are_forgotten_but_not_that_they_were_here(sandbox, post, admin):
    from portal.deliveries import store

    sandbox.add_lead(visitor_name="Grace")
    sent = post.collected()
    post.bring(sent)
    post.apply()
    Delivery.objects.update(received_at=timezone.now() - timedelta(days=31))

    assert store.prune() == 1
    old = Delivery.objects.get()
    assert bytes(old.body) == b""
    with pytest.raises(deliveries.NothingKept):
        deliveries.replay(old, actor=admin)
    post.bring(sent)
    assert Delivery.objects.count() == 1

    Delivery.objects.update(received_at=timezone.now() - timedelta(days=181))
    store.prune()
    assert Delivery.objects.count() == 0
