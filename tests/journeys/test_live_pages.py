"""Pages that are left open: what changes elsewhere comes to them, and nothing typed is lost."""

import re

import pytest
from django.db import transaction
from playwright.sync_api import expect

from portal.live import store
from portal.live.stream import hub
from portal.models import Lead, Workspace
from portal.records import Kind
from portal.services.conversations import refresh_conversation
from portal.services.keeping import keep_gone
from tests.conftest import make_member
from tests.journeys.waiting import open_live

# With a stream a page asks by itself every 20 s only: what comes sooner, the stream brought.
WITHIN = 10_000
QUIET = 2_000  # in which what must not happen would have happened


@pytest.fixture
def desk(house, open_page):
    """A page of the owner, with its stream open: `desk("/w/acme/leads/")`."""

    def desk(path, **look):
        page = open_page(look.pop("member", house.owner), **look)
        open_live(page, path)
        return page

    return desk


def row(page, name):
    return page.locator("#results tr", has_text=name)


def reread(request):
    return "x-live" in request.headers


def rereads(page):
    """The times the page reads itself anew from now on."""
    seen = []
    page.on("request", lambda r: seen.append(r.url) if reread(r) else None)
    return seen


def has_reread(page):
    """`with has_reread(page):` what happens in here makes the page read itself anew."""
    return page.expect_response(lambda answer: reread(answer.request))


def keep_spoken(page):
    """All that is said from now on; the words themselves make room for the next ones."""
    page.evaluate(
        """() => {
          window.spoken = [];
          new MutationObserver(() => window.spoken.push(document.querySelector("#say").textContent))
            .observe(document.querySelector("#say"), { childList: true });
        }"""
    )


def expect_spoken(page, words):
    page.wait_for_function("words => spoken.some((said) => said.includes(words))", arg=words)


def test_a_change_in_the_service_is_on_the_open_list(house, desk):
    page = desk("/w/acme/leads/")
    order = page.locator("#results td.name").all_inner_texts()
    house.sandbox.edit_lead("lead-petra", pipeline_stage="qualified")
    house.sync()
    expect(row(page, "Petra Novak")).to_contain_text("qualified", timeout=WITHIN)
    assert page.locator("#results td.name").all_inner_texts() == order
    expect(page.locator(".live-more")).to_have_count(0)


def test_new_rows_wait_until_they_are_asked_for(house, desk):
    page = desk("/w/acme/leads/")
    first = page.locator("#results td.name").first.inner_text()
    for number in (1, 2, 3):
        house.sandbox.add_lead(visitor_name=f"Newcomer {number}")
    house.sync()
    more = page.locator(".live-more a")
    expect(more).to_have_text("3 new or changed · Show", timeout=WITHIN)
    expect(page.locator("#say")).to_contain_text("3 new or changed")
    assert page.locator("#results td.name").first.inner_text() == first
    more.click()
    expect(page.locator("#results td.name").first).to_contain_text("Newcomer")
    expect(more).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body")
    assert page.url.endswith("/w/acme/leads/")
    page.locator("#sort-amount").click()  # what was taken over works as before
    expect(page).to_have_url(re.compile("sort=amount|sort=-amount"))


def test_a_row_that_changes_its_place_stays_until_asked(house, desk):
    page = desk("/w/acme/leads/?sort=-updated_at")
    names = page.locator("#results td.name")
    last = names.nth(30).inner_text()
    lead = Lead.objects.get(name=last)
    house.sandbox.edit_lead(lead.upstream_id, visitor_company="Moved & Sons")
    house.sync()
    expect(row(page, last).first).to_contain_text("Moved & Sons", timeout=WITHIN)
    assert names.nth(30).inner_text() == last
    expect(page.locator(".live-more a")).to_have_text("1 new or changed · Show")
    page.locator(".live-more a").click()
    expect(names.first).to_have_text(last)


def test_no_row_changes_under_the_pointer_or_the_focus(house, desk):
    page = desk("/w/acme/leads/")
    petra = row(page, "Petra Novak")
    petra.hover()
    house.sandbox.edit_lead("lead-petra", pipeline_stage="qualified")
    with has_reread(page):
        house.sync()
    page.wait_for_timeout(QUIET)
    expect(petra).to_contain_text("contacted")
    page.mouse.move(5, 5)
    expect(petra).to_contain_text("qualified", timeout=WITHIN)

    petra.get_by_role("link").focus()
    house.sandbox.edit_lead("lead-petra", visitor_name="Petra Nováková", pipeline_stage="lost")
    house.sync()
    expect(page.locator("#results tr:focus-within")).to_contain_text("lost", timeout=WITHIN)
    expect(page.locator("#results a:focus")).to_have_text("Petra Novak")
    page.locator("#q").focus()
    expect(row(page, "Petra Nováková")).to_have_count(1, timeout=WITHIN)


def test_a_burst_is_one_request(house, desk):
    page = desk("/w/acme/leads/")
    seen = rereads(page)
    shown = Lead.objects.get(name="Petra Novak")
    with has_reread(page), transaction.atomic():
        for _ in range(20):
            store.note(house.workspace.pk, "leads", [shown.pk])
    page.wait_for_timeout(QUIET)
    assert len(seen) == 1, seen


def test_what_is_not_on_the_page_makes_it_read_nothing(house, desk):
    page = desk("/w/acme/leads/")
    seen = rereads(page)
    house.sandbox.edit_contact("contact-omar", first_name="Omer")
    with page.expect_response("**/live/?*"):  # of what it heard it only takes the frame's words
        house.sync()
    page.wait_for_timeout(QUIET)
    assert seen == []


def test_a_hidden_page_asks_nothing_and_catches_up(house, desk):
    page = desk("/w/acme/leads/")
    seen = []
    page.evaluate(
        """() => {
          window.away = true;
          Object.defineProperty(document, "hidden", { get: () => window.away });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    page.on("request", lambda request: seen.append(request.url))
    page.wait_for_timeout(500)
    house.sandbox.edit_lead("lead-petra", pipeline_stage="qualified")
    house.sync()
    page.wait_for_timeout(6_000)
    assert seen == []
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost")
    house.sync()
    page.evaluate(
        "() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')) }"
    )
    expect(row(page, "Petra Novak")).to_contain_text("lost", timeout=WITHIN)


def test_a_records_page_follows_and_keeps_what_is_typed(house, desk):
    lead = house.lead("Petra Novak")
    page = desk(house.url(lead))
    house.sandbox.edit_lead("lead-petra", visitor_company="Harbour & Sons", tags=["vip"])
    house.sync()
    expect(page.locator("#facts")).to_contain_text("Harbour & Sons", timeout=WITHIN)

    page.get_by_label("Stage").select_option("qualified")
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost", visitor_name="Petra Neu")
    house.sync()
    expect(page.locator("#facts")).to_contain_text("lost", timeout=WITHIN)
    expect(page.locator("#page-title")).to_have_text("Petra Neu")
    page.locator("#page-title").click()
    expect(page.locator("#around .live-note")).to_contain_text("Changed meanwhile")
    expect(page.get_by_label("Stage")).to_have_value("qualified")
    page.locator("#around .live-note button").click(delay=500)  # while the page looks again
    expect(page.locator("#around .live-note")).to_have_count(0)
    page.wait_for_timeout(QUIET)
    expect(page.locator("#around .live-note")).to_have_count(0)
    expect(page.get_by_label("Stage")).to_have_value("qualified")
    assert page.evaluate("document.activeElement !== document.body")


def test_a_deleted_record_is_said_to_be_gone(house, desk, guard):
    guard.expect(404)
    lead = house.lead("Petra Novak")
    page = desk(house.url(lead))
    keep_gone(lead, Kind.LEADS)
    expect(page.locator("#live")).to_contain_text("not there any more", timeout=WITHIN)
    expect(page.locator("#facts")).to_contain_text("Harbour Tools")


def says(house, text, sender="visitor"):
    """One more message in Lena's conversation, brought here as its webhook brings it."""
    house.sandbox.add_message("conv-lena", text, sender)
    refresh_conversation(house.conversation("conv-lena"))


def test_a_message_comes_to_the_open_thread(house, desk):
    page = desk(house.url(house.conversation("conv-mara")))
    composer = page.locator("#content")
    composer.fill("I was just about to say that")
    house.sandbox.incoming_message("conv-mara", "Are you still there?")
    house.sync()
    message = page.locator("#log article").last
    expect(message).to_contain_text("Are you still there?", timeout=WITHIN)
    expect(message).to_be_in_viewport()
    expect(page.locator("#say")).to_contain_text("New message from")
    expect(composer).to_have_value("I was just about to say that")
    expect(composer).to_be_focused()
    expect(page.locator(".live-end")).to_have_count(0)


def test_what_our_side_says_is_shown_but_not_announced(house, desk):
    refresh_conversation(house.conversation("conv-lena"))
    page = desk(house.url(house.conversation("conv-lena")))
    page.evaluate("document.querySelector('#say').textContent = ''")
    says(house, "A colleague answers", sender="agent")
    expect(page.locator("#log article").last).to_contain_text("A colleague", timeout=WITHIN)
    expect(page.locator("#say")).not_to_contain_text("New message")


def test_who_reads_further_up_stays_there(house, desk):
    for number in range(30):
        house.sandbox.add_message("conv-lena", f"Line {number} of a long story")
    refresh_conversation(house.conversation("conv-lena"))
    page = desk(house.url(house.conversation("conv-lena")))
    early = page.locator("#log article", has_text="Line 3 of")
    early.scroll_into_view_if_needed()
    place = early.bounding_box()["y"]
    says(house, "The end of it")
    jump = page.get_by_role("button", name="New message · Jump to latest")
    expect(jump).to_be_visible(timeout=WITHIN)
    assert abs(early.bounding_box()["y"] - place) < 2
    jump.click()
    expect(page.locator("#log article").last).to_be_in_viewport()
    expect(jump).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body")


def test_first_leads_come_to_an_empty_list(house, open_page, connect_to, synced):
    page = open_page(house.owner)
    open_live(page, "/w/empty/leads/")
    synced(connect_to("nexadesk", to=Workspace.objects.get(slug="empty")))
    expect(page.locator("#results td.name").first).to_be_visible(timeout=WITHIN)


def test_home_follows(house, desk):
    page = desk("/w/acme/")
    expect(page.locator("#today")).to_contain_text("71")
    house.sandbox.add_lead(visitor_name="Newcomer")
    house.sync()
    expect(page.locator("#today")).to_contain_text("72", timeout=WITHIN)


def test_a_lost_line_is_said_and_made_up_for(house, desk, guard):
    page = desk("/w/acme/leads/")
    page.locator("#q").focus()
    keep_spoken(page)
    guard.contexts.clear()  # a browser without a line says so on its console
    page.context.set_offline(True)
    bar = page.locator("#live")
    expect(bar).to_contain_text("Reconnecting…", timeout=WITHIN)
    expect(bar).to_contain_text("Offline: showing data of")
    house.sandbox.edit_lead("lead-petra", pipeline_stage="qualified")
    house.sandbox.add_lead(visitor_name="Newcomer")
    house.sync()
    expect(row(page, "Petra Novak")).to_contain_text("contacted")
    page.context.set_offline(False)
    expect(bar).to_be_hidden(timeout=WITHIN)
    expect_spoken(page, "Connected again. 2 changed meanwhile.")
    expect(row(page, "Petra Novak")).to_contain_text("qualified", timeout=WITHIN)
    expect(page.locator(".live-more a")).to_have_text("1 new or changed · Show")
    guard.found.clear()


def test_without_streams_the_page_asks_every_few_seconds(house, desk, guard, settings):
    guard.expect(503)
    settings.LIVE_STREAMS_PER_PROCESS = 0
    page = desk("/w/acme/leads/")
    house.sandbox.edit_lead("lead-petra", pipeline_stage="qualified")
    house.sync()
    expect(row(page, "Petra Novak")).to_contain_text("qualified")
    assert len(hub) == 0


def test_who_is_removed_hears_nothing_more(house, desk, guard, workspace):
    guard.expect(404)
    guest = make_member(workspace, "agent")
    page = desk("/w/acme/leads/", member=guest)
    assert len(hub) == 1
    seen = []
    page.on("request", lambda request: seen.append(request.url))
    with page.expect_response("**/live/?*"):
        guest.delete()
    assert len(hub) == 0
    house.sandbox.edit_lead("lead-petra", pipeline_stage="qualified")
    house.sync()
    page.wait_for_timeout(4_000)
    expect(row(page, "Petra Novak")).to_contain_text("contacted")
    assert len(seen) == 1  # it asked once why, was told, and asks no more
