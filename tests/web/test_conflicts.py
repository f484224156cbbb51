"""Two people change the same record: other fields merge, the same field is chosen one by one."""

import re
from html import unescape

import pytest

from portal.models import Contact, Conversation, Entry, Lead, Write
from portal.services.contacts import know_user, update_contact
from portal.services.leads import refresh_lead
from tests.web.test_outbox import fields_of, make


@pytest.fixture
def petra(sandbox, nexadesk, synced):
    sandbox.add_lead(
        visitor_name="Petra",
        visitor_company="Quay",
        pipeline_stage="new",
        expected_billing_amount=100,
        tags=["retail"],
    )
    synced(nexadesk)
    sandbox.requests.clear()
    return Lead.objects.select_related("connection", "workspace").get()


def form(page):
    return fields_of(page, 'id="record-form"')


def versions(page):
    """What the conflict shows: by field, its three versions."""
    html = unescape(page.text)
    return {
        name: dict(re.findall(r'data-version="(\w+)"[^>]*>(.*?)</span>', box))
        for name, box in re.findall(
            r'name="clash" value="([^"]+)"(.*?)</fieldset>', html, re.DOTALL
        )
    }


def clash_of_three(sandbox, petra, as_agent):
    """Stage, amount and name changed on both sides, the company here only, the phone there only."""
    path = f"/w/acme/leads/{petra.pk}/edit/"
    shown = form(as_agent.get(path))
    sandbox.edit_lead(
        petra.upstream_id,
        pipeline_stage="lost",
        expected_billing_amount=900,
        visitor_name="Petra H.",
        visitor_phone="555",
    )
    typed = {
        "pipeline_stage": "qualified",
        "expected_billing_amount": "3400",
        "visitor_name": "Petra G.",
        "visitor_company": "Harbour",
    }
    return path, as_agent.post(path, shown | typed)


def test_each_field_is_shown_as_mine_theirs_and_before(petra, sandbox, as_agent):
    _, page = clash_of_three(sandbox, petra, as_agent)

    assert page.status_code == 409
    assert versions(page) == {
        "pipeline_stage": {"mine": "qualified", "theirs": "lost", "before": "new"},
        "expected_billing_amount": {"mine": "3400", "theirs": "900", "before": "100"},
        "visitor_name": {"mine": "Petra G.", "theirs": "Petra H.", "before": "Petra"},
    }
    assert sandbox.requests.count("PATCH /leads") == 0


def test_each_field_is_decided_by_itself_and_the_others_merge(petra, sandbox, as_agent):
    path, page = clash_of_three(sandbox, petra, as_agent)
    chosen = {
        "choice-pipeline_stage": "mine",
        "choice-expected_billing_amount": "theirs",
        "choice-visitor_name": "before",
    }

    assert as_agent.post(path, form(page) | chosen).status_code == 303

    now = sandbox.lead(petra.upstream_id)
    assert (now["pipeline_stage"], now["expected_billing_amount"]) == ("qualified", 900)
    assert (now["visitor_name"], now["visitor_company"]) == ("Petra", "Harbour")
    assert now["visitor_phone"] == "555"
    [patch] = sandbox.requests.matching("PATCH /leads")
    assert patch.body == {
        "pipeline_stage": "qualified",
        "visitor_name": "Petra",
        "visitor_company": "Harbour",
    }


def test_mine_is_what_stands_in_the_field_by_now(petra, sandbox, as_agent):
    path, page = clash_of_three(sandbox, petra, as_agent)

    as_agent.post(path, form(page) | {"visitor_name": "Third thought"})

    assert sandbox.lead(petra.upstream_id)["visitor_name"] == "Third thought"


def test_moved_on_once_more_it_asks_once_more(petra, sandbox, as_agent):
    path, page = clash_of_three(sandbox, petra, as_agent)
    sandbox.edit_lead(petra.upstream_id, pipeline_stage="converted")

    again = as_agent.post(path, form(page))

    assert again.status_code == 409
    assert versions(again) == {
        "pipeline_stage": {"mine": "qualified", "theirs": "converted", "before": "lost"}
    }


def test_all_theirs_is_nothing_to_save(petra, sandbox, as_agent):
    path = f"/w/acme/leads/{petra.pk}/edit/"
    shown = form(as_agent.get(path))
    sandbox.edit_lead(petra.upstream_id, pipeline_stage="lost")
    page = as_agent.post(path, shown | {"pipeline_stage": "qualified"})

    response = as_agent.post(path, form(page) | {"choice-pipeline_stage": "theirs"}, follow=True)

    assert "Nothing to save" in response.text
    assert sandbox.requests.count("PATCH /leads") == 0


def test_hostile_versions_are_shown_as_text_and_kept(petra, sandbox, as_agent):
    text = '"><script>alert(1)</script>\u202e{{ 7*7 }}'
    path = f"/w/acme/leads/{petra.pk}/edit/"
    shown = form(as_agent.get(path))
    sandbox.edit_lead(petra.upstream_id, visitor_name=f"t{text}")
    page = as_agent.post(path, shown | {"visitor_name": f"m{text}"})

    assert "<script>alert" not in page.text
    as_agent.post(path, form(page) | {"choice-visitor_name": "mine"})
    assert sandbox.lead(petra.upstream_id)["visitor_name"] == f"m{text}"


def test_the_quick_form_on_the_records_page_asks_the_same(petra, sandbox, as_agent):
    quick = fields_of(as_agent.get(f"/w/acme/leads/{petra.pk}/"), 'id="quick-form"')
    sandbox.edit_lead(petra.upstream_id, pipeline_stage="lost")
    path = f"/w/acme/leads/{petra.pk}/edit/"
    page = as_agent.post(path, quick | {"pipeline_stage": "qualified"})

    assert versions(page)["pipeline_stage"]["before"] == "new"
    again = fields_of(page, 'id="quick-form"') | {"choice-pipeline_stage": "before"}
    as_agent.post(path, again)

    assert sandbox.lead(petra.upstream_id)["pipeline_stage"] == "new"


@pytest.mark.parametrize(("choice", "ends"), [("theirs", "pending"), ("before", "open")])
def test_a_conversations_status_is_chosen_too(sandbox, nexadesk, synced, as_agent, choice, ends):
    made = sandbox.add_conversation(visitor_name="Lena", status="open")
    synced(nexadesk)
    sandbox.edit_conversation(made["id"], status="pending")
    path = f"/w/acme/conversations/{Conversation.objects.get().pk}/status/"
    page = as_agent.post(path, {"status": "archived", "before": "open", "form_id": "status-01"})
    html = page.text.partition('class="conflict"')[0].rpartition("<form")[2]
    hidden = dict(re.findall(r'name="(form_id|before|status)" value="([^"]*)"', html))
    was = {"clash": "status", "was-status": "open", "choice-status": choice}

    as_agent.post(path, hidden | was)

    assert sandbox.conversation(made["id"])["status"] == ends


class TestUsersWhomTheApiCannotShow:
    @pytest.fixture
    def mara(self, sandbox, dexra, agent):
        user = sandbox.add_dexra_user(email="mara@cove.example", first_name="Mara")
        contact = know_user(dexra, user["id"])
        first = {"custom_attributes": {"plan": "free", "seats": 2}}
        update_contact(contact, first, before={}, actor=agent, form_id="first-one")
        sandbox.requests.clear()
        return Contact.objects.select_related("connection", "workspace").get()

    def colleague(self, mara, agent, **attributes):
        update_contact(
            mara,
            {"custom_attributes": attributes},
            before={"custom_attributes": mara.raw["custom_attributes"]},
            actor=agent,
            form_id="colleague-1",
        )

    def test_another_attribute_merges(self, mara, sandbox, agent, as_agent):
        path = f"/w/acme/contacts/{mara.pk}/edit/"
        shown = form(as_agent.get(path))
        self.colleague(mara, agent, seats=5)
        rows = {"attribute-name": "plan", "attribute-type": "text", "attribute-value": "pro"}

        assert as_agent.post(path, shown | rows).status_code == 303
        assert sandbox.dexra_user(mara.upstream_id)["custom_attributes"]["plan"] == "pro"

    def test_the_same_attribute_is_chosen(self, mara, sandbox, agent, as_agent):
        path = f"/w/acme/contacts/{mara.pk}/edit/"
        shown = form(as_agent.get(path))
        self.colleague(mara, agent, plan="team")
        sent = len(sandbox.requests.matching("PATCH *")) + len(sandbox.requests)
        rows = {"attribute-name": "plan", "attribute-type": "text", "attribute-value": "pro"}

        page = as_agent.post(path, shown | rows)

        name = "custom_attributes[plan]"
        assert page.status_code == 409
        assert versions(page) == {name: {"mine": "pro", "theirs": "team", "before": "free"}}
        assert sent == len(sandbox.requests.matching("PATCH *")) + len(sandbox.requests)
        again = form(page) | rows

        as_agent.post(path, again | {f"choice-{name}": "theirs"})
        assert sandbox.dexra_user(mara.upstream_id)["custom_attributes"]["plan"] == "team"
        as_agent.post(path, again | {f"choice-{name}": "mine"})
        assert sandbox.dexra_user(mara.upstream_id)["custom_attributes"]["plan"] == "pro"


class TestWhileTheFormIsOpen:
    def test_what_changed_meanwhile_is_told(self, petra, sandbox, as_agent):
        shown = form(as_agent.get(f"/w/acme/leads/{petra.pk}/edit/"))
        sandbox.edit_lead(petra.upstream_id, pipeline_stage="converted")
        refresh_lead(petra)

        html = as_agent.post(f"/w/acme/leads/{petra.pk}/meanwhile/", shown).text

        assert "Stage is now <b>converted</b>." in " ".join(html.split())
        assert "<input" not in html
        assert not Write.objects.exists()

    def test_nothing_changed_is_nothing_told(self, petra, as_agent):
        shown = form(as_agent.get(f"/w/acme/leads/{petra.pk}/edit/"))

        html = as_agent.post(
            f"/w/acme/leads/{petra.pk}/meanwhile/", shown | {"pipeline_stage": "lost"}
        ).text
        assert html.strip() == ""

    def test_saving_then_merges_or_asks(self, petra, sandbox, as_agent):
        path = f"/w/acme/leads/{petra.pk}/edit/"
        shown = form(as_agent.get(path))
        sandbox.edit_lead(petra.upstream_id, pipeline_stage="converted")
        refresh_lead(petra)

        assert as_agent.post(path, shown | {"visitor_company": "Harbour"}).status_code == 303
        other = shown | {"pipeline_stage": "lost", "form_id": "another-form"}
        assert as_agent.post(path, other).status_code == 409
        now = sandbox.lead(petra.upstream_id)
        assert (now["visitor_company"], now["pipeline_stage"]) == ("Harbour", "converted")


class TestAWriteThatWaitedAndFoundItChanged:
    @pytest.fixture
    def stale(self, petra, sandbox, agent):
        sandbox.edit_lead(petra.upstream_id, pipeline_stage="lost", expected_billing_amount=900)
        refresh_lead(petra)
        return make(
            petra.connection,
            "refused",
            row=petra,
            actor=agent,
            reason="StaleRecord",
            changes={"pipeline_stage": "qualified", "expected_billing_amount": 3400},
            before={"pipeline_stage": "new", "expected_billing_amount": 100},
        )

    def test_it_is_decided_field_by_field_too(self, stale, petra, sandbox, as_agent):
        assert "Choose for each field" in as_agent.get("/w/acme/outbox/").text
        path = f"/w/acme/outbox/{stale.pk}/edit/"
        page = as_agent.get(path)
        assert versions(page) == {
            "pipeline_stage": {"mine": "qualified", "theirs": "lost", "before": "new"},
            "expected_billing_amount": {"mine": "3400", "theirs": "900", "before": "100"},
        }

        chosen = {"choice-pipeline_stage": "theirs", "choice-expected_billing_amount": "mine"}
        as_agent.post(path, fields_of(page) | chosen)

        now = sandbox.lead(petra.upstream_id)
        assert (now["pipeline_stage"], now["expected_billing_amount"]) == ("lost", 3400)
        assert "Nothing waits" in as_agent.get("/w/acme/outbox/").text

    def test_all_theirs_sends_nothing_and_is_handled(self, stale, sandbox, as_agent):
        path = f"/w/acme/outbox/{stale.pk}/edit/"
        page = as_agent.get(path)
        chosen = {"choice-pipeline_stage": "theirs", "choice-expected_billing_amount": "theirs"}
        sandbox.requests.clear()

        response = as_agent.post(path, fields_of(page) | chosen, follow=True)

        assert "it stays as it is there" in response.text
        assert "Nothing waits" in response.text
        assert sandbox.requests.count("PATCH /leads") == 0
        assert Entry.objects.filter(action="write.discard").count() == 1
