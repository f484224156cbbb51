"""A batch changes what it froze, each row once, and tells what became of every one of them."""

import pytest

from portal.batches import store, turns
from portal.batches.models import Batch
from portal.budget import breaker
from portal.models import Entry, Lead, Write
from portal.outbox.models import Held
from portal.records import Kind
from portal.sandbox import Fault
from portal.services import batches, bulk
from portal.services.leads import update_lead
from portal.services.sending import send_due
from portal.vault import store as vault


@pytest.fixture
def leads(sandbox, nexadesk, synced):
    """Ten leads of the copy, oldest first; the sandbox's are in step."""
    for number in range(10):
        sandbox.add_lead(id=f"lead-{number}", visitor_name=f"Lead {number}", tags=["retail"])
    synced(nexadesk)
    sandbox.requests.clear()
    return list(Lead.objects.order_by("upstream_id"))


@pytest.fixture
def stage_of(sandbox):
    return lambda: {lead["id"]: lead["pipeline_stage"] for lead in sandbox.leads}


def prepared(actor, leads, verb="stage", value="qualified", **more):
    ids = [lead.pk for lead in leads]
    made = {"form_id": f"{verb}-{value}", "title": f"{verb}: {value}"} | more
    return bulk.prepare(Kind.LEADS, verb, value, ids, actor=actor, **made)


def run_to_the_end(batch, turns=20):
    for _ in range(turns):
        if batches.run(batch.pk) is None:
            break
    batch.refresh_from_db()
    return batch


def test_every_row_is_changed_once_and_logged(leads, agent, sandbox, stage_of):
    batch = prepared(agent, leads)
    assert sandbox.requests.count("PATCH /leads") == 0  # a draft sends nothing

    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    assert batch.status == Batch.Status.DONE
    assert set(stage_of().values()) == {"qualified"}
    assert sandbox.requests.count("PATCH /leads") == 10
    assert store.counts(batch).done == 10
    assert Entry.objects.filter(batch=batch, action="lead.update", outcome="done").count() == 10
    assert {w.lane for w in Write.objects.all()} == {"background"}


def test_the_set_is_frozen_when_it_is_prepared(leads, agent, sandbox, synced, nexadesk, stage_of):
    batch = prepared(agent, leads)
    sandbox.add_lead(id="came-later", visitor_name="Late", pipeline_stage="new")
    synced(nexadesk)

    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    assert stage_of()["came-later"] == "new"
    assert store.counts(batch).total == 10


def test_two_are_skipped_and_say_why(leads, agent, sandbox, synced, nexadesk, stage_of):
    sandbox.edit_lead("lead-3", pipeline_stage="qualified")
    synced(nexadesk)
    batch = prepared(agent, leads)
    sandbox.edit_lead("lead-5", pipeline_stage="lost")  # a colleague, since the preview
    sandbox.delete_lead("lead-7")
    sandbox.requests.clear()

    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    counts = store.counts(batch)
    assert (counts.done, counts.skipped, counts.failed) == (7, 3, 0)
    why = {row.upstream_id: row.reason for row in store.rows(batch, store.SKIPPED)}
    assert why == {
        "lead-3": "It was so already.",
        "lead-5": "Somebody changed this record meanwhile. Nothing was sent.",
        "lead-7": "It was deleted there.",
    }
    assert stage_of()["lead-5"] == "lost"
    # Neither asked about the one that needs nothing, nor tried to change the other two; the one
    # that is not there was asked for once more.
    assert sandbox.requests.count("PATCH /leads") == 7
    assert sandbox.requests.count("GET /leads") == 10


def test_tags_are_added_to_those_a_record_has(leads, agent, sandbox, nexadesk, synced):
    sandbox.edit_lead("lead-1", tags=["vip"])
    sandbox.edit_lead("lead-2", tags=["retail", "vip"])
    synced(nexadesk)
    batch = prepared(agent, leads[:4], "tag-add", "vip")
    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    tags = {lead["id"]: lead["tags"] for lead in sandbox.leads}
    assert tags["lead-0"] == ["retail", "vip"]
    assert (tags["lead-1"], tags["lead-2"]) == (["vip"], ["retail", "vip"])
    assert store.counts(batch).skipped == 2

    again = prepared(agent, leads[:4], "tag-remove", "vip")
    batches.start(again, actor=agent)
    run_to_the_end(again)
    tags = {lead["id"]: lead["tags"] for lead in sandbox.leads}
    assert tags["lead-0"] == tags["lead-2"] == ["retail"]
    assert tags["lead-1"] == []


def test_the_whole_is_taken_back_except_what_somebody_changed_since(
    leads, agent, sandbox, stage_of
):
    before = stage_of()
    batch = prepared(agent, leads)
    batches.start(batch, actor=agent)
    run_to_the_end(batch)
    sandbox.edit_lead("lead-4", pipeline_stage="converted")

    back = batches.undo(batch, actor=agent, form_id="undo-1", title="Undo")
    again = batches.undo(batch, actor=agent, form_id="undo-1", title="Undo")
    assert back == again
    batches.start(back, actor=agent)
    run_to_the_end(back)

    assert back.kind == Batch.Kind.UNDO
    assert back.undoes == batch
    assert stage_of() == before | {"lead-4": "converted"}
    counts = store.counts(back)
    assert (counts.done, counts.skipped) == (9, 1)
    undone = Write.objects.exclude(undoes=None)
    assert {w.undoes.upstream_id for w in undone} == {lead.upstream_id for lead in leads}


def test_it_pauses_goes_on_and_ends_between_any_two_rows(leads, agent, sandbox, stage_of):
    batch = prepared(agent, leads)
    batches.start(batch, actor=agent)
    batches.run(batch.pk, seconds=0)
    assert store.counts(batch).done == 1

    assert batches.pause(batch, actor=agent)
    assert batches.run(batch.pk) is None
    assert store.counts(batch).done == 1

    assert batches.resume(batch, actor=agent)
    assert not batches.resume(batch, actor=agent)
    batches.run(batch.pk, seconds=0)
    assert store.counts(batch).done == 2

    assert batches.cancel(batch, actor=agent)
    assert batches.run(batch.pk) is None
    counts = store.counts(batch)
    assert (counts.done, counts.skipped, counts.waiting) == (2, 8, 0)
    assert list(stage_of().values()).count("qualified") == 2
    assert batch.status == Batch.Status.CANCELLED
    assert not batches.resume(batch, actor=agent)
    actions = list(Entry.objects.filter(batch=batch, action__startswith="batch.").order_by("id"))
    assert [entry.action for entry in actions] == [
        "batch.start", "batch.pause", "batch.resume", "batch.cancel",
    ]  # fmt: skip


def test_who_loses_the_role_midway_stops_it(leads, agent, sandbox, owner):
    batch = prepared(agent, leads)
    batches.start(batch, actor=agent)
    batches.run(batch.pk, seconds=0)
    agent.role = "viewer"
    agent.save()

    assert batches.run(batch.pk) is None
    batch.refresh_from_db()
    assert batch.status == Batch.Status.PAUSED
    assert batch.reason == "Your role does not allow this."
    assert sandbox.requests.count("PATCH /leads") == 1

    batches.resume(batch, actor=owner)  # takes it over
    run_to_the_end(batch)
    assert store.counts(batch).done == 10
    assert {w.actor for w in Write.objects.order_by("id")[1:]} == {owner.user}


def test_a_rejected_key_pauses_it_after_one_call(leads, agent, sandbox, nexadesk):
    batch = prepared(agent, leads)
    for key in list(sandbox.keys):
        sandbox.revoke(key.value)
    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    assert batch.status == Batch.Status.PAUSED
    assert batch.reason == "The service does not accept this key any more. Replace the key."
    assert len(sandbox.requests) == 1


def test_a_key_that_may_only_read_pauses_it_at_the_first_row(connect_to, sandbox, synced, agent):
    for number in range(4):
        sandbox.add_lead(id=f"lead-{number}")
    connection = synced(connect_to("nexadesk", scopes=("read",)))
    batch = prepared(agent, Lead.objects.all())
    batches.start(batch, actor=agent)
    sandbox.requests.clear()
    run_to_the_end(batch)

    assert not vault.by_id(connection.pk).may_write
    assert batch.status == Batch.Status.PAUSED
    counts = store.counts(batch)
    assert (counts.failed, counts.waiting) == (1, 3)


def test_a_refusal_is_told_at_its_row_and_the_others_go_on(leads, agent, sandbox):
    batch = prepared(agent, leads)
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.status(422))
    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    counts = store.counts(batch)
    assert (counts.done, counts.failed) == (9, 1)
    assert store.rows(batch, store.FAILED).get().reason


def test_a_lost_answer_is_on_its_way_until_its_write_is_settled(leads, agent, sandbox):
    batch = prepared(agent, leads)
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.reset_after_apply())
    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    assert batch.status == Batch.Status.DONE
    counts = store.counts(batch)
    assert (counts.done, counts.on_its_way) == (9, 1)
    write = turns.on_their_way(batch).get().write
    Write.objects.filter(pk=write.pk).update(status=Write.Status.SENT)  # as a look-up finds it
    batches.follow_all()
    assert store.counts(batch).done == 10
    assert sandbox.requests.count("PATCH /leads") == 10


def test_while_the_service_is_down_only_one_write_waits(leads, agent, sandbox, settings):
    batch = prepared(agent, leads)
    up, settings.PROVIDER_BASE_URLS = (
        settings.PROVIDER_BASE_URLS,
        {"nexadesk": "http://127.0.0.1:9"},
    )
    batches.start(batch, actor=agent)
    waits = [batches.run(batch.pk)]
    turns.put_off(batch_now(batch), 0)
    waits.append(batches.run(batch.pk))

    assert all(wait and wait > 5 for wait in waits)
    assert Write.objects.count() == 1
    settings.PROVIDER_BASE_URLS = up
    Write.objects.update(status=Write.Status.SENT)
    turns.put_off(batch_now(batch), 0)
    run_to_the_end(batch)
    assert store.counts(batch).done == 10


def test_a_service_that_is_left_alone_gets_no_writes(leads, agent, nexadesk, sandbox):
    batch = prepared(agent, leads)
    for _ in range(breaker.FAILURES_IN_A_ROW):
        breaker.failed(nexadesk.key_mark, trial=False)
    batches.start(batch, actor=agent)

    assert 20 < batches.run(batch.pk) <= 30
    assert not Write.objects.exists()
    breaker.forget(nexadesk.key_mark)
    turns.put_off(batch_now(batch), 0)
    run_to_the_end(batch)
    assert store.counts(batch).done == 10


def test_a_held_workspace_pauses_it_before_any_row(leads, agent, sandbox):
    batch = prepared(agent, leads)
    held = Held.objects.create(workspace=agent.workspace, reason="A backup was restored.")
    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    assert batch.status == Batch.Status.PAUSED
    assert "until an admin releases" in batch.reason
    assert not Write.objects.exists()
    held.delete()
    batches.resume(batch, actor=agent)
    run_to_the_end(batch)
    assert store.counts(batch).done == 10


def test_an_edit_that_waits_behind_another_does_not_hold_the_rows_up(
    leads, agent, owner, sandbox, stage_of
):
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.reset_before_apply())
    lead = Lead.objects.select_related("connection", "workspace").get(upstream_id="lead-2")
    lead.connection.workspace = lead.workspace
    doubtful = update_lead(
        lead, {"need_summary": "Call"}, before={"need_summary": lead.raw.get("need_summary")},
        actor=owner, form_id="doubtful-1",
    ).write  # fmt: skip
    assert doubtful.status == Write.Status.UNKNOWN
    batch = prepared(agent, leads)
    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    assert batch.status == Batch.Status.DONE
    counts = store.counts(batch)
    assert (counts.done, counts.on_its_way) == (9, 1)
    Write.objects.filter(pk=doubtful.pk).update(status=Write.Status.UNDECIDED)
    send_due()
    batches.follow_all()
    assert store.counts(batch).done == 10
    assert stage_of()["lead-2"] == "qualified"


def batch_now(batch):
    return store.by_id(batch.pk)


def test_two_workers_do_not_share_a_batch(leads, agent):
    batch = prepared(agent, leads)
    batches.start(batch, actor=agent)
    first = turns.claim(batch.pk)
    assert turns.claim(batch.pk) is None

    turns.put_off(first, 0)  # it fell silent: its lease is over
    second = turns.claim(batch.pk)
    row = turns.next_rows(second)[0]
    assert turns.begin_row(first, row) == 0
    assert turns.begin_row(second, row) == 1
    assert not turns.finish(first)


def test_a_row_that_kills_its_worker_three_times_is_left_out(leads, agent, sandbox):
    batch = prepared(agent, leads)
    batches.start(batch, actor=agent)
    for _ in range(3):  # begun, then killed
        killed = turns.claim(batch.pk)
        turns.begin_row(killed, turns.next_rows(killed)[0])
        turns.put_off(killed, 0)
    run_to_the_end(batch)

    counts = store.counts(batch)
    assert (counts.done, counts.failed) == (9, 1)
    parked = store.rows(batch, store.FAILED).get()
    assert parked.number == 1
    assert "three times" in parked.reason


def test_an_ended_worker_is_found_by_the_sweep(leads, agent):
    from portal.jobs import batches as jobs

    batch = prepared(agent, leads)
    batches.start(batch, actor=agent)
    assert turns.due() == [batch.pk]
    held = turns.claim(batch.pk)
    assert turns.due() == []
    turns.put_off(held, 0)
    assert turns.due() == [batch.pk]
    jobs.wake_all()


def test_one_that_was_not_made_whole_cannot_be_started(agent, workspace):
    def broken():
        yield store.BatchRow(action="lead.delete")
        raise OSError("killed")

    made = {
        "kind": "bulk", "action": "lead.delete", "connection": None, "actor": agent.user,
        "form_id": "half", "title": "Half",
    }  # fmt: skip
    with pytest.raises(OSError, match="killed"):
        store.create(workspace, rows=broken(), **made)
    half = Batch.objects.get()
    assert not batches.start(half, actor=agent)
    assert half.status == Batch.Status.DRAFT


def test_a_double_press_makes_one_batch(leads, agent):
    one = prepared(agent, leads)
    other = prepared(agent, leads[:3])
    assert one == other
    assert Batch.objects.get().total == 10
    assert batches.start(one, actor=agent)
    assert not batches.start(other, actor=agent)


def test_an_edit_by_a_person_meanwhile_wins(leads, agent, owner, sandbox, stage_of):
    batch = prepared(agent, leads)
    lead = Lead.objects.select_related("connection", "workspace").get(upstream_id="lead-6")
    lead.connection.workspace = lead.workspace
    update_lead(
        lead, {"pipeline_stage": "lost"}, before={"pipeline_stage": lead.stage},
        actor=owner, form_id="by-hand-1",
    )  # fmt: skip
    batches.start(batch, actor=agent)
    run_to_the_end(batch)
    assert stage_of()["lead-6"] == "lost"
    assert store.rows(batch, store.SKIPPED).get().upstream_id == "lead-6"


def test_records_of_others_are_not_picked(leads, stranger):
    with pytest.raises(bulk.NothingPicked):
        prepared(stranger, leads)
    assert not Batch.objects.exists()


def test_a_viewer_can_neither_prepare_nor_start(leads, agent, viewer):
    with pytest.raises(Exception, match="viewer"):
        prepared(viewer, leads)
    batch = prepared(agent, leads)
    for verb in (batches.start, batches.pause, batches.resume, batches.cancel):
        with pytest.raises(Exception, match="viewer"):
            verb(batch, actor=viewer)
