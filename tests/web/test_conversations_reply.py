"""A person answers a customer or leaves a note, never the one for the other, and loses no word."""

import re

import pytest

from portal.models import Conversation, Message, Window, Write
from portal.sandbox import Fault
from portal.services.sending import send_due

TEXT = "Dear *Mara*,\n\nhere it is: <b>&amp;</b>  "
HTMX = {"HX-Request": "true", "HX-Target": "form#composer"}


@pytest.fixture
def invoice(sandbox, dexra, synced):
    sandbox.add_dexra_user(id="u_1", email="mara@cove.example", first_name="Mara")
    made = sandbox.add_dexra_conversation(subject="Invoice copy", user_id="u_1")
    synced(dexra)
    sandbox.requests.clear()
    return Conversation.objects.get(upstream_id=made["id"])


@pytest.fixture
def agent_client(agent, client_of):
    return client_of(agent)


def page_of(conversation):
    return f"/w/acme/conversations/{conversation.pk}/"


def form_of(client, conversation, text=TEXT, mode="reply"):
    """What a browser would post from the page."""
    html = client.get(page_of(conversation)).content.decode()
    form = html.partition('id="composer"')[2]
    form_id = re.search(r'name="form_id" value="(\w+)"', form)[1]
    return {"content": text, "form_id": form_id, "mode": mode}


def text_in(response):
    """What stands in the field, as the person would see it."""
    html = response.content.decode()
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", html, re.DOTALL)
    return found and found[1]


def shown(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_a_reply_reaches_the_customer_and_stands_in_the_thread(invoice, sandbox, agent_client):
    client = agent_client
    form = form_of(client, invoice)

    response = client.post(f"{page_of(invoice)}reply/?state=open", form, follow=True)

    assert response.redirect_chain == [(f"{page_of(invoice)}?state=open", 303)]
    [sent] = sandbox.dexra_messages(invoice.upstream_id)
    assert (sent["type"], sent["text"]) == ("text", TEXT)
    html = response.content.decode()
    assert "Sent from here" in html
    assert "<em>Mara</em>" in html
    assert "<b>&amp;" not in html
    assert text_in(response) == ""
    assert form["form_id"] not in html


def test_a_note_never_reaches_the_customer(invoice, sandbox, agent_client):
    client = agent_client

    html = client.post(
        f"{page_of(invoice)}note/", form_of(client, invoice, mode="note"), follow=True
    ).content.decode()

    [request] = sandbox.requests.matching("POST /messages")
    assert request.body["type"] == "private_note"
    assert request.body["content"] == TEXT
    assert "Private note" in html.partition('class="msg note"')[2]


def test_a_form_sent_without_its_buttons_is_a_note(invoice, agent_client):
    html = agent_client.get(page_of(invoice)).content.decode()

    assert re.search(r'<form class="composer"[^>]*action="[^"]*/note/"', html)


def test_what_was_marked_as_a_note_is_not_sent_to_the_customer(invoice, sandbox, agent_client):
    client = agent_client

    response = client.post(f"{page_of(invoice)}reply/", form_of(client, invoice, mode="note"))

    assert response.status_code == 422
    assert text_in(response) == shown(TEXT)
    assert sandbox.requests.count("POST /messages") == 0


@pytest.mark.parametrize(
    "fault",
    [Fault.status(500), Fault.status(400), Fault.reset_after_apply(), Fault.status(404)],
)
def test_a_note_that_fails_is_never_tried_as_a_reply(invoice, sandbox, agent_client, fault):
    sandbox.fault("dexra", "POST", "/messages", fault)
    client = agent_client

    client.post(f"{page_of(invoice)}note/", form_of(client, invoice, mode="note"))

    bodies = [request.body["type"] for request in sandbox.requests.matching("POST /messages")]
    assert bodies == ["private_note"]


def test_the_same_form_twice_is_sent_once(invoice, sandbox, agent_client):
    client = agent_client
    form = form_of(client, invoice)

    for _ in range(2):
        assert client.post(f"{page_of(invoice)}reply/", form).status_code == 303

    assert sandbox.requests.count("POST /messages") == 1
    assert Message.objects.filter(origin="ours").count() == 1


def test_nothing_written_is_said_beside_the_field(invoice, sandbox, agent_client):
    client = agent_client

    response = client.post(f"{page_of(invoice)}reply/", form_of(client, invoice, text=" \r\n "))

    assert response.status_code == 422
    assert "Write something first." in response.content.decode().partition('id="content_error"')[2]
    assert sandbox.requests.count("POST /messages") == 0


@pytest.mark.parametrize("mode", ["reply", "note"])
@pytest.mark.parametrize(
    "case",
    [
        (Fault.status(400), 422, "Bad Request"),
        (Fault.status(403), 422, "address is not on the key"),
        (Fault.status(404), 409, "Dexra does not find it."),
        (Fault.status(409), 422, ""),
    ],
)
def test_a_refusal_keeps_the_text_and_says_why(invoice, sandbox, agent_client, case, mode):
    fault, status, words = case
    sandbox.fault("dexra", "POST", "/messages", fault)
    client = agent_client
    form = form_of(client, invoice, mode=mode)

    response = client.post(f"{page_of(invoice)}{mode}/", form)

    html = response.content.decode()
    assert response.status_code == status
    assert words in html.partition('id="content_error"')[2]
    assert text_in(response) == shown(TEXT)
    assert f'value="{mode}"' in re.search(r"<input[^>]*name=\"mode\"[^>]*checked", html)[0]
    assert form["form_id"] not in html


@pytest.mark.parametrize(
    "case",
    [
        (Fault.status(429), "Saved here. It will be sent when Dexra answers.", "queued"),
        (Fault.status(401), "once the key of Dexra is replaced", "queued"),
        (Fault.status(500), "Not confirmed: Dexra did not answer in time.", "unknown"),
        (Fault.reset_after_apply(), "Not confirmed: Dexra did not answer in time.", "unknown"),
        (Fault.delay(2), "Not confirmed: Dexra did not answer in time.", "unknown"),
        (Fault.garbage(apply=True), "Not confirmed: Dexra did not answer in time.", "unknown"),
    ],
)
def test_what_is_not_confirmed_stands_in_the_thread_with_its_text(
    invoice, sandbox, agent_client, case, settings
):
    fault, words, standing = case
    if fault.name == "delay":
        settings.WRITE_DEADLINE_SECONDS = 1.0
    sandbox.fault("dexra", "POST", "/messages", fault)
    client = agent_client

    response = client.post(f"{page_of(invoice)}reply/", form_of(client, invoice), follow=True)

    html = response.content.decode()
    assert words in html
    assert "<em>Mara</em>" in html.partition('class="msg out sending"')[2]
    assert Write.objects.get().status == standing
    assert sandbox.requests.count("POST /messages") == 1


def test_the_page_of_a_refusal_has_a_list_that_still_works(invoice, agent_client):
    response = agent_client.post(f"{page_of(invoice)}reply/?state=open", {"content": " "})

    html = response.content.decode()
    assert response.status_code == 422
    assert 'id="list-form" role="search"' in html
    assert f'action="{page_of(invoice)}"' in html.partition('id="list-form"')[2]
    assert f'href="{page_of(invoice)}?state=open" aria-current="true"' in html


def test_a_second_message_waits_behind_a_doubtful_first(invoice, sandbox, agent_client):
    sandbox.fault("dexra", "POST", "/messages", Fault.status(500))
    client = agent_client
    client.post(f"{page_of(invoice)}reply/", form_of(client, invoice))

    response = client.post(f"{page_of(invoice)}reply/", form_of(client, invoice, text="More"))

    assert response.status_code == 303
    assert sandbox.requests.count("POST /messages") == 1
    page = client.get(page_of(invoice)).content.decode()
    assert "More" in page
    assert "will be sent after the change before it" in page


def test_htmx_gets_an_empty_field_and_the_thread(invoice, agent_client):
    client = agent_client

    response = client.post(f"{page_of(invoice)}reply/", form_of(client, invoice), headers=HTMX)

    html = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in html
    assert text_in(response) == ""
    assert '<hx-partial hx-target="#log"' in html
    assert "announce" in response["HX-Trigger"]


def test_htmx_gets_the_field_back_with_the_text(invoice, sandbox, agent_client):
    sandbox.fault("dexra", "POST", "/messages", Fault.status(400))
    client = agent_client

    response = client.post(f"{page_of(invoice)}reply/", form_of(client, invoice), headers=HTMX)

    assert response.status_code == 422
    assert text_in(response) == shown(TEXT)
    assert 'id="log"' not in response.content.decode()


def test_a_viewer_reads_why_there_is_nothing_to_write_in(invoice, viewer, client_of):
    client = client_of(viewer)

    assert "Your role may only read." in client.get(page_of(invoice)).content.decode()
    assert client.post(f"{page_of(invoice)}reply/", {"content": "Hi"}).status_code == 403


def test_a_key_that_may_only_read_says_so_and_leads_an_admin_to_settings(
    sandbox, connect_to, synced, admin, client_of
):
    sandbox.add_dexra_conversation(subject="Read me")
    synced(connect_to("dexra", scopes=("read",)))
    conversation, client = Conversation.objects.get(), client_of(admin)

    refused = client.post(f"{page_of(conversation)}reply/", form_of(client, conversation))
    page = client.get(page_of(conversation)).content.decode()

    assert refused.status_code == 422
    assert text_in(refused) == shown(TEXT)
    assert "This key may only read." in page
    assert 'href="/w/acme/settings/connections/"' in page.partition('id="composer"')[2]
    assert "<textarea" not in page


def test_where_the_api_cannot_write_the_page_says_why(sandbox, nexadesk, synced, agent_client):
    sandbox.add_conversation(visitor_name="Lena")
    synced(nexadesk)
    conversation, client = Conversation.objects.get(), agent_client

    html = client.get(page_of(conversation)).content.decode()
    refused = client.post(f"{page_of(conversation)}reply/", {"content": "Kept text"})

    assert "API cannot send messages: answer in NexaDesk." in html
    assert "<textarea" not in html
    assert refused.status_code == 409
    assert text_in(refused) == "Kept text"


def test_line_ends_of_the_form_are_not_sent(invoice, sandbox, agent_client):
    client = agent_client
    client.post(f"{page_of(invoice)}reply/", form_of(client, invoice, text="one\r\ntwo\rthree"))

    assert sandbox.requests.matching("POST /messages")[0].body["content"] == "one\ntwo\nthree"


@pytest.mark.parametrize(
    "text", ["\nstarts with a line", "مرحبا", "\u202eabc", "a\x00b", "</textarea>"]
)
def test_any_text_goes_there_unchanged(invoice, sandbox, agent_client, text):
    client = agent_client
    client.post(f"{page_of(invoice)}reply/", form_of(client, invoice, text=text))

    assert sandbox.dexra_messages(invoice.upstream_id)[0]["text"] == text
    assert client.get(page_of(invoice)).status_code == 200


def test_a_queued_message_that_is_refused_later_is_shown_with_its_text(
    invoice, sandbox, agent_client
):
    sandbox.fault("dexra", "POST", "/messages", Fault.status(429), Fault.status(400))
    agent_client.post(f"{page_of(invoice)}reply/", form_of(agent_client, invoice))
    Write.objects.update(not_before=None)
    Window.objects.update(closed_until=0)

    send_due()

    html = agent_client.get(page_of(invoice)).content.decode()
    assert Write.objects.get().status == "refused"
    assert "Not sent. Dexra: “Bad Request”" in html
    assert "<em>Mara</em>" in html
