"""Who did what, when, and how it ended: read by everybody in the team, exported by admins."""

import csv
import io
import re

import pytest
from django.test import Client
from django.utils import timezone

from portal.audit import log
from portal.audit.models import Entry
from portal.batches import store as batches
from portal.models import Batch, BatchRow, Lead
from portal.services.batches import run
from portal.services.leads import create_lead, delete_lead, update_lead

PASSWORD = "correct horse battery staple"


@pytest.fixture
def ada(sandbox, nexadesk, synced):
    sandbox.add_lead(visitor_name="Ada", pipeline_stage="new", expected_billing_amount=100)
    synced(nexadesk)
    return Lead.objects.select_related("connection", "workspace").get()


def win(lead, actor, form_id="f1"):
    changes = {"pipeline_stage": "won", "expected_billing_amount": 3200}
    before = {"pipeline_stage": "new", "expected_billing_amount": 100}
    return update_lead(lead, changes, before=before, actor=actor, form_id=form_id).write


def activity(browser, query=""):
    page = browser.get(f"/w/acme/audit/{query}")
    assert page.status_code == 200
    return page.text


def lines(page):
    """The entries of a page as plain text."""
    found = re.findall(r'<li class="log-line.*?</li>', page, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in found]


def test_a_change_stands_there_whole(ada, agent, client_of):
    win(ada, agent)

    line = lines(activity(client_of(agent)))[0]

    assert line.startswith("Changed a lead Ada")
    assert "Stage new → won" in line
    assert "Expected amount 100 → 3200" in line
    assert "Agent" in line
    assert "Undo" in line


def test_its_own_page_shows_every_field(ada, agent, client_of):
    write = win(ada, agent)

    page = client_of(agent).get(f"/w/acme/audit/{write.entry_id}/").text

    assert f'href="/w/acme/leads/{ada.pk}/"' in page
    assert f'href="/w/acme/undo/{write.pk}/"' in page
    assert re.search(r"Stage</th>.*?new</td>.*?won</td>", page, re.S)


def test_a_viewer_reads_it_without_the_way_back(ada, agent, viewer, client_of):
    win(ada, agent)

    line = lines(activity(client_of(viewer)))[0]

    assert "new → won" in line
    assert "Undo" not in line


def test_what_was_undone_says_so_and_is_offered_again(ada, agent, client_of):
    browser, write = client_of(agent), win(ada, agent)
    browser.post(f"/w/acme/undo/{write.pk}/")

    again, first = lines(activity(browser))[:2]

    assert "undo" in again.split("Stage")[0]
    assert "won → new" in again
    assert "Redo" in again
    assert "undone" in first
    assert "Redo" not in first


def test_changes_made_elsewhere_are_told_apart(ada, nexadesk, synced, sandbox, agent, client_of):
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="lost")
    synced(nexadesk)

    line = lines(activity(client_of(agent)))[0]

    assert line.startswith("Lead changed elsewhere Ada")
    assert "Somebody elsewhere" in line
    assert lines(activity(client_of(agent), "?action=outside")) == [line]
    assert lines(activity(client_of(agent), "?action=lead")) == []


def test_a_refusal_says_why(nexadesk, agent, client_of):
    with pytest.raises(Exception, match="400"):
        create_lead(nexadesk, {"visitor_name": ""}, actor=agent, form_id="f")

    line = lines(activity(client_of(agent)))[0]

    assert "Refused" in line
    assert "visitor_name" in line
    assert "Undo" not in line


def test_a_batch_is_one_line_that_opens_its_rows(sandbox, nexadesk, synced, agent, client_of):
    for number in range(4):
        sandbox.add_lead(id=f"lead-{number}", visitor_name=f"Lead {number}", pipeline_stage="new")
    synced(nexadesk)
    batch = batches.create(
        agent.workspace,
        kind=Batch.Kind.BULK,
        action="lead.update",
        connection=nexadesk,
        actor=agent.user,
        form_id="batch-form",
        title="Set the stage of 4 leads",
        rows=[
            BatchRow(
                upstream_id=f"lead-{number}",
                title=f"Lead {number}",
                before={"pipeline_stage": "new"},
                changes={"pipeline_stage": "won"},
            )
            for number in range(4)
        ],
        status=Batch.Status.RUNNING,
    )
    run(batch.pk)
    browser = client_of(agent)

    page = activity(browser)
    assert next(line for line in lines(page) if "lead" in line.lower()).startswith("Bulk change")
    assert sum("Lead " in line for line in lines(page)) <= 1
    assert f'href="/w/acme/batches/{batch.pk}/"' in page
    assert len(lines(activity(browser, f"?batch={batch.pk}"))) == 4
    assert len(lines(activity(browser, "?action=lead"))) == 4


def test_a_batch_is_found_by_whoever_went_on_with_it_and_by_when(
    workspace, agent, admin, client_of
):
    batch = Batch.objects.create(
        workspace=workspace, kind="bulk", action="lead.update", form_id="f", title="Set the stage"
    )
    begun = log.record(workspace, "batch.start", actor=agent.user, batch=batch, subject="Set it")
    Entry.objects.filter(pk=begun.pk).update(at=timezone.now() - timezone.timedelta(hours=30))
    for number in range(3):
        log.record(workspace, "lead.update", actor=admin.user, batch=batch, subject=f"L{number}")
    browser = client_of(agent)

    for query in (f"?person={agent.user.pk}", f"?person={admin.user.pk}", "?since=24h", ""):
        assert len(lines(activity(browser, query))) == 1, query


def test_every_filter_narrows(ada, agent, admin, client_of, workspace):
    win(ada, agent)
    log.record(workspace, "session.start", actor=admin.user, subject="admin@acme.example")
    old = log.record(workspace, "lead.create", actor=None, subject="Old 100%")
    Entry.objects.filter(pk=old.pk).update(at=timezone.now() - timezone.timedelta(days=40))
    browser = client_of(agent)

    def found(query):
        return [line.split(" ")[0] for line in lines(activity(browser, query))]

    assert found(f"?person={agent.user.pk}") == ["Changed"]
    assert found("?action=session") == ["Signed"]
    assert found("?outcome=refused") == []
    assert found(f"?record=leads:{ada.pk}") == ["Changed"]
    assert found("?q=old 100%") == ["Made"]
    assert "Made" in found("?person=nobody")
    assert len(found("?person=x&action=y&outcome=z&since=1&record=q:1&batch=-&older=x")) == 4
    for query in ("?person=nobody\x00", "?q=\x00", f"?older={'9' * 30}", "?record=leads:"):
        activity(browser, query)


def test_a_period_starts_where_its_first_entry_stands(workspace, agent, client_of):
    for days in (40, 3, 0):
        entry = log.record(workspace, "lead.create", actor=None, subject=f"{days} days ago")
        Entry.objects.filter(pk=entry.pk).update(at=timezone.now() - timezone.timedelta(days=days))
    browser = client_of(agent)

    assert len(lines(activity(browser, "?since=24h"))) == 1
    assert len(lines(activity(browser, "?since=7d"))) == 2
    assert len(lines(activity(browser))) == 3


def test_pages_follow_each_other_and_cost_the_same(
    workspace, ada, agent, client_of, django_assert_max_num_queries
):
    win(ada, agent)
    log.note(workspace.pk, [log.Note("lead.outside", f"n{n}", "leads", n) for n in range(120)])
    browser = client_of(agent)
    seen, query = [], ""
    while query is not None:
        with django_assert_max_num_queries(8):
            page = activity(browser, query)
        seen += re.findall(r'id="entry-(\d+)"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        query = older[1].replace("&amp;", "&") if older else None
        newest_page = page
    newer = re.search(r'rel="prev" href="([^"]+)"', newest_page)[1]

    everything = list(Entry.objects.order_by("-pk").values_list("pk", flat=True))
    assert [int(pk) for pk in seen] == everything
    assert len(lines(activity(browser, newer))) == 50


def test_a_record_tells_its_own_history(ada, nexadesk, synced, sandbox, agent, client_of):
    win(ada, agent)
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="lost")
    synced(nexadesk)

    page = client_of(agent).get(f"/w/acme/leads/{ada.pk}/").text
    history = lines(page.partition('id="history"')[2])

    assert [line.split(" ")[:3] for line in history] == [
        ["Lead", "changed", "elsewhere"],
        ["Changed", "a", "lead"],
    ]


def test_hostile_names_are_text(ada, agent, client_of, sandbox):
    hostile = "<script>alert(1)</script>\"'{{ 7 }}"
    update_lead(
        ada,
        {"visitor_name": hostile},
        before={"visitor_name": "Ada"},
        actor=agent,
        form_id="f1",
    )

    page = activity(client_of(agent))

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


class TestExport:
    def rows(self, response):
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def test_it_is_what_is_asked_for_and_is_in_the_log_itself(self, ada, agent, admin, client_of):
        win(ada, agent)
        log.record(ada.workspace, "lead.create", actor=None, subject="=cmd|' /C calc'!A0")

        rows = self.rows(client_of(admin).post("/w/acme/audit/export/", {"action": "lead"}))

        assert [row["What"].lstrip("'") for row in rows] == ["=cmd|' /C calc'!A0", "Ada"]
        assert not rows[0]["What"].startswith("=")
        assert "Stage: new → won" in rows[1]["Changes"]
        entry = Entry.objects.latest("pk")
        assert (entry.action, entry.actor, entry.after) == (
            "audit.export",
            admin.user,
            {"family": "lead"},
        )

    def test_only_admins_may(self, agent, client_of):
        assert client_of(agent).post("/w/acme/audit/export/").status_code == 403
        assert not Entry.objects.filter(action="audit.export").exists()

    def test_all_of_it_in_few_queries(
        self, workspace, admin, client_of, django_assert_max_num_queries
    ):
        for _ in range(6):
            log.note(workspace.pk, [log.Note("lead.outside", "n", "leads", n) for n in range(200)])
        with django_assert_max_num_queries(32):
            rows = self.rows(client_of(admin).post("/w/acme/audit/export/"))

        assert len(rows) == 1201


class TestSignIns:
    def test_in_out_and_kept_out(self, agent):
        browser = Client()
        browser.post("/accounts/login/", {"login": agent.user.email, "password": "wrong"})
        browser.post("/accounts/login/", {"login": agent.user.email, "password": PASSWORD})
        browser.post("/accounts/logout/")

        told = Entry.objects.order_by("pk").values_list("action", "actor", "subject")
        email, pk = agent.user.email, agent.user.pk
        assert list(told) == [
            ("session.failed", None, email),
            ("session.start", pk, email),
            ("session.end", pk, email),
        ]

    def test_whom_nobody_knows_is_in_no_log(self, workspace):
        for email in ("who@nowhere.example", "x\x00", "a" * 500):
            Client().post("/accounts/login/", {"login": email, "password": "wrong"})

        assert not Entry.objects.exists()

    def test_a_changed_password(self, agent):
        browser = Client()
        browser.post("/accounts/login/", {"login": agent.user.email, "password": PASSWORD})
        new = "another battery staple horse"
        form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        browser.post("/accounts/password/change/", form)

        assert Entry.objects.filter(action="session.password", actor=agent.user).exists()


def test_a_deleted_record_has_no_link(ada, agent, client_of):
    win(ada, agent)
    delete_lead(ada, actor=agent, form_id="f2")

    page = activity(client_of(agent))

    assert f'href="/w/acme/leads/{ada.pk}/"' not in page
    assert "Deleted a lead" in page
