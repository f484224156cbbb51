"""The way back in a browser: the toast, the key Z, and neither where somebody types."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.waiting import settled


@pytest.fixture
def page(house, open_page):
    return open_page(house.owner)


def stage_of(house):
    return house.sandbox.lead("lead-petra")["pipeline_stage"]


def set_stage(page, word):
    page.locator("#quick-form select").select_option(word)
    page.locator("#quick-save").click()
    expect(page.locator(".toast")).to_contain_text("Saved")


def open_petra(page, house):
    page.goto(house.url(house.lead("Petra Novak")))
    settled(page)


def test_a_toast_takes_the_change_back_and_stays_on_the_page(page, house):
    before = stage_of(house)
    open_petra(page, house)
    there = page.url
    set_stage(page, "lost")

    page.locator(".toast").get_by_role("button", name="Undo").click()

    expect(page.locator(".messages")).to_contain_text("Undone: “Petra Novak”")
    assert page.url == there
    assert stage_of(house) == before


def test_z_takes_the_last_change_of_the_tab_back_and_then_the_one_before(page, house):
    before = stage_of(house)
    open_petra(page, house)
    set_stage(page, "lost")
    page.reload()
    set_stage(page, "converted")
    page.goto("/w/acme/contacts/")
    page.keyboard.press("?")
    expect(page.locator("#keys-list")).to_contain_text("Undo your last change")
    page.keyboard.press("Escape")

    page.keyboard.press("z")
    expect(page.locator(".messages")).to_contain_text("Undone")
    expect(page).to_have_url(re.compile(r"/contacts/$"))
    assert stage_of(house) == "lost"
    settled(page)

    with page.expect_navigation():
        page.keyboard.press("z")
    expect(page.locator(".messages")).to_contain_text("Undone")
    page.wait_for_function("JSON.parse(sessionStorage.getItem('undo:/w/acme')).length === 0")
    settled(page)
    assert stage_of(house) == before

    sent = len(house.writes)
    page.keyboard.press("z")
    page.wait_for_timeout(300)
    assert len(house.writes) == sent, "there is nothing left to undo"


def test_z_rests_while_somebody_types_and_when_keys_are_off(page, house):
    open_petra(page, house)
    set_stage(page, "lost")
    page.goto("/w/acme/leads/")
    page.locator("#q").press("z")
    page.wait_for_timeout(300)
    assert stage_of(house) == "lost"

    page.locator("h1").click()
    page.evaluate("document.documentElement.dataset.keys = 'off'")
    page.keyboard.press("z")
    page.wait_for_timeout(300)
    assert stage_of(house) == "lost"


def test_what_is_lost_by_it_is_said_before_z_does_it(page, house):
    page.goto(house.url(house.lead("Petra Novak")) + "delete/")
    page.locator("button.danger").click()
    expect(page.locator(".messages")).to_contain_text("Deleted")
    settled(page)

    page.keyboard.press("z")

    expect(page.locator(".undo")).to_contain_text("It is made again with a new id")
    page.locator("#do-undo").click()
    expect(page.locator("h1")).to_have_text("Petra Novak")


def test_all_of_it_works_without_scripts(house, open_page):
    page = open_page(house.owner, scripts=False)
    before = stage_of(house)
    page.goto(house.url(house.lead("Petra Novak")))
    page.locator("#quick-form select").select_option("lost")
    page.locator("#quick-save").click()
    page.locator(".messages").get_by_role("button", name="Undo").click()
    expect(page.locator(".messages")).to_contain_text("Undone")
    assert stage_of(house) == before

    page.goto("/w/acme/audit/")
    page.locator(".log-line").first.get_by_role("link", name="Redo").click()
    page.locator("#do-undo").click()
    expect(page.locator(".messages")).to_contain_text("Redone")
    assert stage_of(house) == "lost"
