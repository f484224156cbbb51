"""Many leads at once, as people do it: by mouse, by keyboard, over pages, without a script."""

import pytest
from playwright.sync_api import expect

from portal.models import Batch
from portal.services import batches
from tests.journeys.waiting import selecting_works, settled


def chosen(page):
    return page.locator("#bulk-count").inner_text()


def test_a_range_a_page_and_the_rest_are_selected(house, open_page):
    page = open_page(house.owner)
    page.goto("/w/acme/leads/?per=25")
    selecting_works(page)
    boxes, bar = page.locator("td.sel input"), page.locator("#bulk")
    assert not bar.is_visible()
    boxes.nth(2).click()
    boxes.nth(5).click(modifiers=["Shift"])
    assert chosen(page) == "4 selected"
    assert page.locator("#pick-page").evaluate("box => box.indeterminate")

    page.locator("#pick-page").check()
    assert chosen(page) == "25 selected"
    assert boxes.nth(24).is_checked()

    # The selection stays over pages and sorting.
    page.locator("#page-next").click()
    page.wait_for_url("**after=**")
    settled(page)
    assert chosen(page) == "25 selected"
    assert not boxes.nth(0).is_checked()
    boxes.nth(0).check()
    page.locator("#sort-name").click()
    page.wait_for_url("**sort=name**")
    settled(page)
    assert chosen(page) == "26 selected"
    page.reload()
    selecting_works(page)
    assert chosen(page) == "26 selected"

    page.locator("#bulk-stage").click()
    page.locator("#bulk-stage-value").select_option("lost")
    page.get_by_role("button", name="Set stage").click()
    page.locator("#start").wait_for()
    assert Batch.objects.get().total == 26

    # And is given away with the form.
    page.goto("/w/acme/leads/")
    selecting_works(page)
    assert not bar.is_visible()


@pytest.mark.parametrize("table", ["leads", "contacts"])
def test_a_box_says_whom_it_selects(table, house, open_page):
    page = open_page(house.owner)
    page.goto(f"/w/acme/{table}/")
    names = page.locator("td.name a").all_inner_texts()
    assert names
    boxes = page.locator("td.sel input")
    for i, name in enumerate(names[:5]):
        expect(boxes.nth(i)).to_have_accessible_name(f"Select {name}")


def test_the_selection_ends_with_the_filter_and_says_so(house, open_page):
    page = open_page(house.owner)
    page.goto("/w/acme/leads/")
    selecting_works(page)
    page.locator("td.sel input").nth(0).check()
    page.locator("#q").fill("novak")
    page.wait_for_url("**q=novak**")
    page.get_by_text("The filter changed: the selection was given up.").first.wait_for()
    assert not page.locator("#bulk").is_visible()
    assert page.locator("td.sel input:checked").count() == 0


def test_by_keyboard_alone(house, open_page):
    page = open_page(house.owner)
    page.goto("/w/acme/leads/")
    selecting_works(page)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    assert chosen(page) == "3 selected"
    page.locator("#bulk-tag-add").focus()
    page.keyboard.press("Enter")
    page.locator("#bulk-tag-add-value").fill("vip")
    page.keyboard.press("Enter")
    page.locator("#start").wait_for()
    page.go_back()
    expect(page.locator("#bulk-count")).to_have_text("3 selected")
    page.keyboard.press("Escape")
    assert page.locator("td.sel input:checked").count() == 0


@pytest.mark.parametrize("slow", [False, True], ids=["at once", "while answers are slow"])
def test_the_page_follows_the_batch_until_it_ends(slow, house, open_page):
    def late(route):
        page.wait_for_timeout(2_500)  # the page asks every 2 s
        route.continue_()

    page = open_page(house.owner)
    page.goto("/w/acme/leads/")
    for number in range(3):
        page.locator("td.sel input").nth(number).check()
    page.locator("#bulk-tag-add").click()
    page.locator("#bulk-tag-add-value").fill("vip")
    page.locator("#bulk-tag-add-menu button").click()
    page.locator("#start").click()
    page.get_by_text("0 of 3 tried").wait_for()
    if slow:
        page.route("**/batches/*/", late)
    batches.run(Batch.objects.get().pk)

    page.get_by_text("3 of 3 tried").wait_for()
    page.locator("#undo").wait_for()
    expect(page.locator(".toast")).to_contain_text("3 changed")
    assert page.locator("#batch-poll").count() == 0
    with_polls = len(asked(page))
    page.wait_for_timeout(3_500)
    assert len(asked(page)) == with_polls

    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#undoing")).to_contain_text("3 records are set back")


def asked(page):
    return page.evaluate(
        "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/batches/'))"
    )


def test_without_a_script_it_goes_the_same_way(house, open_page):
    page = open_page(house.owner, scripts=False)
    page.goto("/w/acme/leads/?stage=new")
    matching = page.locator("td.sel input").count()
    assert not page.locator("#bulk").is_visible()
    page.locator("td.sel input").nth(0).check()
    page.locator("input[name=all]").check()
    page.locator("#bulk-tag-add").click()
    page.locator("#bulk-tag-add-value").fill("vip")
    page.locator("#bulk-tag-add-menu button").click()
    page.locator("#start").click()
    page.locator("#pause").wait_for()
    assert Batch.objects.get().total == matching
    batches.run(Batch.objects.get().pk)
    page.reload()
    page.locator("#undo").click()
    page.get_by_role("button", name="Take back").click()
    batches.run(Batch.objects.get(kind="undo").pk)
    assert not any("vip" in lead["tags"] for lead in house.sandbox.leads)
