"""The focus is never lost, Back takes back one step, an address gives the same screen."""

import re

import pytest
from playwright.sync_api import expect

from portal.sandbox import Fault
from tests.journeys.waiting import settled

ROWS = ".t td.name a, .conv-row"
FOCUS = "() => document.activeElement?.id || document.activeElement?.tagName"


def focus(page):
    settled(page)
    return page.evaluate(FOCUS)


def rows(page):
    return page.locator(ROWS).all_inner_texts()


@pytest.fixture
def page(house, open_page):
    return open_page(house.owner)


@pytest.mark.parametrize("kind", ["leads", "contacts"])
def test_sorting_keeps_the_focus_on_the_column(kind, page):
    page.goto(f"/w/acme/{kind}/")
    page.locator("#sort-name").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=name$"))
    assert focus(page) == "sort-name"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=-name$"))
    assert focus(page) == "sort-name"
    assert page.locator("th[aria-sort=descending]").count() == 1


@pytest.mark.parametrize("kind", ["leads", "contacts"])
def test_paging_keeps_the_focus_in_the_pager(kind, page):
    page.goto(f"/w/acme/{kind}/?per=25")
    first = rows(page)
    page.locator("#page-next").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("after="))
    assert focus(page) == "page-next"
    assert not set(first) & set(rows(page))
    page.go_back()
    expect(page).not_to_have_url(re.compile("after="))
    expect(page.locator(ROWS)).to_have_text(first)


def test_filtering_and_removing_a_chip_keep_the_focus(page):
    page.goto("/w/acme/leads/")
    page.locator("#filter-button").click()
    page.locator("#filters").get_by_role("checkbox", name="new").check()
    page.locator("#filters").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("stage=new$"))
    assert focus(page) not in ("BODY", None)
    page.locator("#list-state .chip a").click()
    expect(page).to_have_url(re.compile("/leads/$"))
    assert focus(page) not in ("BODY", None)


def test_back_undoes_the_last_filter(page):
    page.goto("/w/acme/leads/")
    everything = rows(page)
    page.locator("#filter-button").click()
    page.locator("#filters").get_by_role("checkbox", name="contacted").check()
    page.locator("#filters").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("stage=contacted$"))
    page.locator("#sort-name").click()
    expect(page).to_have_url(re.compile("stage=contacted&sort=name$"))
    page.go_back()
    expect(page).to_have_url(re.compile("stage=contacted$"))
    expect(page.locator("#list-state .chip")).to_have_count(1)
    page.go_back()
    expect(page).to_have_url(re.compile("/leads/$"))
    expect(page.locator("#list-state .chip")).to_have_count(0)
    expect(page.locator(ROWS)).to_have_text(everything)


def test_an_address_gives_the_same_screen_in_a_new_tab(page, house):
    page.goto("/w/acme/leads/?per=25")
    page.locator("#q").fill("e")
    page.locator("#q").press("Enter")
    settled(page)
    page.locator("#sort-company").click()
    expect(page).to_have_url(re.compile("sort=company"))
    page.locator("#page-next").click()
    expect(page).to_have_url(re.compile("after="))
    settled(page)
    other = page.context.new_page()
    other.goto(page.url)
    assert rows(other) == rows(page) != []
    assert other.locator("#results").inner_text() == page.locator("#results").inner_text()
    assert other.locator("#list-state").inner_text() == page.locator("#list-state").inner_text()


@pytest.mark.parametrize("slow", [False, True], ids=["at once", "while answers are slow"])
@pytest.mark.parametrize("by", ["Enter", "typing", "typing, after a while"])
def test_a_quick_hand_loses_neither_its_words_nor_its_click(by, slow, page):
    def late(route):
        page.wait_for_timeout(300 if slow else 0)
        route.continue_()

    page.goto("/w/acme/leads/?per=25")
    page.route("**/leads/?*", late)
    page.locator("#q").fill("e")
    if by == "Enter":
        page.locator("#q").press("Enter")
    elif by != "typing":
        page.wait_for_timeout(260)
    page.locator("#sort-company").dispatch_event("click")
    expect(page).to_have_url(re.compile("q=e.*sort=company"))
    page.wait_for_timeout(350)
    settled(page)
    expect(page).to_have_url(re.compile("q=e.*sort=company"))
    expect(page.locator("#results table caption")).to_contain_text("sorted by Company")


@pytest.mark.parametrize("kind", ["leads", "contacts", "conversations"])
def test_typing_keeps_the_caret_and_piles_up_no_history(kind, page):
    page.goto("/w/acme/")
    page.goto(f"/w/acme/{kind}/")
    before = page.evaluate("history.length")
    page.locator("#q").click()
    page.keyboard.type("no", delay=30)
    page.wait_for_timeout(400)
    page.keyboard.type("va", delay=30)
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"\?q=nova$"))
    assert focus(page) == "q"
    assert page.locator("#q").input_value() == "nova"
    assert page.evaluate("document.activeElement.selectionStart") == 3
    assert page.evaluate("history.length") == before
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(rf"/{kind}/$"))
    assert page.locator("#q").input_value() == ""


def test_search_results_are_said_once(page):
    page.goto("/w/acme/leads/")
    page.locator("#q").fill("petra")
    expect(page.locator("#say")).to_have_text(re.compile(r"^\d+ leads?$"))


def test_a_refused_form_puts_the_focus_on_what_is_wrong(page, guard):
    guard.expect(422)
    page.goto("/w/acme/leads/new/")
    page.get_by_role("button", name="Make lead").click()
    expect(page.locator(".summary")).to_be_focused()
    page.locator(".summary a").first.click()
    expect(page.get_by_label("Name")).to_be_focused()


def test_a_conflict_takes_the_focus_and_keeps_what_was_typed(page, house, guard):
    guard.expect(409)
    page.goto(house.url(house.lead("Petra Novak")) + "edit/")
    page.get_by_label("Stage").select_option("qualified")
    page.get_by_label("Company").fill("Harbour Tools Ltd")
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".conflict")).to_be_focused()
    expect(page.locator(".conflict")).to_contain_text("lost")
    expect(page.get_by_label("Company")).to_have_value("Harbour Tools Ltd")
    assert house.writes == []
    page.get_by_role("button", name="Save this choice").click()
    expect(page.locator("#facts")).to_contain_text("Harbour Tools Ltd")
    assert house.sandbox.lead("lead-petra")["pipeline_stage"] == "qualified"
    assert focus(page) is not None


def test_saving_on_the_card_keeps_the_focus(page, house):
    page.goto(house.url(house.lead("Petra Novak")))
    page.get_by_label("Stage").select_option("qualified")
    page.locator("#quick-form").get_by_role("button", name="Save").click()
    expect(page.locator("#facts")).to_contain_text("qualified")
    assert focus(page) not in ("BODY", None)


def test_opening_a_conversation_keeps_list_focus_and_back(page, house):
    page.goto("/w/acme/conversations/")
    lena = page.locator(".conv-row", has_text="Lena Quay")
    lena.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#thread-title")).to_have_text("Lena Quay")
    expect(page.locator("#log article")).to_have_count(4)
    assert focus(page) not in ("BODY", None)
    expect(lena).to_have_attribute("aria-current", "true")
    page.locator(".conv-row", has_text="Receipt 1042").click()
    expect(page.locator("#thread-title")).to_have_text("Receipt 1042")
    expect(page.locator(".conv-row[aria-current=true]")).to_have_count(1)
    page.go_back()
    expect(page.locator("#thread-title")).to_have_text("Lena Quay")
    page.go_back()
    expect(page.locator("#thread-title")).to_have_count(0)


def test_sending_leaves_the_focus_where_one_writes(page, house):
    page.goto(house.url(house.conversation("conv-mara")))
    page.locator("#content").fill("Here it is.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".msg.out")).to_be_visible()
    expect(page.locator("#content")).to_be_focused()
    expect(page.locator("#content")).to_have_value("")


def test_an_archived_conversation_keeps_the_focus(page, house):
    page.goto(house.url(house.conversation("conv-lena")))
    page.locator("#status-quick").click()
    expect(page.locator("#status-button")).to_contain_text("archived")
    assert focus(page) not in ("BODY", None)


def test_a_late_answer_never_touches_what_is_being_typed(page, house):
    house.sandbox.fault("nexadesk", "GET", "/conversations", Fault.delay(1.5))
    page.goto(house.url(house.lead("Petra Novak")) + "edit/")
    page.get_by_label("Company").fill("Half a na")
    page.wait_for_timeout(200)
    expect(page.get_by_label("Company")).to_have_value("Half a na")
    expect(page.get_by_label("Company")).to_be_focused()
    page.get_by_label("Company").fill("Harbour Tools")


def test_a_note_being_typed_outlives_the_fresh_copy(page, house):
    house.sandbox.fault("dexra", "GET", "/conversations", Fault.delay(1.0))
    page.goto(house.url(house.conversation("conv-mara")))
    page.locator("#content").click()
    page.keyboard.type("Do not lose th")
    house.sandbox.requests.wait_for("GET /conversations")
    settled(page)
    expect(page.locator("#content")).to_have_value("Do not lose th")
    expect(page.locator("#content")).to_be_focused()
    page.locator("#content").fill("")
