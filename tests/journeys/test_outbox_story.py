"""Second thoughts: a reply is taken back, a conflict is decided, a failed change is mended."""

import re

import pytest
from playwright.sync_api import expect

from portal.jobs import outbox as jobs
from portal.models import Write
from portal.services.leads import refresh_lead
from portal.services.sending import send_due, send_one
from tests.journeys.conftest import PHONE
from tests.journeys.screens import fill_outbox
from tests.journeys.waiting import open_live
from tests.web.test_outbox import make

# With a stream a page asks by itself every 20 s only: what comes sooner, the stream brought.
WITHIN = 10_000


@pytest.fixture
def held(settings):
    """Replies can be taken back for as long as the slowest machine takes to do so."""
    settings.HOLD_SECONDS = 600


@pytest.fixture
def page(house, open_page):
    return open_page(house.owner)


def tab_to(page, name, most=60, key="Tab"):
    """As a person without a mouse: until the focus is there."""
    for _ in range(most):
        page.keyboard.press(key)
        if name in page.evaluate("document.activeElement.innerText ?? ''"):
            return
    raise AssertionError(f"no way to “{name}” by keyboard")


def sent(house):
    return [m["text"] for m in house.sandbox.dexra_messages("conv-mara")[1:]]


def test_a_reply_is_taken_back_and_sent_anew_by_keyboard(house, page, held):
    page.goto(house.url(house.conversation("conv-mara")))
    page.locator("#content").focus()
    page.keyboard.type("The wrong invoice.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".msg.out")).to_contain_text(re.compile(r"Sending in \d+ s\."))
    expect(page.locator("#content")).to_be_focused()
    expect(page.locator("#say")).to_contain_text("unless you take it back")
    page.keyboard.type("PS: sorry")

    tab_to(page, "Undo", key="Shift+Tab")
    page.keyboard.press("Enter")

    expect(page.locator("#content")).to_have_value("The wrong invoice.\n\nPS: sorry")
    expect(page.locator("#content")).to_be_focused()
    expect(page.locator(".msg.out")).to_have_count(0)
    page.keyboard.press("Control+A")
    page.keyboard.type("The right invoice.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".msg.out")).to_contain_text("The right invoice.")
    Write.objects.filter(status="queued").update(not_before=None)
    send_due()
    expect(page.locator(".msg.out")).to_contain_text("Sent from here")
    assert sent(house) == ["The right invoice."]


def test_z_takes_back_the_last_reply(house, page, held):
    page.goto(house.url(house.conversation("conv-mara")))
    page.locator("#content").fill("Too fast")
    page.locator("#send-reply").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.locator("#messages").focus()
    page.keyboard.press("z")
    expect(page.locator("#content")).to_have_value("Too fast")


# Each mark is shown for a second only: a machine that looks now and then may miss it.
KEEP_MARKS = """() => {
  window.marks = "";
  new MutationObserver(() => { marks += document.querySelector(".msg.out .st")?.innerText ?? "" })
    .observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_the_seconds_run_down_and_the_mark_changes_by_itself(house, page, settings):
    settings.HOLD_SECONDS = 3
    page.goto(house.url(house.conversation("conv-mara")))
    page.evaluate(KEEP_MARKS)
    page.locator("#content").fill("On its way")
    page.locator("#send-reply").dblclick()
    mark = page.locator(".msg.out .st")
    expect(mark).to_contain_text("Saved here, will be sent")
    assert "Sending in 1 s." in page.evaluate("marks")
    jobs.send_write.call(Write.objects.get().pk)
    expect(mark).to_contain_text("Sent from here")
    assert sent(house) == ["On its way"]


@pytest.mark.parametrize("size", [PHONE], ids=["phone"])
def test_without_javascript_a_reply_is_taken_back_too(house, open_page, held, size):
    page = open_page(house.owner, scripts=False, size=size)
    page.goto(house.url(house.conversation("conv-mara")))
    page.locator("#content").fill("Not yet")
    page.locator("#send-reply").click()
    page.locator("#content").fill("something more")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#content")).to_have_value("Not yet\n\nsomething more")
    assert sent(house) == []


def test_what_stands_in_the_field_again_is_not_left_without_a_question(house, page, held, guard):
    page.goto(house.url(house.conversation("conv-mara")))
    page.locator("#content").fill("Keep me")
    page.locator("#send-reply").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#content")).to_have_value("Keep me")
    guard.dialogs_allowed = True
    with page.expect_event("dialog") as asked:
        page.reload()
    assert asked.value.type == "beforeunload"


def test_a_changed_select_is_not_left_without_a_question(house, page, guard):
    page.goto(house.url(house.lead("Petra Novak")) + "edit/")
    page.get_by_label("Stage").select_option("lost")
    guard.dialogs_allowed = True
    with page.expect_event("dialog") as asked:
        page.get_by_role("link", name="Cancel").click()
    assert asked.value.type == "beforeunload"


def test_each_field_of_a_conflict_takes_one_press(house, page, guard):
    guard.expect(409)
    page.goto(house.url(house.lead("Petra Novak")) + "edit/")
    page.get_by_label("Stage").select_option("qualified")
    page.get_by_label("Expected amount").fill("3400")
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost", expected_billing_amount=900)
    page.keyboard.press("Enter")
    expect(page.locator(".conflict")).to_be_focused()

    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Stage", exact=False).and_(page.locator("select"))).to_have_value(
        "lost"
    )
    tab_to(page, "Save this choice")
    page.keyboard.press("Enter")

    expect(page.locator("#facts")).to_contain_text("3,400")
    lead = house.sandbox.lead("lead-petra")
    assert (lead["pipeline_stage"], lead["expected_billing_amount"]) == ("lost", 3400)


def test_what_changes_meanwhile_is_told_in_the_open_form(house, page):
    open_live(page, house.url(house.lead("Petra Novak")) + "edit/")
    page.get_by_label("Company").fill("Harbour Tools Ltd")

    house.sandbox.edit_lead("lead-petra", pipeline_stage="converted")
    refresh_lead(house.lead("Petra Novak"))

    told = page.locator("#meanwhile")
    expect(told).to_contain_text("Stage is now converted", timeout=WITHIN)
    expect(page.get_by_label("Company")).to_have_value("Harbour Tools Ltd")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#facts")).to_contain_text("Harbour Tools Ltd")
    lead = house.sandbox.lead("lead-petra")
    assert (lead["pipeline_stage"], lead["visitor_company"]) == ("converted", "Harbour Tools Ltd")


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without-javascript"])
def test_what_failed_is_found_mended_and_gone(house, open_page, scripts):
    make(
        house.nexadesk,
        "refused",
        row=house.lead("Petra Novak"),
        said="Invalid e-mail",
        changes={"visitor_email": "petra-at-harbour"},
        before={"visitor_email": "petra@harbour.example"},
    )
    page = open_page(house.owner, scripts=scripts)
    page.goto("/w/acme/")
    page.locator(".side-outbox").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Waiting and failed")
    expect(page.locator("#outbox")).to_contain_text("Invalid e-mail")
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Email")).to_have_value("petra-at-harbour")
    page.get_by_label("Email").fill("petra@tools.example")
    page.get_by_role("button", name="Save and send").click()
    expect(page.locator("#outbox")).to_contain_text("Nothing waits, nothing failed")
    expect(page.locator(".side-outbox")).to_have_count(0)
    assert house.sandbox.lead("lead-petra")["visitor_email"] == "petra@tools.example"


def test_an_open_page_follows_what_becomes_of_it(house, page):
    made = fill_outbox(house)
    house.workspace.refresh_from_db()
    open_live(page, "/w/acme/outbox/")
    expect(page.locator("#group-waiting")).to_be_visible()

    from portal.services import decisions

    decisions.discard(made["queued"], actor=house.owner)

    expect(page.locator("#group-waiting")).to_have_count(0, timeout=WITHIN)
    expect(page.locator(".side-outbox .count")).to_contain_text("4", timeout=WITHIN)


def test_a_list_says_what_it_cannot_show_yet_until_it_can(house, page):
    values = {"actor": house.owner, "changes": {"visitor_name": "Ada"}}
    waits = make(house.nexadesk, "queued", action="lead.create", **values)
    open_live(page, "/w/acme/leads/")
    unsent = page.locator("#unsent")
    expect(unsent).to_contain_text("One new record is saved here and not in its service yet.")

    send_one(waits.pk)

    expect(unsent).to_be_empty(timeout=8_000)
    assert house.lead("Ada")
