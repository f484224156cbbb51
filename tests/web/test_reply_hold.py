"""A reply waits ten seconds in which it can be taken back; until then nobody outside reads it."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from portal.mirror.delivered import save_delivered
from portal.models import Conversation, Entry, Held, Message, Write
from portal.records import Author, ConversationRecord, MessageRecord
from portal.sandbox import Fault
from portal.services.conversations import keep_thread
from portal.services.sending import send_due, send_one

HTMX = {"HX-Request": "true", "HX-Target": "form#composer"}


@pytest.fixture(autouse=True)
def _ten_seconds(settings):
    settings.HOLD_SECONDS = 10


@pytest.fixture
def invoice(sandbox, dexra, synced):
    sandbox.add_dexra_user(id="u_1", email="mara@cove.example", first_name="Mara")
    made = sandbox.add_dexra_conversation(subject="Invoice copy", user_id="u_1")
    synced(dexra)
    sandbox.requests.clear()
    return Conversation.objects.get(upstream_id=made["id"])


def page_of(conversation):
    return f"/w/acme/conversations/{conversation.pk}/"


def reply(as_agent, conversation, text="Here *it* is", **more):
    form = {"content": text, "form_id": f"form-{abs(hash(text))}", "mode": "reply"}
    return as_agent.post(f"{page_of(conversation)}reply/", form, **more)


def undo(as_agent, conversation, typed="", **more):
    form = {"write": Write.objects.latest("pk").pk, "content": typed, "mode": "reply"}
    return as_agent.post(f"{page_of(conversation)}undo/", form, **more)


def text_in(response):
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", response.text, re.DOTALL)
    return found and found[1]


def ten_seconds_later():
    Write.objects.filter(status="queued").update(not_before=timezone.now())


def test_a_reply_stands_in_the_thread_and_goes_nowhere_yet(invoice, sandbox, as_agent):
    html = reply(as_agent, invoice, follow=True).text

    bubble = html.partition('class="msg out sending"')[2]
    assert "<em>it</em>" in bubble
    assert re.search(r"Sending in (10|9) s\.", bubble)
    assert "Undo" in bubble
    assert "unless you take it back" in html
    assert len(sandbox.requests.matching("POST /messages")) == 0
    assert not Message.objects.filter(origin="ours").exists()


def test_after_the_ten_seconds_it_is_sent_once(invoice, sandbox, as_agent):
    reply(as_agent, invoice)
    write = Write.objects.get()

    send_one(write.pk)
    assert sandbox.requests.count("POST /messages") == 0, "a worker that comes early waits"
    ten_seconds_later()
    for _ in range(2):
        send_one(write.pk)
        send_due()

    assert sandbox.requests.count("POST /messages") == 1
    html = as_agent.get(page_of(invoice)).text
    assert "Sent from here" in html
    assert "Undo" not in html.partition('id="log"')[2].partition("</section>")[0]


def test_taken_back_its_text_is_in_the_field_again(invoice, sandbox, as_agent):
    reply(as_agent, invoice)

    response = undo(as_agent, invoice)

    assert response.status_code == 200
    assert text_in(response) == "Here *it* is"
    assert "data-unsaved" in response.text
    assert 'class="msg out' not in response.text
    ten_seconds_later()
    send_due()
    assert sandbox.requests.count("POST /messages") == 0
    assert Entry.objects.get(action="message.send").outcome == "withdrawn"


@pytest.mark.parametrize("verb", ["undo", "reply", "note", "status"])
def test_an_address_that_stayed_in_the_bar_leads_back_to_the_thread(invoice, as_agent, verb):
    """A whole page may be the answer of a form: an open page reads its own address again."""
    response = as_agent.get(f"{page_of(invoice)}{verb}/?q=invoice")

    assert response.status_code == 302
    assert response["Location"] == f"{page_of(invoice)}?q=invoice"


def test_what_was_typed_meanwhile_stays_behind_it(invoice, as_agent):
    reply(as_agent, invoice)

    assert text_in(undo(as_agent, invoice, typed="and more")) == "Here *it* is\n\nand more"


def test_htmx_gets_field_and_thread_in_place(invoice, as_agent):
    assert "toast" not in reply(as_agent, invoice, headers=HTMX)["HX-Trigger"]

    response = undo(as_agent, invoice, headers=HTMX)

    assert "<html" not in response.text
    assert text_in(response) == "Here *it* is"
    assert '<hx-partial hx-target="#log"' in response.text


def test_too_late_to_take_back_is_said_and_nothing_typed_is_lost(invoice, sandbox, as_agent):
    reply(as_agent, invoice)
    ten_seconds_later()
    send_due()

    response = undo(as_agent, invoice, typed="my next words")

    assert response.status_code == 409
    assert "This has moved on meanwhile" in response.text
    assert text_in(response) == "my next words"
    assert sandbox.requests.count("POST /messages") == 1


def test_enter_pressed_twice_is_one_message(invoice, sandbox, as_agent):
    for _ in range(2):
        reply(as_agent, invoice)
    ten_seconds_later()
    send_due()

    assert Write.objects.count() == 1
    assert sandbox.requests.count("POST /messages") == 1


def test_a_private_note_does_not_wait(invoice, sandbox, as_agent):
    form = {"content": "For us", "form_id": "form-note-1", "mode": "note"}
    as_agent.post(f"{page_of(invoice)}note/", form)

    assert sandbox.requests.count("POST /messages") == 1
    assert Message.objects.get(origin="ours").private


def test_the_thread_asks_how_it_stands_only_while_something_is_on_its_way(invoice, as_agent):
    assert 'class="asks"' not in as_agent.get(page_of(invoice)).text
    with time_machine.travel(timezone.now(), tick=False):
        reply(as_agent, invoice)
        assert re.search(r'class="asks".*load delay:11s', as_agent.get(page_of(invoice)).text)

    ten_seconds_later()
    html = as_agent.get(page_of(invoice)).text
    assert "load delay:3s" in html
    assert "Saved here, will be sent" in html, "also where no worker runs"

    Write.objects.update(not_before=timezone.now() - timedelta(minutes=5))
    assert 'class="asks"' not in as_agent.get(page_of(invoice)).text


def test_it_gets_the_log_alone(invoice, as_agent):
    reply(as_agent, invoice)
    headers = {"HX-Request": "true", "HX-Target": "div#log"}

    html = as_agent.get(page_of(invoice), headers=headers).text

    assert html.lstrip().startswith('<div class="log"')
    assert "Undo" in html


def stopped_by_something_newer(text="Before you wrote"):
    """As the worker leaves a reply that a newer message of the customer stopped."""
    Write.objects.update(status="refused", attempt=2, reason="NewerMessage", not_before=None)
    return Write.objects.get()


def test_a_reply_that_something_newer_stopped_is_kept_and_can_be_sent_anew(
    invoice, sandbox, as_agent
):
    reply(as_agent, invoice, "Before you wrote")
    write = stopped_by_something_newer()

    html = as_agent.get(page_of(invoice)).text
    assert "Something newer arrived; your reply was not sent." in html
    assert "Before you wrote" in html
    link = f"{page_of(invoice)}?edit={write.pk}"
    assert f'href="{link}"' in html

    again = as_agent.get(link)
    assert text_in(again) == "Before you wrote"
    assert f'name="replaces" value="{write.pk}"' in again.text
    form = {"content": "After you wrote", "form_id": "form-again-1", "mode": "reply"}
    as_agent.post(f"{page_of(invoice)}reply/", form | {"replaces": write.pk})
    ten_seconds_later()
    send_due()

    [sent] = sandbox.dexra_messages(invoice.upstream_id)
    assert sent["text"] == "After you wrote"
    write.refresh_from_db()
    assert write.reason == "Withdrawn"
    assert "Before you wrote" not in as_agent.get(page_of(invoice)).text
    assert "Before you wrote" in as_agent.get(f"/w/acme/outbox/{write.pk}/").text


def test_the_customer_wrote_meanwhile_so_it_is_not_sent_until_somebody_says_so(
    invoice, sandbox, as_agent
):
    reply(as_agent, invoice)
    Message.objects.create(  # as a webhook tells it
        workspace=invoice.workspace,
        conversation=invoice,
        upstream_id="m-newer",
        origin=Message.Origin.DELIVERY,
        author="visitor",
        text="Never mind, I found it!",
        seen_at=timezone.now(),
    )
    ten_seconds_later()
    send_due()

    write = Write.objects.get()
    assert (write.status, write.reason) == ("refused", "NewerMessage")
    assert "Something newer arrived" in as_agent.get(page_of(invoice)).text
    assert sandbox.requests.count("POST /messages") == 0

    as_agent.post(f"/w/acme/outbox/{write.pk}/again/", {"attempt": write.attempt})
    assert sandbox.dexra_messages(invoice.upstream_id)[-1]["text"] == "Here *it* is"


def test_a_refused_reply_keeps_its_text_and_its_buttons(invoice, sandbox, as_agent):
    sandbox.fault("dexra", "POST", "/messages", Fault.status(400))
    reply(as_agent, invoice)
    ten_seconds_later()
    send_due()

    log = as_agent.get(page_of(invoice)).text.partition('id="log"')[2]
    assert "Not sent. Dexra: “Bad Request”" in log
    for words in ("Edit and send again", "Send again", "Discard"):
        assert words in log


def test_nobody_edits_a_message_of_another_conversation_or_workspace(
    invoice, sandbox, dexra, synced, as_agent, stranger, client_of
):
    reply(as_agent, invoice, "Mine alone")
    write = stopped_by_something_newer()
    sandbox.add_dexra_conversation(subject="Another", user_id="u_1")
    synced(dexra)
    other = Conversation.objects.exclude(pk=invoice.pk).get()

    for told in (write.pk, "0", "x", "9" * 40):
        page = as_agent.get(f"{page_of(other)}?edit={told}")
        assert page.status_code == 200
        assert "Mine alone" not in page.text
    assert undo(as_agent, other).status_code == 409
    assert client_of(stranger).get(f"{page_of(invoice)}?edit={write.pk}").status_code == 404


def test_a_viewer_sees_it_and_can_do_nothing(invoice, as_agent, viewer, client_of):
    reply(as_agent, invoice)
    watching = client_of(viewer)

    html = watching.get(page_of(invoice)).text
    assert "Sending in" in html
    assert "Undo" not in html.partition('id="log"')[2].partition("</section>")[0]
    assert undo(watching, invoice).status_code == 403


class TestSomethingNewer:
    """Whoever spoke while a reply waited, and however that became known, the reply stops."""

    def outcome(self, sandbox):
        """How the reply stands when its seconds are over, and how many were sent."""
        sent = sandbox.requests.count("POST /messages")
        ten_seconds_later()
        send_due()
        write = Write.objects.earliest("pk")
        return write.status, write.reason, sandbox.requests.count("POST /messages") - sent

    def test_the_list_tells_of_it_where_no_webhook_comes(
        self, invoice, sandbox, dexra, synced, as_agent
    ):
        reply(as_agent, invoice)
        sandbox.incoming_message(invoice.upstream_id, "Never mind, I found it!")
        synced(dexra)

        assert self.outcome(sandbox) == ("refused", "NewerMessage", 0)
        html = as_agent.get(page_of(invoice)).text
        assert "Never mind, I found it!" in html
        assert "Something newer arrived; your reply was not sent." in html

    def test_somebody_answered_in_the_service_itself(
        self, invoice, sandbox, dexra, synced, as_agent
    ):
        reply(as_agent, invoice)
        sandbox.outgoing_message(invoice.upstream_id, "I have just sent it to you.")
        synced(dexra)

        assert self.outcome(sandbox) == ("refused", "NewerMessage", 0)

    def test_a_colleague_answered_from_here(self, invoice, sandbox, as_agent, admin, client_of):
        reply(as_agent, invoice)
        reply(client_of(admin), invoice, "Mine was quicker")
        newest = Write.objects.latest("pk")
        Write.objects.filter(pk=newest.pk).update(not_before=timezone.now())
        send_one(newest.pk)

        assert self.outcome(sandbox) == ("refused", "NewerMessage", 0)
        assert [m["text"] for m in sandbox.dexra_messages(invoice.upstream_id)] == [
            "Mine was quicker"
        ]

    def test_ones_own_words_are_no_news(self, invoice, sandbox, dexra, synced, as_agent):
        """Two replies on end; the list tells of the first one under an id that we never saw."""
        reply(as_agent, invoice, "First, the invoice.")
        reply(as_agent, invoice, "Then, the date.")
        first = Write.objects.earliest("pk")
        Write.objects.filter(pk=first.pk).update(not_before=timezone.now())
        send_one(first.pk)
        Message.objects.filter(write=first).update(upstream_id="another-form-of-id")
        synced(dexra)
        assert Message.objects.filter(author="unknown").exists()

        ten_seconds_later()
        send_due()

        texts = [m["text"] for m in sandbox.dexra_messages(invoice.upstream_id)]
        assert texts == ["First, the invoice.", "Then, the date."]

    def test_a_colleagues_note_is_no_reason_to_stop(
        self, invoice, sandbox, as_agent, admin, client_of
    ):
        reply(as_agent, invoice)
        form = {"content": "Ask for the number", "form_id": "form-note-2", "mode": "note"}
        client_of(admin).post(f"{page_of(invoice)}note/", form)

        assert self.outcome(sandbox) == ("sent", "", 1)

    def test_what_the_list_showed_before_is_no_newer_once_its_sender_is_told(
        self, invoice, sandbox, dexra, synced, as_agent
    ):
        sandbox.incoming_message(invoice.upstream_id, "Where is it?")
        synced(dexra)
        reply(as_agent, invoice)
        seen = MessageRecord(author=Author.VISITOR, text="Where is it?")
        save_delivered(invoice, seen, key="delivery-1", at=timezone.now())
        assert Message.objects.get().author == "visitor"

        assert self.outcome(sandbox) == ("sent", "", 1)

    def test_a_look_at_the_conversation_tells_of_it(self, invoice, sandbox, as_agent):
        """A service that tells the last message there too (facts B3: it may)."""
        reply(as_agent, invoice)
        told = {"last_message": "Found it!", "last_message_id": "msg_9"}
        keep_thread(invoice, ConversationRecord(invoice.upstream_id, **told))

        assert self.outcome(sandbox) == ("refused", "NewerMessage", 0)

    def test_send_now_in_the_list_of_what_waits_does_not_send_unread(
        self, invoice, sandbox, dexra, synced, as_agent
    ):
        reply(as_agent, invoice)
        sandbox.incoming_message(invoice.upstream_id, "Never mind, I found it!")
        synced(dexra)
        write = Write.objects.get()

        page = as_agent.post(
            f"/w/acme/outbox/{write.pk}/now/", {"attempt": write.attempt}, follow=True
        )

        assert "Something newer arrived in the conversation." in page.text
        assert sandbox.requests.count("POST /messages") == 0
        write.refresh_from_db()
        assert (write.status, write.reason) == ("refused", "NewerMessage")


def test_two_replies_keep_their_order_though_the_first_ones_job_was_lost(
    invoice, sandbox, as_agent
):
    reply(as_agent, invoice, "First, the invoice.")
    reply(as_agent, invoice, "Then, the date.")
    second = Write.objects.latest("pk")
    ten_seconds_later()

    send_one(second.pk)
    assert sandbox.requests.count("POST /messages") == 0, "the first one goes first"
    send_due()
    send_due()

    texts = [m["text"] for m in sandbox.dexra_messages(invoice.upstream_id)]
    assert texts == ["First, the invoice.", "Then, the date."]


def test_in_a_stopped_workspace_a_reply_does_not_promise_to_leave(invoice, sandbox, as_agent):
    Held.objects.create(workspace=invoice.workspace, reason="Restored from a backup")

    html = reply(as_agent, invoice, follow=True).text

    assert "This workspace sends nothing until an admin releases it." in html
    assert "Sending in" not in html
    Held.objects.all().delete()
    send_due()
    assert sandbox.requests.count("POST /messages") == 0, "its seconds are not over"
    ten_seconds_later()
    send_due()
    assert sandbox.requests.count("POST /messages") == 1
