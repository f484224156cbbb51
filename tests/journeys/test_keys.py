"""What the keys do, and that they rest while somebody types."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect


@pytest.fixture
def page(house, open_page):
    return open_page(house.owner)


def row(page):
    return page.evaluate("document.activeElement.closest('tr, .conv-row')?.innerText.trim() ?? ''")


def test_slash_goes_to_the_search_and_escape_clears_it(page):
    page.goto("/w/acme/leads/")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    assert page.locator("#q").input_value() == ""
    page.keyboard.type("jk?/")
    expect(page.locator("#q")).to_have_value("jk?/")
    expect(page.locator("#keys")).not_to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(page.locator("#q")).to_have_value("")


@pytest.mark.parametrize("kind", ["leads", "contacts", "conversations"])
def test_j_and_k_walk_the_rows_and_enter_opens(kind, page):
    page.goto(f"/w/acme/{kind}/")
    page.keyboard.press("j")
    first = row(page)
    page.keyboard.press("j")
    assert row(page) != first
    page.keyboard.press("k")
    assert row(page) == first != ""
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/{kind}/\d+/"))


def test_question_mark_lists_the_keys_and_escape_gives_the_focus_back(page):
    page.goto("/w/acme/leads/")
    page.keyboard.press("j")
    first = row(page)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    for words in ("Next, previous row", "Search this list", "New lead", "Filter"):
        expect(page.locator("#keys-list")).to_contain_text(words)
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()
    assert row(page) == first


@pytest.mark.parametrize(
    ("letter", "path"), [("i", "conversations/"), ("l", "leads/"), ("c", "contacts/"), ("h", "")]
)
def test_g_then_a_letter_goes_there(letter, path, page):
    page.clock.set_fixed_time(datetime.now(UTC))  # the letter counts for a moment only
    page.goto("/w/acme/settings/connections/")
    page.keyboard.press("g")
    page.keyboard.press(letter)
    expect(page).to_have_url(re.compile(rf"/w/acme/{path}$"))


def test_c_makes_and_f_filters(page):
    page.goto("/w/acme/leads/")
    page.keyboard.press("f")
    expect(page.locator("#filters")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#filters")).not_to_be_visible()
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile("/leads/new/$"))


def test_r_and_n_choose_who_reads_and_keep_the_text(page, house):
    page.goto(house.url(house.conversation("conv-mara")))
    page.keyboard.press("n")
    expect(page.locator("#content")).to_be_focused()
    expect(page.locator("#send-note")).to_be_visible()
    page.keyboard.type("rnre")
    expect(page.locator("#content")).to_have_value("rnre")
    page.locator("#content").blur()
    page.keyboard.press("r")
    expect(page.locator("#send-reply")).to_be_visible()
    expect(page.locator("#content")).to_have_value("rnre")
    assert house.writes == []
    page.locator("#content").fill("")
