"""The way back from a page: offered after a save, said before it is done, without JavaScript."""

import json
import re
from html import unescape

import pytest

from portal.models import Contact, Entry, Lead, Write
from portal.services.leads import delete_lead, update_lead


@pytest.fixture
def ada(sandbox, nexadesk, synced):
    sandbox.add_lead(visitor_name="Ada <b>", pipeline_stage="new", expected_billing_amount=100)
    synced(nexadesk)
    return Lead.objects.select_related("connection", "workspace").get()


def win(lead, actor, form_id="f1"):
    changes, before = {"pipeline_stage": "won"}, {"pipeline_stage": "new"}
    return update_lead(lead, changes, before=before, actor=actor, form_id=form_id).write


def address(write):
    return f"/w/acme/undo/{write.pk}/"


def stage_form(lead):
    return {
        "from": "card",
        "form_id": "form-of-a-test",
        "pipeline_stage": "won",
        "before-pipeline_stage": "new",
    }


def test_a_plain_save_offers_the_way_back_and_it_leads_there(ada, agent, client_of, sandbox):
    browser = client_of(agent)
    page = browser.post(f"/w/acme/leads/{ada.pk}/edit/", stage_form(ada), follow=True)
    form = re.search(r'<form method="post" action="([^"]+)" data-undo.*?</form>', page.text, re.S)
    assert form[1] == address(Write.objects.get())
    there = unescape(re.search(r'name="next" value="([^"]+)"', form[0])[1])

    back = browser.post(form[1], {"next": there}, follow=True)

    assert back.redirect_chain == [(there, 303)]
    assert "Undone: “Ada &lt;b&gt;”" in back.text
    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == "new"
    assert ">Redo</button>" in back.text


def test_a_toast_carries_it(ada, agent, client_of):
    answer = client_of(agent).post(
        f"/w/acme/leads/{ada.pk}/edit/",
        stage_form(ada),
        headers={"HX-Request": "true"},
    )

    told = json.loads(answer["HX-Trigger"])["toast"]
    assert (told["undo"], told["label"], told["asks"], told["again"]) == (
        address(Write.objects.get()),
        "Undo",
        "",
        "",
    )


def test_a_deletion_asks_before_it_is_undone(ada, agent, client_of, sandbox):
    browser = client_of(agent)
    page = browser.post(f"/w/acme/leads/{ada.pk}/delete/", {}, follow=True)
    link = re.search(r'<a class="btn small" href="([^"]+)" data-undo', page.text)[1]

    asked = browser.get(link).text
    assert "It is made again with a new id." in asked
    assert "Ada &lt;b&gt;" in asked
    assert "Not written again" in asked

    done = browser.post(link, {"next": "/w/acme/leads/"}, follow=True)
    assert done.redirect_chain[0][0] == f"/w/acme/leads/{Lead.objects.get(gone_at=None).pk}/"
    assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada <b>"]


def test_a_record_that_was_made_is_deleted_and_its_page_is_left(
    nexadesk, agent, client_of, sandbox
):
    browser = client_of(agent)
    browser.post("/w/acme/contacts/new/", {"first_name": "Bo", "connection": nexadesk.pk})
    contact = Contact.objects.get()
    write = Write.objects.get()
    assert "is deleted in NexaDesk" in browser.get(address(write)).text

    back = browser.post(address(write), {"next": f"/w/acme/contacts/{contact.pk}/"}, follow=True)

    assert back.redirect_chain == [("/w/acme/contacts/", 303)]
    assert sandbox.contacts == []


def test_a_new_record_that_was_changed_there_is_deleted_only_when_asked_again(
    nexadesk, agent, client_of, sandbox
):
    browser = client_of(agent)
    browser.post("/w/acme/contacts/new/", {"first_name": "Bo", "connection": nexadesk.pk})
    write = Write.objects.get()
    sandbox.edit_contact(sandbox.contacts[0]["id"], profile_notes="Called <b>twice</b>")

    page = browser.post(address(write))
    assert page.status_code == 409
    assert "Called &lt;b&gt;twice&lt;/b&gt;" in page.text
    assert "Delete it anyway" in page.text
    assert [one["first_name"] for one in sandbox.contacts] == ["Bo"]
    seen = unescape(re.search(r'name="seen" value="([^"]+)"', page.text)[1])

    assert browser.post(address(write), {"seen": seen}).status_code == 303
    assert sandbox.contacts == []


def test_what_changed_since_is_shown_and_overwritten_only_when_asked(
    ada, agent, client_of, sandbox
):
    browser, write = client_of(agent), win(ada, agent)
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="lost")

    page = browser.post(address(write))
    assert page.status_code == 409
    assert "Somebody changed this since" in page.text
    assert "Nothing was undone yet" in page.text
    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == "lost"
    seen = unescape(re.search(r'name="seen" value="([^"]+)"', page.text)[1])

    done = browser.post(address(write), {"seen": seen})
    assert done.status_code == 303
    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == "new"


@pytest.mark.parametrize("seen", ["[", "[1]", '"x"', "null", '{"id": 1}', "[" * 90_000, "\x00"])
def test_nonsense_for_what_was_seen_overwrites_nothing(seen, ada, agent, client_of, sandbox):
    write = win(ada, agent)
    sandbox.edit_lead(ada.upstream_id, pipeline_stage="lost")

    assert client_of(agent).post(address(write), {"seen": seen}).status_code == 409
    assert sandbox.lead(ada.upstream_id)["pipeline_stage"] == "lost"


def test_what_cannot_be_undone_says_why(ada, agent, admin, client_of):
    browser, write = client_of(agent), win(ada, agent)
    browser.post(address(write))

    assert "It was undone already." in browser.get(address(write)).text
    other = client_of(admin).post(address(write))
    assert other.status_code == 409
    assert "It was undone already." in other.text

    gone = delete_lead(
        Lead.objects.select_related("connection", "workspace").get(), actor=agent, form_id="f9"
    ).write
    redo = Write.objects.get(undoes=write)
    assert "The record is not there any more." in browser.get(address(redo)).text
    assert "made again" in browser.get(address(gone)).text


@pytest.mark.parametrize("there", ["//evil.example/", "https://evil.example/", "", "/"])
def test_next_leads_nowhere_else(there, ada, agent, client_of):
    write = win(ada, agent)

    assert client_of(agent).post(address(write), {"next": there}).url == f"/w/acme/leads/{ada.pk}/"


def test_a_viewer_may_not_and_a_stranger_finds_nothing(ada, agent, viewer, stranger, client_of):
    write = win(ada, agent)

    assert client_of(viewer).get(address(write)).status_code == 403
    assert client_of(viewer).post(address(write)).status_code == 403
    assert client_of(stranger).post(address(write)).status_code == 404
    assert client_of(stranger).post(f"/w/other/undo/{write.pk}/").status_code == 404
    assert client_of(agent).get("/w/acme/undo/99999999999999999999999/").status_code == 404
    assert Entry.objects.filter(action="lead.update").count() == 1
