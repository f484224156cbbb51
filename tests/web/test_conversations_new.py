"""A person starts a conversation with a user whose id is known."""

import re

import pytest

from portal.models import Conversation, Write
from portal.sandbox import Fault

NEW = "/w/acme/conversations/new/"


@pytest.fixture
def desk(sandbox, dexra, synced):
    synced(dexra)
    sandbox.requests.clear()
    return dexra


@pytest.fixture
def agent_client(agent, client_of):
    return client_of(agent)


def form_of(client, **values):
    html = client.get(NEW).content.decode()
    form_id = re.search(r'name="form_id" value="(\w+)"', html)[1]
    return {"user_id": "u_3310", "subject": "", "tags": "", "form_id": form_id} | values


def test_it_is_made_there_and_its_page_opens(desk, sandbox, agent_client):
    form = form_of(agent_client, subject="Invoice & co", tags='billing, "Lyon, FR"')

    response = agent_client.post(NEW, form, follow=True)

    [made] = sandbox.dexra_conversations
    assert made["_user_id"] == "u_3310"
    assert made["subject"] == "Invoice & co"
    assert made["_tags"] == ["billing", "Lyon, FR"]
    conversation = Conversation.objects.get()
    assert response.redirect_chain == [(f"/w/acme/conversations/{conversation.pk}/", 303)]
    html = response.content.decode()
    assert "Invoice &amp; co" in html
    assert "Lyon, FR" in html


def test_what_was_left_empty_is_not_sent(desk, sandbox, agent_client):
    agent_client.post(NEW, form_of(agent_client))

    assert sandbox.requests.matching("POST /conversations")[0].body == {"user_id": "u_3310"}


def test_the_same_form_twice_makes_one(desk, sandbox, agent_client):
    form = form_of(agent_client)
    there = {agent_client.post(NEW, form)["Location"] for _ in range(2)}

    assert len(sandbox.dexra_conversations) == 1
    assert len(there) == 1


def test_without_a_user_nothing_is_sent_and_the_rest_stays(desk, sandbox, agent_client):
    form = form_of(agent_client, user_id=" ", subject="Kept <b>")

    response = agent_client.post(NEW, form)

    html = response.content.decode()
    assert response.status_code == 422
    assert 'value="Kept &lt;b&gt;"' in html
    assert "This is needed" in html
    assert sandbox.requests.count("POST /conversations") == 0


@pytest.mark.parametrize(
    "case",
    [
        (Fault.status(400), 422, "Bad Request"),
        (Fault.status(403), 422, "address is not on the key"),
        (Fault.status(404), 409, ""),
    ],
)
def test_a_refusal_keeps_what_was_typed(desk, sandbox, agent_client, case):
    fault, status, words = case
    sandbox.fault("dexra", "POST", "/conversations", fault)
    form = form_of(agent_client, subject="Kept")

    response = agent_client.post(NEW, form)

    html = response.content.decode()
    assert response.status_code == status
    assert words in html
    assert 'value="Kept"' in html
    assert form["form_id"] not in html


@pytest.mark.parametrize(
    "case",
    [(Fault.status(429), "Saved here", "queued"), (Fault.status(500), "Not confirmed", "unknown")],
)
def test_what_is_not_confirmed_is_said_on_the_list(desk, sandbox, agent_client, case):
    fault, words, standing = case
    sandbox.fault("dexra", "POST", "/conversations", fault)

    response = agent_client.post(NEW, form_of(agent_client), follow=True)

    assert response.redirect_chain == [("/w/acme/conversations/", 303)]
    assert words in response.content.decode()
    assert Write.objects.get().status == standing


def test_users_the_copy_knows_are_suggested(desk, sandbox, synced, agent_client):
    sandbox.add_dexra_user(id="u_7", email="mara@cove.example", first_name="Mara")
    sandbox.add_dexra_conversation(subject="Old", user_id="u_7")
    synced(desk)
    old = Conversation.objects.get()
    agent_client.post(f"/w/acme/conversations/{old.pk}/fresh/")

    html = agent_client.get(NEW).content.decode()

    assert '<option value="u_7">Mara</option>' in html


def test_an_address_may_fill_in_the_user(desk, agent_client):
    html = agent_client.get(f"{NEW}?user_id=u_8").content.decode()

    assert re.search(r'name="user_id" value="u_8"', html)


def test_where_no_api_can_the_page_says_why(nexadesk, agent_client):
    response = agent_client.get(NEW)

    assert response.status_code == 200
    assert "API cannot start conversations" in response.content.decode()
    assert "New<span" not in agent_client.get("/w/acme/conversations/").content.decode()


def test_a_viewer_may_not(desk, viewer, client_of):
    assert client_of(viewer).get(NEW).status_code == 403
    assert client_of(viewer).post(NEW, {"user_id": "u_1"}).status_code == 403
