"""The board in a browser: cards are dragged and moved by keys, and go back where they must."""

import pytest
from playwright.sync_api import expect

from portal.live.stream import hub
from portal.models import Lead
from portal.sandbox import Fault
from tests.journeys.waiting import settled

BOARD = "/w/acme/leads/board/"
CONNECTED = 1_500  # a page opens its stream a second after it was loaded


@pytest.fixture(autouse=True)
def _no_stream_is_left():
    yield
    hub.end_all()


@pytest.fixture
def page(house, open_page):
    page = open_page(house.owner)
    page.goto(BOARD)
    settled(page)
    return page


def column(page, stage):
    return page.locator(f".stage[data-stage={stage}]")


def card(page, name="Petra Novak"):
    return page.locator(".deal", has=page.get_by_role("link", name=name, exact=True))


def petra_is_in(page, stage):
    expect(column(page, stage).locator(".deal", has_text="Petra Novak")).to_be_visible()
    expect(page.locator(".deal.moving")).to_have_count(0)


def stage_of(house):
    return house.sandbox.lead("lead-petra")["pipeline_stage"]


def number(page, stage):
    return int(column(page, stage).locator(".stage-head .num").first.inner_text().split()[0])


def keep_places(page, name):
    """All columns in which this card is seen from now on, whenever a frame is drawn."""
    page.evaluate(
        """(name) => {
          const places = window.places = [];
          const look = () => {
            for (const card of document.querySelectorAll(".deal")) {
              const { stage } = card.closest(".stage").dataset;
              if (card.textContent.includes(name) && !places.includes(stage)) places.push(stage);
            }
            requestAnimationFrame(look);
          };
          look();
        }""",
        name,
    )


def test_a_card_is_dragged_to_another_column_and_taken_back(page, house):
    before = number(page, "qualified")
    card(page).drag_to(column(page, "qualified").locator(".cards"))

    expect(page.locator(".toast")).to_contain_text("“Petra Novak” moved to qualified")
    petra_is_in(page, "qualified")
    assert stage_of(house) == "qualified"
    assert number(page, "qualified") == before + 1

    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".messages")).to_contain_text("Undone")
    petra_is_in(page, "contacted")
    assert stage_of(house) == "contacted"


def test_it_stands_there_at_once_and_goes_back_with_the_reason(page, house, guard):
    guard.expect(422)
    said = '{"success": false, "error": "Leads rest on Sundays"}'
    house.sandbox.fault("nexadesk", "PATCH", "/leads", Fault.status(400, text=said))
    house.sandbox.fault("nexadesk", "GET", "/leads", Fault.delay(1.0))

    card(page).drag_to(column(page, "qualified").locator(".cards"))

    expect(column(page, "qualified").locator(".deal.moving")).to_contain_text("Petra Novak")
    dialog = page.locator("#move")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Leads rest on Sundays")
    petra_is_in(page, "contacted")
    assert stage_of(house) == "contacted"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_what_somebody_else_moved_meanwhile_is_chosen_in_the_dialog(page, house, guard):
    guard.expect(409)
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost")

    card(page).drag_to(column(page, "qualified").locator(".cards"))

    versions = page.locator("#move .conflict")
    expect(versions).to_contain_text("changed elsewhere")
    assert stage_of(house) == "lost"
    versions.get_by_label("Mine").check()
    page.locator("#save-choice").click()

    expect(page.locator("#move")).to_be_hidden()
    petra_is_in(page, "qualified")
    assert stage_of(house) == "qualified"


def test_a_board_that_heard_of_nothing_asks_before_it_overwrites(house, open_page, guard):
    guard.expect(409)
    page = open_page(house.owner)
    page.goto(BOARD)
    page.evaluate("dispatchEvent(new Event('pagehide'))")  # it is not told of anything any more
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost")
    house.sync()

    card(page).drag_to(column(page, "qualified").locator(".cards"))

    versions = page.locator("#move .conflict")
    expect(versions).to_contain_text("changed elsewhere")
    versions.get_by_label("Theirs").check()
    page.locator("#save-choice").click()
    expect(page.locator("#move")).to_be_hidden()
    petra_is_in(page, "lost")
    assert stage_of(house) == "lost"


def test_a_dead_line_puts_the_card_back(page, house, guard):
    page.context.set_offline(True)
    card(page).drag_to(column(page, "qualified").locator(".cards"))

    expect(page.locator("#toasts")).to_contain_text("cannot be reached")
    petra_is_in(page, "contacted")
    page.context.set_offline(False)
    offline = ("Failed to fetch", "ERR_INTERNET_DISCONNECTED")
    settled(page)
    guard.found = [line for line in guard.found if not any(word in line for word in offline)]
    assert stage_of(house) == "contacted"


def test_two_cards_on_their_way_both_stay_where_they_were_put(page, house):
    house.sandbox.add_lead(id="lead-ida", visitor_name="Ida Slow", pipeline_stage="contacted")
    house.sync()
    page.reload()
    settled(page)
    house.sandbox.fault("nexadesk", "GET", "/leads", Fault.delay(5))
    card(page, "Ida Slow").drag_to(column(page, "new").locator(".cards"))
    expect(column(page, "new").locator(".deal", has_text="Ida Slow")).to_be_visible()
    keep_places(page, "Ida Slow")
    card(page).drag_to(column(page, "qualified").locator(".cards"))

    petra = column(page, "qualified").locator(".deal:not(.moving)", has_text="Petra Novak")
    expect(petra).to_be_visible()
    expect(page.locator(".deal.moving")).to_have_count(0)
    expect(column(page, "new").locator(".deal", has_text="Ida Slow")).to_be_visible()
    assert page.evaluate("window.places") == ["new"], "the answer about Petra took Ida back"
    assert house.sandbox.lead("lead-ida")["pipeline_stage"] == "new"
    assert stage_of(house) == "qualified"


def test_news_of_a_column_wait_while_a_card_is_on_its_way(house, open_page):
    page = open_page(house.owner)
    page.goto(BOARD)
    settled(page)
    page.wait_for_timeout(CONNECTED)
    house.sandbox.fault("nexadesk", "PATCH", "/leads", Fault.delay(4))
    card(page).locator(".deal-name").focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".deal.moving")).to_be_visible()

    house.sandbox.add_lead(id="lead-ida", visitor_name="Ida New", pipeline_stage="contacted")
    with page.expect_response(lambda answer: "x-live" in answer.request.headers):
        house.sync()

    expect(page.locator(".deal.moving")).to_have_count(1)
    expect(page.locator(".deal", has_text="Petra Novak")).to_have_count(1)
    petra_is_in(page, "converted")
    expect(page.locator(".deal", has_text="Petra Novak")).to_have_count(1)
    expect(column(page, "contacted").locator(".deal", has_text="Ida New")).to_be_visible()
    assert stage_of(house) == "converted"


def test_keys_go_along_the_columns_and_take_a_card_along(page, house):
    card(page).locator(".deal-name").focus()
    page.keyboard.press("Shift+ArrowRight")
    petra_is_in(page, "converted")
    assert stage_of(house) == "converted"
    expect(card(page).locator(".deal-name")).to_be_focused()
    expect(page.locator("#toast-polite")).to_contain_text("moved to converted")

    page.keyboard.press("Shift+ArrowLeft")
    petra_is_in(page, "contacted")
    expect(card(page).locator(".deal-name")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(column(page, "assigned").locator(".deal-name:focus")).to_have_count(1)

    card(page).locator(".deal-name").focus()
    page.keyboard.press("m")
    page.locator("#move select").select_option("lost")
    page.locator("#move-save").press("Enter")
    petra_is_in(page, "lost")
    assert stage_of(house) == "lost"
    page.keyboard.press("?")
    expect(page.locator("#keys-list")).to_contain_text("Move one column to the right")


def test_without_a_script_the_cards_menu_is_a_page(house, open_page):
    page = open_page(house.owner, scripts=False)
    page.goto(BOARD + "?q=petra")
    page.get_by_role("link", name="Move Petra Novak").click()
    page.locator("select").select_option("lost")
    page.get_by_role("button", name="Move", exact=True).click()

    expect(page.locator(".messages")).to_contain_text("“Petra Novak” moved to lost")
    petra_is_in(page, "lost")
    assert page.url.endswith("/leads/board/?q=petra")


def test_what_a_colleague_moves_comes_to_the_open_board(house, open_page):
    page = open_page(house.owner)
    page.goto(BOARD)
    page.mouse.move(1, 1)
    page.wait_for_timeout(CONNECTED)
    before = number(page, "lost")

    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost")
    house.sync()

    petra_is_in(page, "lost")
    expect(column(page, "lost").locator(".stage-head .num").first).to_contain_text(str(before + 1))
    expect(column(page, "contacted").locator(".deal", has_text="Petra Novak")).to_have_count(0)


def test_a_stage_nobody_had_yet_gets_its_column_on_the_open_board(house, open_page):
    page = open_page(house.owner)
    page.goto(BOARD)
    page.mouse.move(1, 1)
    page.wait_for_timeout(CONNECTED)
    before = page.locator(".stage").count()

    house.sandbox.edit_lead("lead-petra", pipeline_stage="on trial")
    house.sync()

    booked = page.locator(".stage[data-stage='on trial']")
    expect(booked.locator(".deal", has_text="Petra Novak")).to_be_visible()
    expect(column(page, "contacted").locator(".deal", has_text="Petra Novak")).to_have_count(0)
    expect(page.locator(".stage")).to_have_count(before + 1)
    stages = [part.get_attribute("data-stage") for part in page.locator(".stage").all()]
    page.reload()
    assert stages == [part.get_attribute("data-stage") for part in page.locator(".stage").all()]


def test_nothing_moves_under_the_pointer(house, open_page):
    page = open_page(house.owner)
    page.goto(BOARD)
    card(page).hover()
    page.wait_for_timeout(CONNECTED)
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost")
    house.sync()

    note = column(page, "contacted").locator(".live-note")
    expect(note).to_contain_text("Show")
    expect(column(page, "contacted").locator(".deal", has_text="Petra Novak")).to_be_visible()
    note.get_by_role("button").click()
    expect(column(page, "contacted").locator(".deal", has_text="Petra Novak")).to_have_count(0)
    assert Lead.objects.get(name="Petra Novak").stage == "lost"


def test_the_search_narrows_the_board_in_place(page, house):
    page.locator("#q").fill("petra")
    expect(page.locator(".deal")).to_have_count(1)
    expect(page.locator("#results [data-announce]")).to_have_text("1 leads")
    assert page.url.endswith("?q=petra")
    page.get_by_role("link", name="Table", exact=True).click()
    expect(page.locator("#results td.name")).to_have_count(1)
    page.get_by_role("link", name="Board", exact=True).click()
    expect(page.locator(".deal")).to_have_count(1)
