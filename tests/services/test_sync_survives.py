"""What lists and clocks do wrong while we read them, and that nothing is lost by it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from portal.budget.models import Window
from portal.mirror import progress
from portal.mirror.progress import LostLease
from portal.models import Contact, Conversation, Lead, SyncRun, SyncState
from portal.providers import http
from portal.records import Kind
from portal.sandbox import Fault
from portal.sandbox.data.fill import Amounts, fill
from portal.services.read_ahead import read_ahead
from portal.services.sync import How, sync_connection
from portal.services.upstream import source_of
from portal.vault import store as vault


def reports_of(connection, **options):
    return {r.kind: r for r in sync_connection(connection, **options)}


def of_leads():
    return SyncState.objects.get(kind="leads")


def leads():
    return {lead.upstream_id: lead.raw for lead in Lead.objects.filter(gone_at=None)}


def source(sandbox):
    return {
        lead["id"]: {k: v for k, v in lead.items() if not k.startswith("_")}
        for lead in sandbox.leads
    }


def add_leads(sandbox, number, **fields):
    return [sandbox.add_lead(visitor_name=f"Lead {n}", **fields) for n in range(number)]


# F20: a cursor that is refused


@pytest.mark.parametrize("page", [2, 3, 4])
def test_a_cursor_refused_on_the_way_begins_the_walk_anew_once(page, sandbox, nexadesk):
    add_leads(sandbox, 35)
    for _ in range(page - 1):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.delay(0))
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(400))

    report = reports_of(nexadesk, how=How(limit=10))["leads"]

    assert (report.error, report.created) == ("", 35)
    assert report.requests == page + 4
    assert leads() == source(sandbox)


def test_a_stored_cursor_that_expired_meanwhile_too(sandbox, nexadesk):
    add_leads(sandbox, 35)
    reports_of(nexadesk, how=How(limit=10, seconds=0))
    assert of_leads().cursor
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(400))

    report = reports_of(nexadesk, how=How(limit=10))["leads"]

    assert report.error == ""
    assert leads() == source(sandbox)


def test_a_cursor_that_is_always_refused_is_tried_once_more_and_no_oftener(sandbox, nexadesk):
    add_leads(sandbox, 35)
    for _ in range(2):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.delay(0), Fault.status(400))

    report = reports_of(nexadesk, how=How(limit=10))["leads"]

    assert (report.error, report.requests) == ("Bad Request", 4)


# F19: lists without an end


@pytest.mark.parametrize(
    "shape", ["looping_cursor", "empty_page", "has_more_without_cursor", "nothing_listed"]
)
def test_a_list_without_a_sound_end_stops_soon_and_heals(shape, sandbox, dexra):
    for n in range(35):
        sandbox.add_dexra_conversation(subject=f"Subject {n}")
    sandbox.fault("dexra", "GET", "/conversations", Fault.shape(shape), times=None)
    for _ in range(3):
        reports_of(dexra, how=How(limit=10))
    assert len(sandbox.requests) <= 3 * 2 * 4
    sandbox.clear_faults()
    eleven_minutes_ago = datetime.now(UTC) - timedelta(minutes=11)
    SyncState.objects.update(checked_at=eleven_minutes_ago, check_notes={})

    reports_of(dexra, how=How(limit=10))

    assert Conversation.objects.filter(gone_at=None).count() == 35


# F22: rows out of order


def test_a_thousand_rows_of_one_second_come_all(sandbox, nexadesk):
    at = "2026-03-01T10:00:00.000Z"
    add_leads(sandbox, 1000, created_at=at, updated_at=at)
    reports_of(nexadesk)
    for lead in sandbox.leads[::7]:
        sandbox.edit_lead(lead["id"], pipeline_stage="lost")

    report = reports_of(nexadesk)["leads"]

    assert report.requests == 2
    assert leads() == source(sandbox)


def test_rows_out_of_the_promised_order_lead_to_a_walk_of_everything(sandbox, nexadesk):
    for n in range(35):
        sandbox.add_lead(visitor_name=f"Lead {n}", created_at=f"2026-03-01T10:{n:02}:00.000Z")
    reports_of(nexadesk, how=How(limit=10))
    SyncState.objects.update(checked_at=datetime(2026, 1, 1, tzinfo=UTC))
    old = sandbox.leads[0]["id"]
    sandbox.edit_lead(old, visitor_name="Hedy", updated_at="2026-05-01T00:00:00.000Z")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.shape("reversed"))

    report = reports_of(nexadesk, how=How(limit=10))["leads"]

    assert (report.error, report.requests) == ("", 1 + 4)
    assert leads()[old]["visitor_name"] == "Hedy"


# F21: rows that move while a follow reads


def test_a_row_that_slips_past_the_cursor_is_read_with_the_next_pass(sandbox, nexadesk):
    add_leads(sandbox, 40, created_at="2026-03-01T10:00:00.000Z")
    reports_of(nexadesk, how=How(limit=10))
    early = datetime.now(UTC) - timedelta(minutes=30)
    SyncState.objects.update(bookmark=early, check_pause=600)
    stamp = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    for lead in sandbox.leads[:25]:
        sandbox.edit_lead(lead["id"], visitor_name="Hedy", updated_at=stamp)
    newest = sorted(sandbox.leads, key=lambda lead: lead["updated_at"], reverse=True)

    def one_goes(state):
        if state.kind == "leads" and newest:
            sandbox.delete_lead(newest[0]["id"])
            newest.clear()

    reports_of(nexadesk, how=How(one_goes, limit=10))
    assert of_leads().bookmark == early
    reports_of(nexadesk, how=How(limit=10))

    known = leads()
    assert {name: known[name] for name in source(sandbox)} == source(sandbox)
    assert of_leads().bookmark > early


# F23, F24: clocks


def test_a_row_of_the_year_2999_holds_nothing_up(sandbox, nexadesk):
    add_leads(sandbox, 5)
    sandbox.edit_lead(sandbox.leads[0]["id"], updated_at="2999-01-01T00:00:00.000Z")
    reports_of(nexadesk)
    assert of_leads().bookmark < datetime.now(UTC) + timedelta(seconds=5)

    sandbox.edit_lead(sandbox.leads[1]["id"], visitor_name="Later")
    sandbox.edit_lead(sandbox.leads[0]["id"], visitor_name="Mended")
    reports_of(nexadesk)

    assert leads() == source(sandbox)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_their_clock_may_be_wrong(minutes, sandbox, nexadesk):
    sandbox.clock.offset_seconds = 60 * minutes
    add_leads(sandbox, 35)
    reports_of(nexadesk, how=How(limit=10))
    for lead in sandbox.leads[:25]:
        sandbox.edit_lead(lead["id"], pipeline_stage="lost")

    reports_of(nexadesk, how=How(limit=10))

    assert leads() == source(sandbox)


# F31, F5: what was missed or broken off


def test_a_page_cut_at_any_byte_changes_nothing_and_comes_again(sandbox, nexadesk, monkeypatch):
    monkeypatch.setattr(http, "FIRST_BACKOFF_SECONDS", 0.001)
    add_leads(sandbox, 30)
    for keep in range(0, 12_000, 1_000):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.cut_body(keep), times=3)
        assert reports_of(nexadesk)["leads"].error
        assert leads() == {}
        Window.objects.update(calls=[])  # as if a minute had passed

    reports_of(nexadesk)

    assert leads() == source(sandbox)


def edited_contact(sandbox, connection, synced, *, ago):
    """A contact that somebody edited, which no order shows, so long after the last walk."""
    fill(sandbox, Amounts(leads=1, contacts=130, conversations=1, dexra_conversations=1))
    synced(connection)
    contact = sandbox.contacts[5]["id"]
    sandbox.edit_contact(contact, company_name="Harbour Tools")
    SyncState.objects.update(checked_at=datetime.now(UTC) - ago)
    return contact


def test_an_edited_contact_is_found_within_ten_minutes(sandbox, nexadesk, synced):
    contact = edited_contact(sandbox, nexadesk, synced, ago=timedelta(minutes=11))

    first, second = reports_of(nexadesk)["contacts"], reports_of(nexadesk)["contacts"]

    assert Contact.objects.get(upstream_id=contact).company == "Harbour Tools"
    assert (first.requests, second.requests) == (2 + 2, 2)


def test_and_by_the_daily_check_where_webhooks_tell_of_edits(sandbox, nexadesk, synced):
    vault.note_hook(nexadesk, verified=True, every=timedelta(0))
    nexadesk.refresh_from_db()
    contact = edited_contact(sandbox, nexadesk, synced, ago=timedelta(hours=23))
    assert reports_of(nexadesk)["contacts"].requests == 2
    SyncState.objects.update(checked_at=datetime.now(UTC) - timedelta(hours=25))

    reports_of(nexadesk)

    assert Contact.objects.get(upstream_id=contact).company == "Harbour Tools"


def test_a_dexra_conversation_that_was_closed_is_found_by_its_walk(sandbox, dexra, synced):
    for n in range(130):
        sandbox.add_dexra_conversation(subject=f"Subject {n}")
    synced(dexra)
    old = sandbox.dexra_conversations[0]["id"]
    sandbox.edit_dexra_conversation(old, status="closed")
    SyncState.objects.update(checked_at=datetime.now(UTC) - timedelta(minutes=11))

    reports_of(dexra)

    assert Conversation.objects.get(upstream_id=old).state == "closed"


def test_an_old_open_dexra_conversation_is_read_again_before_the_walk_of_all(
    sandbox, dexra, synced
):
    old = "2026-03-01T10:00:00Z"
    for n in range(230):
        status = "open" if n < 120 else "closed"
        sandbox.add_dexra_conversation(subject=f"S {n}", created_at=old, status=status)
    synced(dexra)
    asked = sandbox.dexra_conversations[0]["id"]
    sandbox.incoming_message(asked, "Is anybody there?")
    SyncRun.objects.update(started_at=datetime.now(UTC) - timedelta(minutes=4))

    first, second = reports_of(dexra)["conversations"], reports_of(dexra)["conversations"]

    assert Conversation.objects.get(upstream_id=asked).last_message == "Is anybody there?"
    assert (first.requests, second.requests) == (1 + 2, 1)
    assert SyncState.objects.get().told_total == 230
    assert SyncState.objects.get().check_wanted is False


def test_new_dexra_conversations_cost_one_call(sandbox, dexra, synced):
    for n in range(130):
        sandbox.add_dexra_conversation(subject=f"Subject {n}", created_at="2026-03-01T10:00:00Z")
    synced(dexra)
    sandbox.add_dexra_conversation(subject="New")

    assert reports_of(dexra)["conversations"].requests == 1
    assert Conversation.objects.count() == 131


# C10: a pass that stood still


def test_a_pass_that_was_suspended_saves_nothing_over_its_successors(sandbox, nexadesk):
    add_leads(sandbox, 3)
    reports_of(nexadesk)
    source_ = source_of(nexadesk)
    slow = progress.claim(source_, Kind.LEADS)
    SyncState.objects.filter(pk=slow.pk).update(
        lease_until=datetime.now(UTC) - timedelta(seconds=1)
    )
    slow.lease_until = datetime.now(UTC) - timedelta(seconds=1)
    successor = progress.claim(source_, Kind.LEADS)

    with pytest.raises(LostLease):
        progress.save(slow, "bookmark")

    progress.release(slow)
    assert of_leads().lease_until == successor.lease_until


# Messages ahead of time


def test_threads_of_open_conversations_are_read_while_the_key_is_idle(sandbox, nexadesk, synced):
    for n in range(7):
        sandbox.add_conversation(visitor_name=f"V{n}", thread=[("visitor", "Hello?")])
    sandbox.add_conversation(status="archived", thread=[("visitor", "Bye")])
    synced(nexadesk)

    assert (read_ahead(nexadesk), read_ahead(nexadesk), read_ahead(nexadesk)) == (5, 2, 0)

    read = Conversation.objects.filter(messages_at__isnull=False)
    assert (read.count(), read.filter(state="closed").count()) == (7, 0)


def test_a_thread_dated_by_a_clock_ahead_of_ours_is_read_once(sandbox, nexadesk, synced):
    sandbox.clock.offset_seconds = 3600
    sandbox.add_conversation(visitor_name="V", thread=[("visitor", "Hello?")])
    synced(nexadesk)

    assert (read_ahead(nexadesk), read_ahead(nexadesk)) == (1, 0)


def test_but_not_while_it_is_busy(sandbox, nexadesk, synced):
    sandbox.add_conversation(visitor_name="V", thread=[("visitor", "Hello?")])
    synced(nexadesk)
    now = datetime.now(UTC).timestamp()
    Window.objects.update(calls=[[now, "people"]] * 40)

    assert read_ahead(nexadesk) == 0


def test_a_page_of_what_the_database_says_is_kept_as_it_came(sandbox, nexadesk):
    page = {
        "success": True,
        "data": [{"id": f"L{n}", "visitor_name": "x" * 10_000} for n in range(3)],
        "pagination": {"has_more": False, "next_cursor": None, "total_count": 3, "limit": 100},
    }
    sandbox.fault("nexadesk", "GET", "/leads", Fault.garbage(text=json.dumps(page)))

    reports_of(nexadesk)

    assert [raw["visitor_name"] for raw in leads().values()] == ["x" * 10_000] * 3
