"""The whole story a person lives in the portal, told once with and once without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import PASSWORD
from tests.journeys.waiting import sent


def sign_in(page, house):
    page.goto("/w/acme/leads/")
    page.get_by_label("E-mail").fill(house.owner.user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/w/acme/leads/$"))


def filter_by_stage(page, stage):
    page.locator("#filter-button").click()
    page.locator("#filters").get_by_role("checkbox", name=stage).check()
    page.locator("#filters").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(rf"\?stage={stage}$"))
    expect(page.get_by_role("link", name="Remove filter: Stage")).to_be_visible()


def change_stage_and_amount(page, house):
    page.get_by_role("link", name="Petra Novak").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Stage").select_option("qualified")
    page.get_by_label("Expected amount").fill("3,400.50")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved", exact=True).first).to_be_visible()
    expect(page.locator("#facts")).to_contain_text("qualified")

    lead = house.sandbox.lead("lead-petra")
    assert (lead["pipeline_stage"], lead["expected_billing_amount"]) == ("qualified", 3400.5)
    assert [r.body for r in house.writes] == [
        {"pipeline_stage": "qualified", "expected_billing_amount": 3400.5}
    ]


def back_to_the_filtered_list(page):
    page.locator("a.back").click()
    expect(page).to_have_url(re.compile(r"\?stage=contacted$"))
    expect(page.get_by_role("link", name="Petra Novak")).to_have_count(0)


def make_contact(page, first_name, email):
    page.get_by_role("link", name="Contacts", exact=True).first.click()
    page.get_by_role("link", name="New contact").click()
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Make contact").click()


def meet_an_existing_contact(page, house, guard):
    make_contact(page, "Vera", "vera@new.example")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Vera")
    assert house.sandbox.contacts[-1]["email"] == "vera@new.example"

    make_contact(page, "Omar H.", "omar@delta.example")
    expect(page.get_by_label("First name")).to_have_value("Omar H.")
    expect(page.locator("#main")).to_contain_text("“Omar Haddad” has this e-mail already")
    guard.dialogs_allowed = True  # the browser asks whether the text may be left behind
    page.get_by_role("link", name="Open it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Omar Haddad")
    guard.dialogs_allowed = False


def answer_and_note(page, house):
    page.get_by_role("link", name="Conversations", exact=True).first.click()
    page.locator(".conv-row", has_text="Receipt 1042").click()
    page.get_by_label("Text", exact=True).fill("Here is your copy.")
    page.get_by_role("button", name="Send to").click()
    expect(page.locator(".msg.out")).to_contain_text("Here is your copy.")
    sent(page)

    page.get_by_text("Private note", exact=True).first.click()
    expect(page.get_by_text("Only your team sees this.")).to_be_visible()
    page.get_by_label("Text", exact=True).fill("She asked twice.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".msg.note")).to_contain_text("She asked twice.")
    sent(page)

    told = [(m["type"], m["text"]) for m in house.sandbox.dexra_messages("conv-mara")[1:]]
    assert told == [("text", "Here is your copy."), ("private_note", "She asked twice.")]


def archive(page, house):
    page.get_by_role("link", name="Conversations", exact=True).first.click()
    page.locator(".conv-row", has_text="Lena Quay").click()
    expect(page.locator("#thread-title")).to_have_text("Lena Quay")
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("#status-button")).to_contain_text("archived")
    assert house.sandbox.conversation("conv-lena")["status"] == "archived"


def sign_out(page):
    page.locator("button.person").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/accounts/login/"))
    page.goto("/w/acme/leads/")
    expect(page).to_have_url(re.compile(r"/accounts/login/"))


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without-javascript"])
def test_the_whole_story(scripts, house, open_page, guard):
    guard.expect(422)
    page = open_page(scripts=scripts)
    sign_in(page, house)
    filter_by_stage(page, "contacted")
    change_stage_and_amount(page, house)
    back_to_the_filtered_list(page)
    meet_an_existing_contact(page, house, guard)
    answer_and_note(page, house)
    archive(page, house)
    sign_out(page)
    assert len(house.writes) == 6  # lead, contact, the refused contact, reply, note, status
