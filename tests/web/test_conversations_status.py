"""A person changes a conversation's status, in the service's own words, and overwrites nobody."""

import re

import pytest

from portal.models import Conversation, Write
from portal.sandbox import Fault

HTMX = {"HX-Request": "true", "HX-Target": "div#thread-head"}


@pytest.fixture
def lena(sandbox, nexadesk, synced):
    made = sandbox.add_conversation(visitor_name="Lena Quay", status="open")
    synced(nexadesk)
    sandbox.requests.clear()
    return Conversation.objects.get(upstream_id=made["id"])


def page_of(conversation):
    return f"/w/acme/conversations/{conversation.pk}/"


def status_in(response):
    """What the menu says the status is."""
    return re.search(r"Status: (\w+)", response.content.decode())[1]


def ask(client, conversation, status, *, before="open", **more):
    form = {"status": status, "before": before, "form_id": f"form-{status}-1"}
    return client.post(f"{page_of(conversation)}status/", form, **more)


def test_archiving_reaches_the_service_and_shows_as_closed(lena, sandbox, agent, client_of):
    client = client_of(agent)
    assert "Archive" in client.get(page_of(lena)).content.decode()

    response = ask(client, lena, "archived", follow=True)

    assert sandbox.conversation(lena.upstream_id)["status"] == "archived"
    assert [r.body for r in sandbox.requests.matching("PATCH /conversations")] == [
        {"status": "archived"}
    ]
    assert status_in(response) == "archived"
    html = response.content.decode()
    assert '<span class="badge neutral"><span>Closed</span></span>' in html
    assert 'id="status-quick"' not in html


@pytest.mark.parametrize("status", ["pending", "active", "archived"])
def test_every_word_the_service_knows_can_be_set(lena, sandbox, agent, client_of, status):
    ask(client_of(agent), lena, status)

    assert sandbox.conversation(lena.upstream_id)["status"] == status


def test_the_same_form_twice_changes_once(lena, sandbox, agent, client_of):
    client = client_of(agent)
    for _ in range(2):
        ask(client, lena, "archived")

    assert sandbox.requests.count("PATCH /conversations") == 1


def test_somebody_was_faster_so_both_words_are_shown_and_nothing_is_sent(
    lena, sandbox, agent, client_of
):
    sandbox.edit_conversation(lena.upstream_id, status="pending")
    client = client_of(agent)

    response = ask(client, lena, "archived")

    html = response.content.decode()
    assert response.status_code == 409
    cells = re.findall(r'data-version="(\w+)"[^>]*>(\w+)', html)
    assert cells == [("mine", "archived"), ("theirs", "pending"), ("before", "open")]
    assert sandbox.requests.count("PATCH /conversations") == 0

    keep = html.partition('class="conflict"')[0].rpartition("<form")[2]
    form = dict(re.findall(r'name="(form_id|before|status)" value="([^"]*)"', keep))
    assert form["before"] == "pending"
    client.post(f"{page_of(lena)}status/", form)
    assert sandbox.conversation(lena.upstream_id)["status"] == "archived"


def test_somebody_wanted_the_same_so_there_is_no_quarrel(lena, sandbox, agent, client_of):
    sandbox.edit_conversation(lena.upstream_id, status="archived")

    assert ask(client_of(agent), lena, "archived").status_code == 303


def test_the_status_it_has_already_is_nothing_to_save(lena, sandbox, agent, client_of):
    response = ask(client_of(agent), lena, "open", follow=True)

    assert "Nothing to save" in response.content.decode()
    assert sandbox.requests.count("PATCH /conversations") == 0


def test_a_word_the_service_does_not_know_is_refused_here(lena, sandbox, agent, client_of):
    response = ask(client_of(agent), lena, "<b>gone</b>")

    assert response.status_code == 422
    assert "There is no status “&lt;b&gt;gone&lt;/b&gt;”." in response.content.decode()
    assert sandbox.requests.count("PATCH /conversations") == 0


@pytest.mark.parametrize(
    "case",
    [
        (Fault.status(400), 422, "Bad Request"),
        (Fault.status(403), 422, "address is not on the key"),
        (Fault.status(404), 409, "NexaDesk does not find it."),
    ],
)
def test_a_refusal_says_why_and_changes_nothing(lena, sandbox, agent, client_of, case):
    fault, status, words = case
    sandbox.fault("nexadesk", "PATCH", "/conversations", fault)

    response = ask(client_of(agent), lena, "archived")

    assert response.status_code == status
    assert words in response.content.decode()
    assert sandbox.conversation(lena.upstream_id)["status"] == "open"


@pytest.mark.parametrize(
    "case",
    [
        (Fault.status(429, headers={"Retry-After": "30"}), "Saved here, will be sent."),
        (Fault.status(503), "Not confirmed"),
        (Fault.reset_after_apply(), "Not confirmed"),
    ],
)
def test_a_change_on_its_way_is_marked_and_the_copy_stays(lena, sandbox, agent, client_of, case):
    fault, words = case
    sandbox.fault("nexadesk", "PATCH", "/conversations", fault)
    client = client_of(agent)

    ask(client, lena, "archived")
    response = client.get(page_of(lena))

    head = response.content.decode().partition('id="thread-head"')[2].partition('id="messages"')[0]
    assert "archived: " in head
    assert words in head
    assert status_in(response) == "open"
    assert Write.objects.get().status in {"queued", "unknown"}


def test_htmx_gets_the_head_and_the_panel_anew(lena, agent, client_of):
    response = ask(client_of(agent), lena, "pending", headers=HTMX)

    html = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in html
    assert status_in(response) == "pending"
    assert 'hx-target="#info"' in html
    assert "Saved" in response["HX-Trigger"]


def test_htmx_gets_the_conflict_in_place(lena, sandbox, agent, client_of):
    sandbox.edit_conversation(lena.upstream_id, status="pending")

    response = ask(client_of(agent), lena, "archived", headers=HTMX)

    assert response.status_code == 409
    assert 'class="conflict"' in response.content.decode()


def test_where_the_api_cannot_the_page_says_why(sandbox, dexra, synced, agent, client_of):
    sandbox.add_dexra_conversation(subject="Invoice")
    synced(dexra)
    conversation, client = Conversation.objects.get(), client_of(agent)

    assert "cannot close, snooze or assign" in client.get(page_of(conversation)).content.decode()
    refused = ask(client, conversation, "closed")
    assert refused.status_code in {409, 422}
    assert sandbox.requests.count("PATCH /conversations") == 0


def test_a_viewer_changes_nothing(lena, viewer, client_of):
    assert ask(client_of(viewer), lena, "archived").status_code == 403
