"""Every change can be taken back for 30 days, by the rules of every other change."""

import threading

import pytest
import time_machine
from django.db import connections as databases
from django.utils import timezone

from portal.errors import NotAllowed
from portal.models import Batch, Contact, Conversation, Entry, Lead, Write
from portal.outbox import decisions
from portal.providers.errors import Duplicate
from portal.sandbox import Fault
from portal.services import batches, undo
from portal.services.contacts import create_contact, delete_contact, update_contact
from portal.services.conversations import add_note, set_status, start_conversation
from portal.services.decisions import edit
from portal.services.errors import CannotUndo, StaleRecord
from portal.services.leads import create_lead, delete_lead, update_lead


@pytest.fixture
def ada(sandbox, nexadesk, synced):
    sandbox.add_lead(
        visitor_name="Ada",
        visitor_email="ada@harbour.example",
        pipeline_stage="new",
        expected_billing_amount=100,
        tags=["retail"],
        lead_score=40,
    )
    synced(nexadesk)
    return Lead.objects.select_related("connection", "workspace").get()


@pytest.fixture
def omar(sandbox, nexadesk, synced):
    sandbox.add_contact(first_name="Omar", email="omar@delta.example", phone="+961 1 555")
    synced(nexadesk)
    return Contact.objects.select_related("connection", "workspace").get()


def change(lead, actor, form_id="f1", **changes):
    before = {name: lead.raw.get(name) for name in changes}
    return update_lead(lead, changes, before=before, actor=actor, form_id=form_id).write


def again(lead):
    return Lead.objects.select_related("connection", "workspace").get(pk=lead.pk)


def take_back(write, actor):
    return undo.undo(undo.one(actor.workspace, write.pk), actor=actor)


def why_not(write, actor):
    with pytest.raises(CannotUndo) as refused:
        take_back(write, actor)
    return refused.value.message


def test_a_change_goes_back_to_exactly_the_fields_before(ada, agent, admin, sandbox):
    write = change(ada, agent, pipeline_stage="won", expected_billing_amount=None, tags=["a", "b"])
    sandbox.edit_lead(ada.upstream_id, visitor_company="Harbour Tools")
    sandbox.requests.clear()

    outcome = take_back(write, admin)

    assert outcome.sent
    there = sandbox.lead(ada.upstream_id)
    assert (there["pipeline_stage"], there["expected_billing_amount"], there["tags"]) == (
        "new",
        100,
        ["retail"],
    )
    assert there["visitor_company"] == "Harbour Tools"
    assert sandbox.requests.matching("PATCH /leads")[0].body.keys() == write.changes.keys()
    assert again(ada).stage == "new"
    entry = Entry.objects.filter(action="lead.update").latest("pk")
    assert (entry.actor, entry.outcome, entry.after["pipeline_stage"]) == (
        admin.user,
        "done",
        "new",
    )
    assert outcome.write.undoes_id == write.pk


def test_a_field_that_was_not_there_is_cleared_again(ada, agent, sandbox):
    write = change(ada, agent, need_summary="A crane")

    take_back(write, agent)

    assert sandbox.lead(ada.upstream_id)["need_summary"] is None


def test_what_the_service_made_of_a_value_is_no_clash(ada, agent, sandbox):
    write = change(ada, agent, visitor_name="Ada  Lovelace")
    sandbox.edit_lead(ada.upstream_id, visitor_name="Ada Lovelace")
    Lead.objects.update(raw={**again(ada).raw, "visitor_name": "Ada Lovelace"})

    take_back(write, agent)

    assert sandbox.lead(ada.upstream_id)["visitor_name"] == "Ada"


def test_a_later_change_of_the_same_field_is_not_overwritten(ada, agent, sandbox):
    write = change(ada, agent, pipeline_stage="won", expected_billing_amount=200)
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="lost")
    sandbox.requests.clear()

    with pytest.raises(StaleRecord) as stale:
        take_back(write, agent)

    clash = stale.value.clashes[0]
    assert (clash.name, clash.before, clash.theirs, clash.mine) == (
        "pipeline_stage",
        "won",
        "lost",
        "new",
    )
    assert sandbox.requests.count("PATCH /leads") == 0
    assert sandbox.lead(ada.upstream_id)["expected_billing_amount"] == 200


def test_who_saw_the_later_change_may_put_it_back_nevertheless(ada, agent, sandbox):
    write = change(ada, agent, pipeline_stage="won")
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="lost")
    with pytest.raises(StaleRecord):
        take_back(write, agent)

    undo.undo(undo.one(agent.workspace, write.pk), actor=agent, seen={"pipeline_stage": "lost"})

    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == "new"


@pytest.mark.parametrize(("chosen", "undone"), [("new", True), ("contacted", False)])
def test_an_undo_that_is_decided_later_is_still_one_unless_it_says_otherwise(
    chosen, undone, ada, agent, sandbox
):
    write = change(ada, agent, pipeline_stage="won")
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="lost")
    with pytest.raises(StaleRecord):
        take_back(write, agent)
    refused = decisions.find(agent.workspace, Write.objects.get(undoes=write).pk)

    edit(
        refused, {"pipeline_stage": chosen}, before={"pipeline_stage": "lost"}, actor=agent,
        form_id="chosen-later",
    )  # fmt: skip

    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == chosen
    if undone:
        assert why_not(write, agent) == undo.UNDONE
    else:
        assert undo.inverse(undo.one(agent.workspace, write.pk))


def test_but_not_if_it_changed_once_more(ada, agent, sandbox):
    write = change(ada, agent, pipeline_stage="won")
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="contacted")

    with pytest.raises(StaleRecord):
        undo.undo(undo.one(agent.workspace, write.pk), actor=agent, seen={"pipeline_stage": "lost"})


def test_undone_once_and_the_undo_can_be_undone(ada, agent, admin, sandbox):
    write = change(ada, agent, pipeline_stage="won")
    first = take_back(write, agent)

    assert why_not(write, admin) == undo.UNDONE
    assert take_back(write, agent).write.pk == first.write.pk, "the second press of one person"

    redo = take_back(first.write, admin)
    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == "won"
    assert why_not(write, agent) == undo.UNDONE
    assert why_not(first.write, agent) == undo.UNDONE

    take_back(redo.write, agent)
    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == "new"


def test_a_refused_undo_may_be_tried_again(ada, agent, sandbox):
    write = change(ada, agent, pipeline_stage="won")
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.status(400))
    with pytest.raises(Exception, match="400"):
        take_back(write, agent)

    assert take_back(write, agent).sent


def test_two_people_at_once_make_one_lead(
    transactional_db, sandbox, nexadesk, synced, agent, admin
):
    sandbox.add_lead(visitor_name="Ada")
    synced(nexadesk)
    lead = Lead.objects.select_related("connection", "workspace").get()
    write = delete_lead(lead, actor=agent, form_id="f1").write
    sandbox.fault("nexadesk", "POST", "/leads", Fault.delay(0.5), times=None)

    def take_back_alone(actor):
        try:
            take_back(write, actor)
        except CannotUndo:
            """The other one was faster, and this one is told so."""
        finally:
            databases.close_all()

    threads = [threading.Thread(target=take_back_alone, args=[one]) for one in (agent, admin)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada"]
    assert Write.objects.filter(undoes=write).count() == 1


def test_after_30_days_it_is_too_late(ada, agent, sandbox):
    write = change(ada, agent, pipeline_stage="won")

    with time_machine.travel(timezone.now() + undo.KEPT - timezone.timedelta(minutes=1), tick=True):
        assert undo.inverse(undo.one(agent.workspace, write.pk))
    with time_machine.travel(timezone.now() + undo.KEPT + timezone.timedelta(minutes=1), tick=True):
        assert why_not(write, agent) == undo.TOO_OLD


def test_a_lead_that_was_made_is_deleted(nexadesk, agent, sandbox):
    write = create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="f").write
    told = undo.inverse(undo.one(agent.workspace, write.pk))
    assert told.losses == (undo.DELETES,)

    take_back(write, agent)

    assert sandbox.leads == []
    assert Lead.objects.get().gone_at is not None


def test_a_deleted_lead_is_made_again_with_a_new_id(ada, agent, sandbox):
    write = delete_lead(ada, actor=agent, form_id="f").write
    told = undo.inverse(undo.one(agent.workspace, write.pk))
    assert told.losses == (undo.NEW_ID,)
    assert "lead_score" in told.left_out

    outcome = take_back(write, agent)

    there = sandbox.leads[0]
    assert (there["visitor_name"], there["tags"], there["expected_billing_amount"]) == (
        "Ada",
        ["retail"],
        100,
    )
    assert there["id"] != ada.upstream_id
    assert outcome.record.pk != ada.pk
    assert Entry.objects.latest("pk").subject == "Ada"

    redo = take_back(outcome.write, agent)
    assert redo.sent
    assert sandbox.leads == []


def test_a_contact_likewise_in_all_three(omar, nexadesk, agent, sandbox):
    changed = update_contact(
        omar, {"phone": "1"}, before={"phone": "+961 1 555"}, actor=agent, form_id="f1"
    )
    take_back(changed.write, agent)
    assert sandbox.contacts[0]["phone"] == "+961 1 555"

    gone = delete_contact(omar, actor=agent, form_id="f2")
    take_back(gone.write, agent)
    assert [c["email"] for c in sandbox.contacts] == ["omar@delta.example"]

    made = create_contact(nexadesk, {"first_name": "Bo"}, actor=agent, form_id="f3")
    take_back(made.write, agent)
    assert [c["first_name"] for c in sandbox.contacts] == ["Omar"]


def test_a_contact_whose_address_was_taken_meanwhile_stays_deleted(omar, agent, sandbox):
    write = delete_contact(omar, actor=agent, form_id="f1").write
    sandbox.add_contact(first_name="Other", email="omar@delta.example")

    with pytest.raises(Duplicate):
        take_back(write, agent)


def test_a_status_goes_back(sandbox, nexadesk, synced, agent):
    sandbox.add_conversation(status="open")
    synced(nexadesk)
    conversation = Conversation.objects.select_related("connection", "workspace").get()
    write = set_status(conversation, "archived", before="open", actor=agent, form_id="f").write

    take_back(write, agent)

    assert sandbox.conversations[0]["status"] == "open"


def test_a_user_goes_back_as_far_as_is_known(sandbox, dexra, agent):
    from portal.services.contacts import know_user

    sandbox.add_dexra_user(id="u_1", email="mara@cove.example")
    user = know_user(dexra, "u_1")
    blind = update_contact(user, {"email": "a@b.example"}, before={}, actor=agent, form_id="f1")
    assert why_not(blind.write, agent) == undo.NOT_KNOWN

    before = {"custom_attributes": {"plan": "free"}}
    update_contact(know_user(dexra, "u_1"), before, before={}, actor=agent, form_id="f0")
    user = know_user(dexra, "u_1")
    attributes = {"custom_attributes": {"plan": "pro", "seats": 3}}
    known = update_contact(user, attributes, before=before, actor=agent, form_id="f2").write
    told = undo.inverse(undo.one(agent.workspace, known.pk))
    assert told.losses == (undo.ADDED_STAYS,)

    take_back(known, agent)
    assert sandbox.requests.matching("PATCH /users")[-1].body == before


def test_what_was_said_or_started_stays(sandbox, dexra, synced, agent):
    user = sandbox.add_dexra_user(email="mara@cove.example")
    sandbox.add_dexra_conversation(user_id=user["id"], subject="Invoice")
    synced(dexra)
    conversation = Conversation.objects.select_related("connection", "workspace").get()
    note = add_note(conversation, "Called", actor=agent, form_id="f1").write
    started = start_conversation(
        dexra, {"user_id": user["id"], "subject": "New"}, actor=agent, form_id="f2"
    ).write

    assert why_not(note, agent) == undo.SPOKEN
    assert why_not(started, agent) == undo.STARTED


def test_what_is_not_sent_is_not_undone(ada, agent):
    write = change(ada, agent, pipeline_stage="won")
    for status, sentence in (
        ("queued", undo.NOT_SENT),
        ("in_flight", undo.NOT_SENT),
        ("unknown", undo.NOT_SURE),
        ("undecided", undo.NOT_SURE),
        ("refused", undo.NOT_MADE),
    ):
        Write.objects.filter(pk=write.pk).update(status=status)
        assert why_not(write, agent) == sentence


def test_a_record_that_is_gone_cannot_be_put_back(ada, agent):
    write = change(ada, agent, pipeline_stage="won")
    delete_lead(again(ada), actor=agent, form_id="f2")

    assert why_not(write, agent) == undo.NOT_THERE


def test_a_viewer_undoes_nothing(ada, agent, viewer, sandbox):
    write = change(ada, agent, pipeline_stage="won")

    with pytest.raises(NotAllowed):
        take_back(write, viewer)
    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == "won"


def test_a_foreign_write_is_none(ada, agent, stranger):
    write = change(ada, agent, pipeline_stage="won")

    assert undo.one(stranger.workspace, write.pk) is None


def test_a_whole_batch_goes_back_the_last_one_first(sandbox, nexadesk, synced, agent):
    for name in ("Ada", "Bo", "Cy"):
        sandbox.add_lead(id=f"lead-{name}", visitor_name=name, pipeline_stage="new")
    synced(nexadesk)
    from portal.batches import store
    from portal.models import BatchRow

    rows = [
        BatchRow(
            upstream_id="lead-Ada",
            title="Ada",
            before={"pipeline_stage": "new"},
            changes={"pipeline_stage": "won"},
        ),
        BatchRow(action="lead.delete", upstream_id="lead-Bo", title="Bo"),
        BatchRow(action="lead.create", title="Di", changes={"visitor_name": "Di"}),
    ]
    lead = Lead.objects.get(upstream_id="lead-Bo")
    rows[1].before = lead.raw
    batch = store.create(
        agent.workspace,
        kind=Batch.Kind.BULK,
        action="lead.update",
        connection=nexadesk,
        actor=agent.user,
        form_id="batch-form",
        title="Three changes",
        rows=rows,
        status=Batch.Status.RUNNING,
    )
    batches.run(batch.pk)
    assert sorted(x["visitor_name"] for x in sandbox.leads) == ["Ada", "Cy", "Di"]

    back = batches.undo(batch, actor=agent, form_id="undo-form", title="Undo")
    batches.start(back, actor=agent)
    batches.run(back.pk)

    assert store.counts(back).done == 3
    assert sorted(x["visitor_name"] for x in sandbox.leads) == ["Ada", "Bo", "Cy"]
    assert sandbox.lead("lead-Ada")["pipeline_stage"] == "new"
    actions = [row.action for row in store.rows(back)]
    assert actions == ["lead.delete", "lead.create", "lead.update"]
    undone = set(Write.objects.exclude(undoes=None).values_list("undoes_id", flat=True))
    assert undone == {row.write_id for row in store.rows(batch)}
