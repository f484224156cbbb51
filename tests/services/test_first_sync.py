"""A fresh connection is copied whole, newest first, in as few calls as the API allows."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from portal.models import Conversation, Lead, Message, SyncState
from portal.sandbox import Fault
from portal.sandbox.data.fill import Amounts, fill
from portal.services.sync import How, sync_connection
from portal.vault import store as vault


def test_brings_every_record_with_one_call_per_hundred(sandbox, nexadesk):
    fill(sandbox, Amounts(leads=240, contacts=130, conversations=90, dexra_conversations=5))

    reports = {r.kind: r for r in sync_connection(nexadesk)}

    assert {kind: (r.rows, r.requests, r.error) for kind, r in reports.items()} == {
        "leads": (240, 3, ""),
        "contacts": (130, 2, ""),
        "conversations": (90, 1, ""),
    }
    assert len(sandbox.requests) == 6


def test_keeps_every_value_as_the_server_sent_it(sandbox, nexadesk, synced):
    fill(sandbox, Amounts(leads=60, contacts=5, conversations=5, dexra_conversations=5))
    odd = sandbox.add_lead(
        visitor_name="Zoë \u202e 名前 👩🏽‍🚀 \x0b end",
        need_summary="a\r\nb\tc",
        futuristic={"deep": [1, 2.5]},
    )

    synced(nexadesk)

    key = sandbox.key("nexadesk")
    bearer = {"Authorization": f"Bearer {key}"}
    served = httpx.get(sandbox.nexadesk_url + "/leads?limit=100", headers=bearer).json()["data"]
    assert len(served) == 61
    copies = {lead.upstream_id: lead.raw for lead in Lead.objects.all()}
    assert copies == {lead["id"]: lead for lead in served}
    assert copies[odd["id"]]["futuristic"] == {"deep": [1, 2.5]}
    assert copies[odd["id"]]["visitor_name"] == "Zoë \u202e 名前 👩🏽‍🚀 \x0b end"


def test_goes_on_where_a_broken_pass_stopped(sandbox, nexadesk):
    fill(sandbox, Amounts(leads=250, contacts=1, conversations=1, dexra_conversations=1))
    sandbox.fault("nexadesk", "GET", "/leads", Fault.delay(0), Fault.status(401))
    first = sync_connection(nexadesk)[0]
    assert first.error
    state = SyncState.objects.get(kind="leads")
    assert (state.rows, state.phase, state.lease_until) == (100, "backfill", None)

    vault.forget_trouble(nexadesk)
    second = sync_connection(nexadesk)[0]

    # The rest of the list, and a look at what changed since the walk began.
    assert (second.rows, second.created, second.updated) == (150 + 100, 150, 0)
    assert (second.requests, second.error) == (2 + 1, "")
    assert Lead.objects.count() == 250


def test_a_pass_with_nothing_new_is_one_call_a_kind_and_two_for_contacts(sandbox, nexadesk, synced):
    fill(sandbox, Amounts(leads=120, contacts=120, conversations=120, dexra_conversations=1))
    synced(nexadesk)
    sandbox.requests.clear()

    reports = {r.kind: r for r in sync_connection(nexadesk)}

    assert {k: r.requests for k, r in reports.items()} == {
        "leads": 1,
        "contacts": 2,
        "conversations": 1,
    }
    assert sum(r.created + r.updated for r in reports.values()) == 0


def test_sees_what_others_changed(sandbox, nexadesk, synced):
    fill(sandbox, Amounts(leads=150, contacts=1, conversations=1, dexra_conversations=1))
    synced(nexadesk)
    for lead in sandbox.leads[:30]:
        sandbox.edit_lead(lead["id"], pipeline_stage="lost", expected_billing_amount=77)
    sandbox.requests.clear()

    report = sync_connection(nexadesk)[0]

    assert (report.updated, report.requests) == (30, 1)
    assert Lead.objects.filter(stage="lost", amount=77).count() == 30


@pytest.fixture
def imported(sandbox, nexadesk, synced):
    """Somebody imported 400 leads half a minute ago; they are all here."""
    at = (datetime.now(UTC) - timedelta(seconds=30)).isoformat(timespec="milliseconds")
    for n in range(400):
        sandbox.add_lead(visitor_name=f"Lead {n}", created_at=at, updated_at=at)
    synced(nexadesk)
    sandbox.requests.clear()
    return nexadesk


def test_after_a_large_import_a_pass_with_nothing_new_is_one_call_too(imported):
    assert sync_connection(imported)[0].requests == 1


def test_and_thirty_changes_are_seen_with_two(sandbox, imported):
    for lead in sandbox.leads[100:130]:
        sandbox.edit_lead(lead["id"], pipeline_stage="lost")

    report = sync_connection(imported)[0]

    assert (report.updated, report.requests) == (30, 2)


def test_as_many_changes_as_fill_pages_cost_one_call_more(sandbox, imported):
    for lead in sandbox.leads[:200]:
        sandbox.edit_lead(lead["id"], pipeline_stage="lost")

    report = sync_connection(imported)[0]

    assert (report.updated, report.requests) == (200, 3)


def test_changes_dated_by_a_clock_that_is_slow_are_all_seen(sandbox, nexadesk, synced):
    for n in range(300):
        sandbox.add_lead(visitor_name=f"Lead {n}", updated_at="2026-03-01T10:00:00.000Z")
    synced(nexadesk)
    slow = (datetime.now(UTC) - timedelta(minutes=5)).isoformat(timespec="milliseconds")
    for lead in sandbox.leads[:150]:
        sandbox.edit_lead(lead["id"], pipeline_stage="lost", updated_at=slow)

    report = sync_connection(nexadesk)[0]

    assert (report.updated, report.requests) == (150, 2)


def test_dexra_conversations_come_with_the_last_message_of_each(sandbox, dexra, synced):
    fill(sandbox, Amounts(leads=1, contacts=1, conversations=1, dexra_conversations=130))

    synced(dexra)

    assert Conversation.objects.count() == 130
    last = {c["id"]: c["last_message"] for c in sandbox.dexra_conversations if c["last_message"]}
    known = Message.objects.values_list("conversation__upstream_id", "upstream_id", "text")
    assert {c: {"id": m, "text": t} for c, m, t in known} == last


def test_a_copy_that_stood_still_for_hours_sees_what_changed_since_where_no_order_tells(
    sandbox, dexra
):
    fill(sandbox, Amounts(leads=1, contacts=1, conversations=1, dexra_conversations=60))
    slices = How(seconds=0, limit=20)
    assert sync_connection(dexra, how=slices)[0].more
    assert sync_connection(dexra, how=slices)[0].more
    for one in sandbox.dexra_conversations:
        sandbox.edit_dexra_conversation(one["id"], subject="Changed behind the walk")
    SyncState.objects.update(checked_at=datetime.now(UTC) - timedelta(hours=5))

    sync_connection(dexra, how=How(limit=20))

    subjects = set(Conversation.objects.values_list("subject", flat=True))
    assert subjects == {"Changed behind the walk"}


def test_what_changed_behind_an_interrupted_copy_is_seen_when_it_ends(sandbox, nexadesk):
    fill(sandbox, Amounts(leads=60, contacts=60, conversations=60, dexra_conversations=1))
    slices = How(seconds=0, limit=20)
    sync_connection(nexadesk, how=slices)
    for lead in sandbox.leads:
        sandbox.edit_lead(lead["id"], visitor_name="Changed")

    sync_connection(nexadesk, how=How(limit=20))

    assert set(Lead.objects.values_list("name", flat=True)) == {"Changed"}


def test_one_unreadable_record_does_not_hold_up_the_others(sandbox, nexadesk, synced):
    page = {
        "success": True,
        "data": [{"id": "L1", "visitor_name": "Ada"}, "what is this"],
        "pagination": {"has_more": False, "next_cursor": None, "total_count": 2, "limit": 100},
    }
    sandbox.fault("nexadesk", "GET", "/leads", Fault.garbage(text=json.dumps(page)))

    synced(nexadesk)

    assert Lead.objects.get().name == "Ada"
    assert len(SyncState.objects.get(kind="leads").rejected) == 1


def test_a_rejected_key_stops_the_connection_at_once(sandbox, nexadesk):
    sandbox.fault("nexadesk", "GET", "*", Fault.status(401), times=None)

    sync_connection(nexadesk)
    sync_connection(nexadesk)

    nexadesk.refresh_from_db()
    assert nexadesk.status == "key_rejected"
    assert len(sandbox.requests) == 1


def test_a_field_that_vanished_there_vanishes_here(sandbox, nexadesk, synced):
    lead = sandbox.add_lead(visitor_name="Ada", futuristic="yes")
    synced(nexadesk)
    assert Lead.objects.get().raw["futuristic"] == "yes"
    page = {
        "success": True,
        "data": [{"id": lead["id"], "visitor_name": "Ada", "updated_at": "2099-01-01T00:00:00Z"}],
        "pagination": {"has_more": False, "next_cursor": None, "total_count": 1, "limit": 100},
    }
    sandbox.fault("nexadesk", "GET", "/leads", Fault.garbage(text=json.dumps(page)))

    synced(nexadesk)

    assert Lead.objects.get().raw == page["data"][0]
