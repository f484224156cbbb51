"""People decide what no program can know: did it arrive, shall it be sent again, or not at all."""

import pytest
from django.utils import timezone

from portal.errors import NotAllowed
from portal.models import Conversation, Entry, Held, Lead, Message, Write
from portal.outbox import decisions as rows
from portal.outbox import doubts
from portal.outbox.decisions import HeldBack, MovedOn
from portal.providers.errors import Refused
from portal.sandbox import Fault
from portal.services import decisions
from portal.services.conversations import send_reply
from portal.services.leads import create_lead, update_lead
from portal.services.lookups import NO_HISTORY
from portal.services.recovery import look_up_due
from portal.services.sending import expire_silent, send_due, send_one


@pytest.fixture
def lead(sandbox, nexadesk, synced):
    sandbox.add_lead(visitor_name="Ada", pipeline_stage="new")
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


@pytest.fixture
def unsure(conversation, agent, sandbox):
    """A reply of which nobody knows whether it arrived."""
    sandbox.fault("dexra", "POST", "/messages", Fault.reset_after_apply())
    send_reply(conversation, "On its way", actor=agent, form_id="unsure-1")
    Write.objects.update(status="undecided")
    return current(Write.objects.get())


@pytest.fixture
def queued(nexadesk, agent, settings):
    """A new lead that waits because nobody listens."""
    there = settings.PROVIDER_BASE_URLS
    settings.PROVIDER_BASE_URLS = there | {"nexadesk": "http://127.0.0.1:9/"}
    create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="queued-1")
    settings.PROVIDER_BASE_URLS = there
    return current(Write.objects.get())


def refused_late(write, reason="Refused"):
    """As the worker leaves it when the service did not accept it and nobody looked."""
    Write.objects.filter(pk=write.pk).update(status="refused", attempt=2, reason=reason)
    Entry.objects.filter(pk=write.entry_id).update(outcome="refused")
    return current(write)


def current(write):
    return rows.find(write.workspace, write.pk)


def outcomes():
    return list(Entry.objects.order_by("id").values_list("action", "outcome"))


def test_what_a_person_saw_there_counts_as_sent_and_stands_in_the_thread(
    unsure, conversation, agent, sandbox
):
    decisions.it_arrived(unsure, actor=agent)

    assert (unsure.status, unsure.reason) == ("sent", "decided")
    assert Message.objects.get(write_id=unsure.pk).text == "On its way"
    assert ("message.send", "done") in outcomes()
    assert ("write.it_arrived", "done") in outcomes()
    assert sandbox.requests.count("POST /messages") == 1
    assert not rows.listed(agent.workspace).exists()


def test_sent_again_it_leaves_once_more_and_only_once(unsure, agent, sandbox):
    decisions.send_again(unsure, actor=agent)
    assert unsure.status == "queued"
    for _ in range(2):
        send_one(unsure.pk)

    assert sandbox.requests.count("POST /messages") == 2
    assert current(unsure).status == "sent"


def test_two_people_who_decide_at_once_decide_once(unsure, agent, sandbox):
    other = current(unsure)
    decisions.send_again(unsure, actor=agent)

    for verb in (decisions.send_again, decisions.it_arrived, decisions.discard):
        with pytest.raises(MovedOn):
            verb(other, actor=agent)
    assert current(unsure).status == "queued"
    assert Entry.objects.filter(action__startswith="write.").count() == 1


def test_a_refused_one_sent_again_is_a_new_line_of_the_log(queued, agent, admin, sandbox):
    old = refused_late(queued)
    decisions.send_again(old, actor=admin)
    send_one(old.pk)

    write = current(old)
    assert (write.status, write.actor) == ("sent", admin.user)
    assert [outcome for action, outcome in outcomes() if action == "lead.create"] == [
        "refused",
        "done",
    ]
    assert [record["visitor_name"] for record in sandbox.leads] == ["Ada"]


def test_what_may_have_arrived_stays_so_in_the_log_whatever_the_second_try_comes_to(
    unsure, agent, sandbox
):
    decisions.send_again(unsure, actor=agent)
    sandbox.fault("dexra", "POST", "/messages", Fault.status(422))
    send_one(unsure.pk)

    assert current(unsure).status == "refused"
    assert [outcome for action, outcome in outcomes() if action == "message.send"] == [
        "unknown",
        "refused",
    ]


def test_a_sender_that_was_killed_is_not_under_way_in_the_log_for_ever(queued, agent):
    """Nobody was there to write down that its answer is missing."""
    Write.objects.update(status="in_flight", lease_until=timezone.now())
    expire_silent()
    assert outcomes()[-1] == ("lead.create", "unknown")

    Write.objects.update(status="undecided")
    decisions.discard(current(queued), actor=agent)
    assert ("lead.create", "unknown") in outcomes()


def test_what_is_left_to_a_person_after_a_restore_is_not_confirmed_in_the_log(
    conversation, agent, settings
):
    settings.HOLD_SECONDS = 10
    send_reply(conversation, "On its way", actor=agent, form_id="before-backup")
    doubts.doubt_all("restored from a backup")
    look_up_due()

    assert Write.objects.get().status == "undecided"
    entry = Entry.objects.get(action="message.send")
    assert (entry.outcome, entry.reason) == ("unknown", NO_HISTORY)


def test_discarded_it_is_never_sent_and_its_text_stays(queued, agent, sandbox):
    decisions.discard(queued, actor=agent)
    Write.objects.update(not_before=None)

    assert send_due() == 0
    send_one(queued.pk)
    write = current(queued)
    assert (write.status, write.reason) == ("refused", "Withdrawn")
    assert write.changes == {"visitor_name": "Ada"}
    assert ("lead.create", "withdrawn") in outcomes()
    assert sandbox.leads == []


def test_the_log_never_says_taken_back_of_what_may_have_arrived(unsure, agent):
    decisions.discard(unsure, actor=agent)

    assert ("message.send", "unknown") in outcomes()
    assert not rows.listed(agent.workspace).exists()


@pytest.mark.parametrize("status", ["in_flight", "unknown", "sent"])
def test_what_is_being_sent_or_was_sent_is_not_discarded(status, queued, agent):
    Write.objects.update(status=status)

    with pytest.raises(MovedOn):
        decisions.discard(current(queued), actor=agent)
    assert current(queued).status == status


def test_tried_at_once_it_waits_no_longer(queued, agent, sandbox):
    outcome = decisions.retry_now(queued, actor=agent)

    assert outcome.sent
    assert [record["visitor_name"] for record in sandbox.leads] == ["Ada"]
    with pytest.raises(MovedOn):
        decisions.retry_now(current(queued), actor=agent)


def test_a_refusal_of_the_second_try_is_said_and_stays_listed(queued, agent, sandbox):
    sandbox.fault("nexadesk", "POST", "/leads", Fault.status(422))

    with pytest.raises(Refused):
        decisions.retry_now(queued, actor=agent)
    assert list(rows.listed(agent.workspace)) == [queued]


def test_a_stopped_workspace_sends_nothing_until_an_admin_releases_it(
    queued, agent, admin, sandbox
):
    Held.objects.create(workspace=agent.workspace, reason="Restored from a backup")

    with pytest.raises(HeldBack):
        decisions.retry_now(queued, actor=agent)
    with pytest.raises(NotAllowed):
        decisions.release(agent.workspace, actor=agent)
    assert sandbox.leads == []

    assert decisions.release(agent.workspace, actor=admin)
    assert decisions.retry_now(queued, actor=agent).sent
    assert not decisions.release(agent.workspace, actor=admin)
    assert Entry.objects.filter(action="outbox.release").count() == 1


def test_edited_it_is_another_write_and_the_old_one_is_taken_back(queued, agent, sandbox):
    outcome = decisions.edit(
        queued, {"visitor_name": "Grace"}, before={}, actor=agent, form_id="edit-0001"
    )

    assert outcome.sent
    assert [record["visitor_name"] for record in sandbox.leads] == ["Grace"]
    assert current(queued).reason == "Withdrawn"
    assert not rows.listed(agent.workspace).exists()


def test_one_that_left_meanwhile_is_not_replaced(queued, agent, sandbox):
    stale = current(queued)
    decisions.retry_now(queued, actor=agent)

    with pytest.raises(MovedOn):
        decisions.edit(stale, {"visitor_name": "Grace"}, before={}, actor=agent, form_id="e-2-xxxx")
    assert [record["visitor_name"] for record in sandbox.leads] == ["Ada"]
    assert Write.objects.count() == 1


def test_a_viewer_decides_nothing(unsure, viewer):
    for verb in (decisions.it_arrived, decisions.send_again, decisions.discard):
        with pytest.raises(NotAllowed):
            verb(unsure, actor=viewer)
    with pytest.raises(NotAllowed):
        decisions.retry_now(unsure, actor=viewer)
    assert current(unsure).status == "undecided"


def test_nobody_decides_for_another_workspace(unsure, stranger):
    for verb in (decisions.it_arrived, decisions.send_again, decisions.discard):
        with pytest.raises(MovedOn):
            verb(unsure, actor=stranger)
    assert rows.find(stranger.workspace, unsure.pk) is None


def test_only_those_told_nobody_are_listed(lead, agent, sandbox):
    """A refusal that stood in somebody's form needs no second place."""
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.status(422))
    with pytest.raises(Refused):
        update_lead(
            lead, {"visitor_name": "X"}, before={"visitor_name": "Ada"}, actor=agent, form_id="f1"
        )

    assert not rows.listed(agent.workspace).exists()
    refused_late(Write.objects.get())
    assert rows.listed(agent.workspace).count() == 1
