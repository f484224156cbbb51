"""A person reads a conversation: what is known, what cannot be known, and nothing that bites."""

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.models import Conversation, Message
from portal.sandbox import Fault

HOSTILE = "<img src=x onerror=alert(1)> & \"quoted\" 'single' {{ 7*7 }}\nsecond <b>line</b>"
ESCAPED = (
    "&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quoted&quot; &#x27;single&#x27; {{ 7*7 }}\n"
    "second &lt;b&gt;line&lt;/b&gt;"
)
HTMX = {"HX-Request": "true"}


def page_of(conversation):
    return f"/w/acme/conversations/{conversation.pk}/"


@pytest.fixture
def lena(sandbox, nexadesk, synced):
    """A NexaDesk conversation whose messages were never read."""
    sandbox.add_contact(first_name="Lena", last_name="Quay", email="lena@quay.example")
    sandbox.add_lead(visitor_name="Lena Q.", visitor_email="LENA@quay.example")
    told = {"visitor_name": "Lena Quay", "visitor_email": "lena@quay.example"}
    sandbox.add_conversation(**told, last_message="An older matter")
    thread = [
        ("visitor", HOSTILE),
        ("bot", "Please hold."),
        ("agent", "Tomorrow."),
        ("spirit", "?"),
    ]
    made = sandbox.add_conversation(**told, tags=["delivery"], thread=thread, mood="cross")
    synced(nexadesk)
    return Conversation.objects.get(upstream_id=made["id"])


@pytest.fixture
def invoice(sandbox, dexra, synced):
    """A Dexra conversation with one message from outside."""
    sandbox.add_dexra_user(id="u_1", email="mara@cove.example", first_name="Mara")
    made = sandbox.add_dexra_conversation(subject="Invoice copy", user_id="u_1")
    sandbox.incoming_message(made["id"], HOSTILE)
    synced(dexra)
    return Conversation.objects.get(upstream_id=made["id"])


def test_the_page_comes_from_the_copy_and_asks_for_a_fresh_one_afterwards(
    lena, sandbox, viewer, client_of
):
    html = client_of(viewer).get(page_of(lena)).content.decode()

    assert sandbox.requests.count("GET /conversations") == 1  # the sync's own
    assert f'data-hx-get="{page_of(lena)}fresh/"' in html
    assert 'data-hx-trigger="load"' in html


def test_fresh_brings_the_whole_history_and_leaves_the_rest_alone(lena, viewer, client_of):
    html = client_of(viewer).get(f"{page_of(lena)}fresh/", headers=HTMX).content.decode()

    assert "Please hold." in html
    assert 'id="composer"' not in html
    assert 'data-hx-trigger="load"' not in html


def test_hostile_text_is_inert_and_unchanged(lena, viewer, client_of):
    client = client_of(viewer)
    client.post(f"{page_of(lena)}fresh/")
    html = client.get(page_of(lena)).content.decode()

    assert f'<p class="text" data-hx-ignore dir="auto">{ESCAPED}</p>' in html
    assert "<img src=x" not in html
    assert Message.objects.order_by("position").first().text == HOSTILE


def test_senders_are_named_and_unknown_ones_are_called_unknown(lena, viewer, client_of):
    client = client_of(viewer)
    client.post(f"{page_of(lena)}fresh/")
    html = client.get(page_of(lena)).content.decode()

    for name in ("Lena Quay", "Bot", "Agent", "Unknown sender (spirit)"):
        assert f"<b>{name}</b>" in html


def test_a_copy_read_a_moment_ago_asks_nothing(lena, sandbox, viewer, client_of):
    client = client_of(viewer)
    client.post(f"{page_of(lena)}fresh/")
    asked = len(sandbox.requests)

    assert b'data-hx-trigger="load"' not in client.get(page_of(lena)).content
    assert len(sandbox.requests) == asked


def test_a_copy_over_a_minute_old_asks_again(lena, viewer, client_of):
    Conversation.objects.update(messages_at=timezone.now() - timedelta(seconds=61))

    assert b'data-hx-trigger="load"' in client_of(viewer).get(page_of(lena)).content


def test_refresh_without_a_script_comes_back_to_the_page_with_its_filters(lena, viewer, client_of):
    response = client_of(viewer).post(f"{page_of(lena)}fresh/?state=open")

    assert response.status_code == 303
    assert response["Location"] == f"{page_of(lena)}?state=open"


@pytest.mark.parametrize(
    "case",
    [
        (Fault.status(500), "does not answer now"),
        (Fault.status(429, headers={"Retry-After": "1"}), "asks us to wait"),
        (Fault.status(403), "Not refreshed"),
        (Fault.status(401), "Not refreshed"),
        (Fault.garbage(), "does not document"),
        (Fault.reset_before_apply(), "does not answer now"),
    ],
)
def test_what_goes_wrong_leaves_the_copy_and_says_so(lena, sandbox, viewer, client_of, case):
    fault, words = case
    client = client_of(viewer)
    client.post(f"{page_of(lena)}fresh/")
    sandbox.fault("nexadesk", "GET", "/conversations", fault, times=None)

    response = client.get(f"{page_of(lena)}fresh/", headers=HTMX)

    assert response.status_code == 200
    assert words in response.content.decode()
    assert "Please hold." in response.content.decode()


def test_a_conversation_deleted_there_is_said_to_be(lena, sandbox, viewer, client_of):
    sandbox.delete_conversation(lena.upstream_id)
    client = client_of(viewer)

    response = client.get(f"{page_of(lena)}fresh/", headers=HTMX)

    assert "It was deleted in NexaDesk." in response.content.decode()
    assert client.get(page_of(lena)).status_code == 404


def test_a_status_that_moved_meanwhile_is_shown(lena, sandbox, agent, client_of):
    time.sleep(0.01)
    sandbox.edit_conversation(lena.upstream_id, status="archived")

    html = client_of(agent).get(f"{page_of(lena)}fresh/", headers=HTMX).content.decode()

    assert 'hx-target="#thread-head"' in html
    assert "Status: archived" in html


def test_what_cannot_be_read_is_said_on_top(invoice, viewer, client_of):
    html = client_of(viewer).get(page_of(invoice)).content.decode()

    assert "Dexra&#x27;s API cannot read a conversation&#x27;s history." in html
    assert ESCAPED in html
    assert "Unknown sender" in html
    assert "time not told" in html


def test_participants_are_known_once_the_detail_told_them(invoice, viewer, client_of):
    client = client_of(viewer)
    client.post(f"{page_of(invoice)}fresh/")
    html = client.get(page_of(invoice)).content.decode()

    assert "Taking part" in html
    assert "mara@cove.example" in html
    assert "Dexra&#x27;s API cannot close, snooze or assign a conversation." in html


def test_participants_may_be_anything(sandbox, dexra, synced, viewer, client_of):
    odd = ["u_9", "x@y.example", {"id": 7}, {"name": "<b>Bo</b>", "email": None}, None, 3, [], {}]
    made = sandbox.add_dexra_conversation(subject="Odd", participants=odd)
    synced(dexra)
    conversation = Conversation.objects.get(upstream_id=made["id"])
    client = client_of(viewer)
    client.post(f"{page_of(conversation)}fresh/")

    html = client.get(page_of(conversation)).content.decode()

    assert "x@y.example" in html
    assert "&lt;b&gt;Bo&lt;/b&gt;" in html


def test_the_same_email_leads_to_contact_lead_and_other_conversations(lena, viewer, client_of):
    html = client_of(viewer).get(page_of(lena)).content.decode()

    assert "/w/acme/contacts/" in html.partition('id="info"')[2]
    assert "Lena Q." in html
    assert "An older matter" in html.partition('id="info"')[2]


def test_fields_nobody_knows_are_kept_at_hand(lena, viewer, client_of):
    html = client_of(viewer).get(page_of(lena)).content.decode()

    assert "<dt>mood</dt>" in html
    assert "cross" in html


def test_an_unknown_status_stands_for_itself(sandbox, nexadesk, synced, viewer, client_of):
    sandbox.add_conversation(visitor_name="Odd", status="escalated")
    synced(nexadesk)

    html = client_of(viewer).get("/w/acme/conversations/").content.decode()

    assert re.search(r'class="badge teal" id="state-\d+"><span>escalated<', html)


def test_opening_by_htmx_brings_thread_and_panel_and_no_list(lena, viewer, client_of):
    html = client_of(viewer).get(page_of(lena), headers=HTMX).content.decode()

    assert html.lstrip().startswith("<title>Conversations · Lena Quay · Acme")
    assert 'id="thread"' in html
    assert 'hx-target="#info"' in html
    assert 'class="conv-row"' not in html


def test_the_page_of_a_thread_takes_at_most_fifteen_queries(
    lena, viewer, client_of, django_assert_max_num_queries
):
    client = client_of(viewer)
    client.get(f"{page_of(lena)}fresh/", headers=HTMX)
    with django_assert_max_num_queries(15):
        client.get(page_of(lena))
