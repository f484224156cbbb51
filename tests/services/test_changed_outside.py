"""What somebody changed elsewhere is in the log, marked so; what we changed is not in it twice."""

import pytest
from django.db import connection

from portal.audit.verify import verify
from portal.models import Contact, Conversation, Entry, Lead
from portal.sandbox import Fault
from portal.services.conversations import refresh_conversation
from portal.services.leads import delete_lead, refresh_lead, update_lead
from portal.services.sync import sync_connection


@pytest.fixture
def ada(sandbox, nexadesk, synced):
    sandbox.add_lead(visitor_name="Ada", pipeline_stage="new", expected_billing_amount=100)
    synced(nexadesk)
    return Lead.objects.select_related("connection", "workspace").get()


def outside():
    rows = Entry.objects.filter(action__regex=r"\.(outside|gone)$").order_by("pk")
    return [(e.action, e.subject, e.before, e.after) for e in rows]


def change(lead, actor, form_id="f1", **changes):
    before = {name: lead.raw.get(name) for name in changes}
    return update_lead(lead, changes, before=before, actor=actor, form_id=form_id)


def test_the_first_copy_is_no_change(ada):
    assert outside() == []


def test_a_change_that_sync_finds(ada, nexadesk, synced, sandbox):
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="won", visitor_company="Harbour")

    synced(nexadesk)

    assert outside() == [
        (
            "lead.outside",
            "Ada",
            {"visitor_company": None, "pipeline_stage": "new"},
            {"visitor_company": "Harbour", "pipeline_stage": "won"},
        )
    ]
    entry = Entry.objects.get(action="lead.outside")
    assert (entry.actor, entry.outcome, entry.subject_id) == (None, "done", ada.pk)
    assert verify(ada.workspace).entries == Entry.objects.count()


def test_what_did_not_change_is_not_noted_again(ada, nexadesk, synced, sandbox):
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="won")
    synced(nexadesk)
    synced(nexadesk)
    sync_connection(nexadesk, full=True)

    assert len(outside()) == 1


def test_a_change_that_a_look_at_the_record_finds(ada, sandbox):
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="won")

    refresh_lead(ada)

    assert outside() == [
        ("lead.outside", "Ada", {"pipeline_stage": "new"}, {"pipeline_stage": "won"})
    ]


def test_a_change_that_a_webhook_tells(ada, nexadesk, sandbox, postman):
    post = postman(nexadesk)
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="won")

    post.deliver()

    assert [(name, after) for name, _, _, after in outside()] == [
        ("lead.outside", {"pipeline_stage": "won"})
    ]


def test_our_own_change_is_not_somebody_elses(ada, nexadesk, synced, agent, sandbox, postman):
    post = postman(nexadesk)
    change(ada, agent, pipeline_stage="won", assigned_rep_id="rep-1")
    post.deliver()
    synced(nexadesk)

    assert outside() == []


def test_nor_is_one_whose_answer_was_lost(ada, nexadesk, synced, agent, sandbox):
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.reset_after_apply())
    assert change(ada, agent, pipeline_stage="won").write.status == "unknown"

    synced(nexadesk)

    assert Lead.objects.get().stage == "won"
    assert outside() == []


def test_what_others_changed_before_our_change_was_refused_is_noted(ada, agent, sandbox):
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="lost")
    with pytest.raises(Exception, match="pipeline_stage"):
        change(ada, agent, pipeline_stage="won")

    assert outside() == [
        ("lead.outside", "Ada", {"pipeline_stage": "new"}, {"pipeline_stage": "lost"})
    ]


def test_what_merged_silently_with_our_change_is_theirs_and_ours_is_not(ada, agent, sandbox):
    sandbox.edit_lead(ada.upstream_id, visitor_company="Harbour", pipeline_stage="new")
    change(ada, agent, expected_billing_amount=900)

    assert outside() == [
        ("lead.outside", "Ada", {"visitor_company": None}, {"visitor_company": "Harbour"})
    ]
    assert sandbox.lead(ada.upstream_id)["visitor_company"] == "Harbour"
    ours = Entry.objects.get(action="lead.update")
    assert (ours.after, ours.outcome) == ({"expected_billing_amount": 900}, "done")


def test_our_changes_one_after_the_other_are_nobody_elses(ada, agent, sandbox):
    for number, (name, value) in enumerate(
        [
            ("pipeline_stage", "won"),
            ("visitor_company", " Harbour "),
            ("visitor_email", "A@X.example"),
        ]
    ):
        now = Lead.objects.select_related("connection", "workspace").get()
        change(now, agent, f"f{number}", **{name: value})

    assert outside() == []


def test_a_record_deleted_elsewhere(ada, sandbox):
    sandbox.delete_lead(ada.upstream_id)

    refresh_lead(ada)

    name, subject, before, _ = outside()[0]
    assert (name, subject, before["pipeline_stage"]) == ("lead.gone", "Ada", "new")


def test_a_record_deleted_elsewhere_and_found_by_a_check(ada, nexadesk, sandbox):
    sandbox.add_lead(visitor_name="Bo")
    sync_connection(nexadesk)
    sandbox.delete_lead(ada.upstream_id)

    sync_connection(nexadesk, full=True)

    assert [(name, subject) for name, subject, _, _ in outside()] == [("lead.gone", "Ada")]


def test_our_own_deletion_is_not_somebody_elses(ada, nexadesk, agent, sandbox, postman):
    post = postman(nexadesk)
    delete_lead(ada, actor=agent, form_id="f")
    post.deliver()
    sync_connection(nexadesk, full=True)

    assert outside() == []


def test_a_new_message_is_no_change_of_the_conversation(sandbox, nexadesk, synced):
    one = sandbox.add_conversation(status="open", visitor_name="Mara")
    sandbox.add_contact(first_name="Mara", email="mara@cove.example")
    synced(nexadesk)
    sandbox.add_message(one["id"], "Hello?")
    synced(nexadesk)
    refresh_conversation(Conversation.objects.select_related("connection", "workspace").get())
    synced(nexadesk)
    assert outside() == []

    sandbox.edit_conversation(one["id"], status="pending", tags=["late"])
    synced(nexadesk)

    assert outside() == [
        (
            "conversation.outside",
            "Mara",
            {"status": "open", "tags": []},
            {"status": "pending", "tags": ["late"]},
        )
    ]
    assert Contact.objects.count() == 1


def test_a_page_of_changes_costs_the_same_few_queries(
    ada, nexadesk, sandbox, django_assert_max_num_queries
):
    from portal.providers.nexadesk import parse
    from portal.records import Kind
    from portal.services.keeping import keep_records
    from portal.services.upstream import source_of

    for number in range(60):
        sandbox.add_lead(visitor_name=f"Lead {number}", pipeline_stage="new")
    sync_connection(nexadesk)
    source = source_of(nexadesk)
    same = [parse.lead(dict(lead)) for lead in sandbox.leads]
    with django_assert_max_num_queries(6):
        keep_records(source, Kind.LEADS, same, whole=True)
    for lead in sandbox.leads:
        sandbox.edit_lead(lead["id"], pipeline_stage="won")
    changed = [parse.lead(dict(lead)) for lead in sandbox.leads]

    # PostgreSQL is asked for its locks as well.
    most = 22 if connection.vendor == "postgresql" else 20
    with django_assert_max_num_queries(most):
        keep_records(source, Kind.LEADS, changed, whole=True)

    assert len(outside()) == 61
    assert verify(ada.workspace).number == Entry.objects.exclude(action="lead.outside").count() + 1
