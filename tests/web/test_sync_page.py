"""The sync page: what is copied, what it cost, why it is slow, and what an admin may ask."""

import pytest

from portal.models import Entry, Lead, SyncState
from portal.sandbox import Fault
from portal.sandbox.data.fill import Amounts, fill
from portal.services.sync import Purpose, sync_connection
from portal.web.sync import PURPOSES

PAGE = "/w/acme/settings/sync/"


@pytest.fixture
def asked(monkeypatch):
    """The connections for which a worker was asked to sync."""
    ids = []
    monkeypatch.setattr("portal.web.sync.sync_soon", ids.append)
    return ids


@pytest.fixture
def copied(sandbox, nexadesk, synced):
    fill(sandbox, Amounts(leads=120, contacts=3, conversations=2, dexra_conversations=1))
    return synced(nexadesk)


def text_of(response):
    return " ".join(response.content.decode().split())


def test_tells_what_each_pass_read_and_what_it_cost(copied, admin, client_of):
    page = text_of(client_of(admin).get(PAGE))

    assert "follows what changes" in page
    assert "nexadesk, leads: first copy" in page.lower()
    assert "4 calls" in page  # 2 for the leads, 1 each for contacts and conversations
    assert "data-hx-trigger" not in page  # nothing runs: the page stands still


def test_has_a_word_for_every_kind_of_pass():
    assert set(PURPOSES) == set(Purpose)


def test_a_first_copy_that_is_under_way_renews_the_page(sandbox, nexadesk, admin, client_of):
    fill(sandbox, Amounts(leads=250, contacts=1, conversations=1, dexra_conversations=1))
    sandbox.fault("nexadesk", "GET", "/leads", Fault.delay(0), Fault.status(403))
    sync_connection(nexadesk)

    page = text_of(client_of(admin).get(PAGE))

    assert "100 of 250" in page
    assert "data-hx-trigger" in page
    assert "Forbidden" in page  # the sentence the service said
    leads = page.split('<th scope="row">leads')[1].split("</tr>")[0]
    assert leads.count("<td>never</td>") == 2  # neither synced nor checked


def test_says_that_the_service_asks_to_wait(sandbox, copied, admin, client_of):
    busy = Fault.status(429, headers={"Retry-After": "40"})
    sandbox.fault("nexadesk", "GET", "*", busy)
    sync_connection(copied)

    assert "NexaDesk asks to wait 40 s." in text_of(client_of(admin).get(PAGE))


def test_sync_now_wakes_a_worker(copied, admin, client_of, asked):
    response = client_of(admin).post(f"{PAGE}{copied.pk}/now/")

    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert asked == [copied.pk]


def test_check_everything_is_asked_for_and_written_down(copied, admin, client_of, asked):
    client_of(admin).post(f"{PAGE}{copied.pk}/check/")

    assert asked == [copied.pk]
    assert set(SyncState.objects.values_list("check_wanted", flat=True)) == {True}
    assert Entry.objects.filter(action="sync.check", actor=admin.user).count() == 1


def test_what_is_missing_there_waits_for_a_yes(sandbox, copied, admin, client_of):
    for lead in sandbox.leads[:30]:
        sandbox.delete_lead(lead["id"])
    sync_connection(copied, full=True)
    browser = client_of(admin)
    assert "did not find 30 records (leads)" in text_of(browser.get(PAGE))
    state = SyncState.objects.get(kind="leads")

    page = text_of(browser.post(f"{PAGE}{state.pk}/confirm/", follow=True))

    assert "30 records were taken away here" in page
    assert Lead.objects.filter(gone_at=None).count() == 90


def test_or_for_a_no(sandbox, copied, admin, client_of):
    for lead in sandbox.leads[:30]:
        sandbox.delete_lead(lead["id"])
    sync_connection(copied, full=True)
    state = SyncState.objects.get(kind="leads")

    page = text_of(client_of(admin).post(f"{PAGE}{state.pk}/dismiss/", follow=True))

    assert "did not find" not in page
    assert Lead.objects.filter(gone_at=None).count() == 120


def test_shows_what_is_set_aside_and_why(sandbox, nexadesk, admin, client_of):
    lead = sandbox.add_lead(visitor_name="Bell \x00")
    sync_connection(nexadesk)

    page = text_of(client_of(admin).get(PAGE))

    assert lead["id"] in page
    assert "a text in it holds the character NUL" in page


def test_only_admins_of_this_workspace_come_in(copied, agent, stranger, client_of, asked):
    state = SyncState.objects.get(kind="leads").pk
    posts = [f"{copied.pk}/now/", f"{copied.pk}/check/", f"{state}/confirm/", f"{state}/dismiss/"]

    for member, status in ((agent, 403), (stranger, 404)):
        browser = client_of(member)
        assert browser.get(PAGE).status_code == status
        assert {browser.post(PAGE + post).status_code for post in posts} == {status}
    foreign = client_of(stranger)
    assert {foreign.post(f"/w/other/settings/sync/{p}").status_code for p in posts} == {404}
    assert asked == []
