"""On a phone: one pane at a time, everything in reach of a thumb."""

import re

import pytest
from playwright.sync_api import expect

from portal.sandbox import Fault
from tests.journeys.conftest import PHONE


@pytest.fixture
def page(house, open_page):
    return open_page(house.owner, size=PHONE)


def within(page, locator):
    """Whether all of it can be seen without scrolling."""
    box, (width, height) = locator.bounding_box(), PHONE
    return (
        box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= width
        and box["y"] + box["height"] <= height
    )


def test_the_menu_leads_everywhere(page):
    page.goto("/w/acme/")
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("link", name="Leads", exact=True).click()
    expect(page).to_have_url(re.compile("/leads/$"))


@pytest.mark.parametrize("query", ["", "?stage=new&tag=retail&source=widget"])
def test_the_filters_open_in_sight_however_many_chips_there_are(query, page):
    page.goto(f"/w/acme/leads/{query}")
    assert within(page, page.locator("#filter-button"))
    page.locator("#filter-button").click()
    assert within(page, page.locator("#filters"))
    assert within(page, page.locator("#filters").get_by_role("button", name="Apply"))
    page.locator("#filters").get_by_role("checkbox", name="contacted").check()
    page.locator("#filters").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("stage=contacted"))


def test_list_thread_and_details_take_turns(page, house):
    house.sandbox.fault("nexadesk", "GET", "/conversations", Fault.delay(0.6))
    page.goto("/w/acme/conversations/?state=open")
    page.locator(".conv-row", has_text="Lena Quay").click()
    expect(page.locator("#thread-title")).to_be_visible()
    expect(page.locator(".conv-row").first).to_be_hidden()
    page.locator("#show-details").click()
    expect(page.locator("#info")).to_be_visible()
    expect(page.locator("#thread-title")).to_be_hidden()
    house.sandbox.requests.wait_for("GET /conversations")
    expect(page.locator("#log article")).to_have_count(4)
    expect(page.locator("#info")).to_be_visible()
    page.locator("#info a.back").click()
    expect(page.locator("#thread-title")).to_be_visible()
    page.locator("a.back.only-s").click()
    expect(page).to_have_url(re.compile(r"/conversations/\?state=open$"))
    expect(page.locator(".conv-row").first).to_be_visible()
