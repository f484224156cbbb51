"""What is new, asked once: the fallback of pages that have no stream."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.jobs import live as jobs
from portal.live import store
from portal.live.models import Change
from portal.sandbox.data.fill import Amounts, fill


def ask(client, slug="acme", **query):
    return client.get(f"/w/{slug}/live/", query)


def test_it_names_what_changed_since(owner, client_of):
    store.note(owner.workspace_id, "leads", [1])
    store.note(owner.workspace_id, "leads", [2])
    store.note(owner.workspace_id, "conversations", [2])
    told = ask(client_of(owner), after=1).json()
    assert told["number"] == 3
    assert told["changes"] == [{"kind": "leads", "id": 2}, {"kind": "conversations", "id": 2}]
    assert told["counts"] == {"leads": 1, "conversations": 1}
    assert told["complete"] is True


def test_who_has_no_number_gets_todays(owner, client_of):
    store.note(owner.workspace_id, "leads", [1])
    told = ask(client_of(owner)).json()
    assert (told["number"], told["changes"], told["complete"]) == (1, [], True)


@pytest.mark.parametrize("after", ["", "x", "-1", "1e3", "٣", "9" * 40, "0x1"])
def test_a_number_that_is_none_counts_as_none(after, owner, client_of):
    store.note(owner.workspace_id, "leads", [1])
    told = ask(client_of(owner), after=after).json()
    assert (told["number"], told["changes"]) == (1, [])


def test_it_tells_nothing_of_another_workspace(owner, stranger, client_of):
    store.note(stranger.workspace_id, "leads", [666])
    assert ask(client_of(owner), after=0).json()["changes"] == []
    assert ask(client_of(owner), slug="other").status_code == 404


def test_what_was_forgotten_or_is_too_much_means_read_everything(owner, client_of):
    client = client_of(owner)
    for record in (1, 2, 3):
        store.note(owner.workspace_id, "leads", [record])
    Change.objects.filter(number=1).delete()
    assert ask(client, after=0).json()["complete"] is False
    assert ask(client, after=1).json()["complete"] is True
    assert ask(client, after=9).json()["complete"] is False
    store.note(owner.workspace_id, "leads", range(1000, 1600))
    told = ask(client, after=3).json()
    assert (len(told["changes"]), told["complete"]) == (500, False)


def test_changes_are_forgotten_after_a_day(workspace, monkeypatch):
    monkeypatch.setattr(store, "PRUNED_AT_ONCE", 2)
    for record in range(5):
        store.note(workspace.pk, "leads", [record])
    Change.objects.filter(number__lte=4).update(at=timezone.now() - timedelta(hours=25))
    jobs.every_hour.call_local()
    assert list(Change.objects.values_list("number", flat=True)) == [5]


def test_it_says_how_fresh_the_copy_is_and_what_the_budget_is(
    sandbox, nexadesk, synced, owner, client_of
):
    fill(sandbox, Amounts(leads=3, contacts=1, conversations=1, dexra_conversations=0))
    synced(nexadesk)
    told = ask(client_of(owner)).json()
    assert told["freshness"]["tone"] == "ok"
    assert told["freshness"]["text"] == "Synced"
    assert told["budget"][0]["used"] > 0
    assert told["budget"][0]["label"] in told["parts"]["side-status"]
    assert "Synced" in told["parts"]["freshness"]


def test_asking_costs_little(nexadesk, owner, client_of, django_assert_num_queries):
    client = client_of(owner)
    number = ask(client).json()["number"]
    with django_assert_num_queries(6):  # session, user, member; connections, states, budget
        ask(client, after=number)


def test_a_page_knows_the_number_of_what_it_shows(owner, client_of):
    store.note(owner.workspace_id, "leads", [1])
    page = client_of(owner).get("/w/acme/leads/").content.decode()
    line = page.partition('id="live"')[2].partition(">")[0]
    assert 'data-number="1"' in line
    assert 'data-href="/w/acme/live/"' in line
