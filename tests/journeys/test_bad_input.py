"""What goes wrong is said in words where it went wrong, with everything typed still there."""

import re

import pytest
from playwright.sync_api import expect

from portal.models import Connection
from portal.sandbox import Fault
from tests.journeys.waiting import open_live, sent, settled

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])


@pytest.fixture
def editing(house, open_page):
    """Petra's edit form with a new company and stage typed in: `editing(scripts)`."""

    def begin(scripts):
        page = open_page(house.owner, scripts=scripts)
        page.goto(house.url(house.lead("Petra Novak")) + "edit/")
        page.get_by_label("Company").fill("Harbour Tools Ltd")
        page.get_by_label("Stage").select_option("qualified")
        return page

    return begin


def save(page):
    page.get_by_role("button", name="Save", exact=True).click()


def still_typed(page):
    expect(page.get_by_label("Company")).to_have_value("Harbour Tools Ltd")
    expect(page.get_by_label("Stage")).to_have_value("qualified")


def leave(page):
    """Drop what was typed, so that the browser does not ask."""
    page.context.close()


@SCRIPTS
def test_a_wrong_value_is_said_beside_its_field(scripts, house, open_page, guard):
    guard.expect(422)
    page = open_page(house.owner, scripts=scripts)
    page.goto("/w/acme/leads/new/")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Email").fill("ada at work")
    page.get_by_label("Expected amount").fill("plenty")
    page.get_by_label("Need").fill("Two lines\nof need")
    page.get_by_role("button", name="Make lead").click()
    email = page.get_by_label("Email")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_visitor_email_error")).to_contain_text("not an e-mail address")
    expect(email).to_have_value("ada at work")
    expect(page.get_by_label("Expected amount")).to_have_value("plenty")
    expect(page.get_by_label("Need")).to_have_value("Two lines\nof need")
    assert house.writes == []
    leave(page)


@SCRIPTS
def test_the_services_own_sentence_is_shown(scripts, house, editing, guard):
    guard.expect(422)
    page = editing(scripts)
    sentence = "visitor_company must not name a competitor"
    body = f'{{"error": "{sentence}"}}'
    house.sandbox.fault("nexadesk", "PATCH", "/leads", Fault.garbage(400, text=body))
    save(page)
    expect(page.locator(".summary")).to_contain_text(sentence)
    still_typed(page)
    assert house.sandbox.lead("lead-petra")["visitor_company"] == "Harbour Tools"
    leave(page)


@SCRIPTS
def test_a_contact_that_exists_is_opened_from_the_refusal(scripts, house, open_page, guard):
    guard.expect(422)
    page = open_page(house.owner, scripts=scripts)
    page.goto("/w/acme/contacts/new/")
    page.get_by_label("First name").fill("Omar T.")
    page.get_by_label("Email").fill("omar@delta.example")
    page.get_by_role("button", name="Make contact").click()
    expect(page.get_by_label("First name")).to_have_value("Omar T.")
    expect(page.get_by_label("Email")).to_have_value("omar@delta.example")
    guard.dialogs_allowed = True  # what was typed is left behind on purpose
    page.get_by_role("link", name="Open it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Omar Haddad")


@SCRIPTS
def test_a_dead_key_keeps_the_text_and_names_the_remedy(scripts, house, editing, guard):
    guard.expect(409, 422)
    page = editing(scripts)
    for key in list(house.sandbox.keys):
        house.sandbox.revoke(key.value)
    save(page)
    expect(page.get_by_text("replace", exact=False).first).to_be_visible()
    assert Connection.objects.get(pk=house.nexadesk.pk).status != "ok"
    guard.dialogs_allowed = True
    page.goto("/w/acme/settings/connections/")
    expect(page.get_by_text("Replace the key").first).to_be_visible()
    expect(page.locator("#main")).to_contain_text("does not accept")


@SCRIPTS
def test_a_key_that_may_only_read_is_said_with_both_causes(scripts, house, editing, guard):
    guard.expect(422)
    page = editing(scripts)
    house.sandbox.fault("nexadesk", "PATCH", "/leads", Fault.status(403))
    save(page)
    main = page.locator("#main")
    expect(main).to_contain_text("may only read")
    expect(main).to_contain_text("not on the key's list")
    still_typed(page)
    leave(page)


@SCRIPTS
def test_a_lead_deleted_there_is_said_with_the_text_kept(scripts, house, editing, guard):
    guard.expect(409)
    page = editing(scripts)
    house.sandbox.delete_lead("lead-petra")
    save(page)
    expect(page.locator("#main")).to_contain_text("was deleted in NexaDesk")
    still_typed(page)
    leave(page)


@SCRIPTS
@pytest.mark.parametrize("kind", ["leads", "contacts", "conversations"])
def test_unknown_filters_are_left_out_with_a_notice(scripts, kind, house, open_page):
    page = open_page(house.owner, scripts=scripts)
    page.goto(f"/w/acme/{kind}/?colour=red&sort=weather&per=7&after=%00broken&created_since=never")
    for words in ("colour", "weather", "7"):
        expect(page.locator("#results .banner.warn", has_text=words).first).to_be_visible()
    assert page.locator(".t td.name a, .conv-row").count() > 10


@SCRIPTS
def test_asked_to_wait_the_portal_keeps_it_and_sends_nothing_twice(scripts, house, editing, guard):
    page = editing(scripts)
    wait = Fault.status(429, headers={"Retry-After": "40"})
    house.sandbox.fault("nexadesk", "PATCH", "/leads", wait, times=None)
    save(page)
    expect(page).to_have_url(re.compile(r"/leads/\d+/$"))
    expect(page.locator("#main")).to_contain_text("It will be sent when NexaDesk answers")
    page.reload()
    expect(page.locator("#facts .banner")).to_contain_text("qualified")
    assert len(house.writes) == 1


@SCRIPTS
def test_a_lost_answer_is_not_confirmed_and_not_sent_again(scripts, house, editing, guard):
    page = editing(scripts)
    house.sandbox.fault("nexadesk", "PATCH", "/leads", Fault.reset_after_apply())
    save(page)
    expect(page.locator("#main")).to_contain_text("Not confirmed")
    page.reload()
    page.go_back()
    assert len(house.writes) == 1


def test_a_lost_reply_stays_in_the_thread_and_is_not_sent_again(house, open_page):
    page = open_page(house.owner)
    page.goto(house.url(house.conversation("conv-mara")))
    house.sandbox.fault("dexra", "POST", "/messages", Fault.reset_after_apply())
    page.locator("#content").fill("Here it is.")
    page.locator("#send-reply").dblclick()
    waiting = page.locator(".msg.sending")
    expect(waiting).to_contain_text("Here it is.")
    expect(waiting).to_contain_text("Not confirmed")
    page.reload()
    expect(page.locator(".msg.sending")).to_contain_text("Not confirmed")
    assert len(house.writes) == 1


def test_a_double_press_makes_one_lead(house, open_page):
    page = open_page(house.owner)
    page.goto("/w/acme/leads/new/")
    page.get_by_label("Name").fill("Ada Double")
    house.sandbox.fault("nexadesk", "POST", "/leads", Fault.delay(0.5))
    page.get_by_role("button", name="Make lead").dblclick()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada Double")
    assert len(house.writes) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 500, 502])
def test_a_reply_that_fails_keeps_its_text(status, house, open_page, guard):
    guard.expect(409, 422)
    page = open_page(house.owner)
    page.goto(house.url(house.conversation("conv-mara")))
    settled(page)
    house.sandbox.fault("dexra", "POST", "/messages", Fault.status(status))
    page.locator("#content").fill("Precious words")
    page.locator("#send-reply").click()
    told = "#thread .errorlist, #thread .msg.sending .st, #toasts .toast"
    expect(page.locator(told).first).to_be_visible()
    settled(page)  # an open page shows a message before it is sent
    kept = page.locator("#content").input_value()
    waiting = page.locator(".msg.sending").all_inner_texts()
    assert "Precious words" in kept or any("Precious words" in text for text in waiting)
    assert len(house.writes) == 1
    leave(page)


def test_the_portal_itself_out_of_reach_loses_nothing(house, open_page, guard):
    page = open_page(house.owner)
    page.goto(house.url(house.conversation("conv-mara")))
    settled(page)
    page.context.set_offline(True)
    page.locator("#content").fill("Precious words")
    page.locator("#send-reply").click()
    expect(page.locator("#toasts")).to_contain_text("cannot be reached")
    expect(page.locator("#content")).to_have_value("Precious words")
    page.context.set_offline(False)
    page.locator("#send-reply").click()
    expect(page.locator(".msg.out")).to_contain_text("Precious words")
    sent(page)
    assert len(house.writes) == 1
    offline = ("Failed to fetch", "ERR_INTERNET_DISCONNECTED")
    guard.found = [line for line in guard.found if not any(word in line for word in offline)]


def test_signed_out_meanwhile_keeps_the_text_and_offers_the_sign_in(house, open_page, guard):
    page = open_page(house.owner)
    open_live(page, house.url(house.conversation("conv-mara")))  # later it would be refused one
    settled(page)
    page.context.clear_cookies(name="session")
    guard.expect(401, 403)
    page.locator("#content").fill("Precious words")
    page.locator("#send-reply").click()
    expect(page.locator("#toasts")).to_contain_text("signed out")
    expect(page.locator("#content")).to_have_value("Precious words")
    assert house.writes == []
    leave(page)
