"""Webhooks as the two services send them (API facts A7, B5)."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.sandbox import Sandbox, serve

SECRET = "whsec_test"


class Receiver:
    """A small server that keeps what it is sent and answers `status`."""

    def __init__(self):
        self.got, self.status = [], 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    body = b"".join(iter(self._chunk, b""))
                else:
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.status)
                self.end_headers()

            def _chunk(self):
                data = self.rfile.read(int(self.rfile.readline(), 16))
                self.rfile.readline()
                return data

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/token/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def events(self):
        return [json.loads(body)["event"] for _, body in self.got]

    def bodies(self):
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def hooked(sandbox, receiver):
    """NexaDesk sends to the receiver; the ping is over."""
    sandbox.webhook("nexadesk", receiver.url, secret=SECRET)
    sandbox.webhooks.wait()
    receiver.got.clear()
    return receiver


def test_registering_sends_a_signed_ping(sandbox, receiver):
    sandbox.webhook("nexadesk", receiver.url, secret=SECRET)
    sandbox.webhooks.wait()

    ((headers, body),) = receiver.got
    assert json.loads(body)["event"] == "ping"
    assert "X-NexaDesk-Signature" in headers


def test_a_change_is_told_signed_over_the_raw_body(sandbox, hooked, nexadesk):
    lead = nexadesk.post("/leads", json={"visitor_name": "Zoë"}).json()["data"]
    sandbox.webhooks.wait()

    ((headers, body),) = hooked.got
    event = json.loads(body)
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-NexaDesk-Signature"] == f"sha256={digest}"
    assert set(event) == {"event", "timestamp", "workspace_id", "data"}
    assert event["event"] == "lead.created"
    assert event["workspace_id"].startswith("ws_")
    assert event["data"] == lead


def test_every_documented_event_is_sent(sandbox, hooked):
    lead, contact = sandbox.add_lead(), sandbox.add_contact(first_name="Omar")
    sandbox.edit_lead(lead["id"], pipeline_stage="lost")
    sandbox.delete_lead(lead["id"])
    sandbox.edit_contact(contact["id"], first_name="O")
    sandbox.delete_contact(contact["id"])  # no event is documented
    conversation = sandbox.add_conversation()
    sandbox.add_message(conversation["id"], "hello")
    sandbox.edit_conversation(conversation["id"], status="archived")
    sandbox.webhooks.wait()

    assert hooked.events() == [
        "lead.created",
        "contact.created",
        "lead.updated",
        "lead.deleted",
        "contact.updated",
        "conversation.created",
        "message.created",
        "conversation.updated",
        "conversation.closed",
    ]


def test_only_the_chosen_events_are_sent(sandbox, receiver):
    sandbox.webhook("nexadesk", receiver.url, events=["lead.deleted"])
    lead = sandbox.add_lead()
    sandbox.delete_lead(lead["id"])
    sandbox.webhooks.wait()

    assert receiver.events() == ["ping", "lead.deleted"]


def test_a_delivery_not_answered_200_is_tried_again(sandbox, hooked):
    hooked.status = 500
    sandbox.add_lead()
    sandbox.webhooks.wait()

    assert len(hooked.got) == 3
    assert len({body for _, body in hooked.got}) == 1
    assert sandbox.webhooks.deliveries[-1].outcomes == [500, 500, 500]
    assert not sandbox.webhooks.deliveries[-1].arrived


def test_an_address_where_nobody_listens_is_noted_and_harms_nothing(sandbox):
    sandbox.webhook("nexadesk", "http://127.0.0.1:1/")
    sandbox.webhooks.wait()

    assert "refused" in str(sandbox.webhooks.deliveries[-1].outcomes[-1])


def test_deliveries_can_be_dropped_doubled_and_shuffled(sandbox, hooked):
    sandbox.webhooks.drop()
    sandbox.add_lead(visitor_name="dropped")
    sandbox.webhooks.double()
    sandbox.add_lead(visitor_name="twice")
    sandbox.webhooks.wait()
    assert [body["data"]["visitor_name"] for body in hooked.bodies()] == ["twice", "twice"]

    hooked.got.clear()
    sandbox.webhooks.hold()
    for number in range(8):
        sandbox.add_lead(visitor_name=str(number))
    assert hooked.got == []
    sandbox.webhooks.release(shuffle=True, seed=1)
    sandbox.webhooks.wait()
    came = [body["data"]["visitor_name"] for body in hooked.bodies()]
    assert came != sorted(came)
    assert sorted(came) == [str(number) for number in range(8)]


def test_after_an_outage_data_and_webhooks_are_still_there(receiver):
    sandbox = Sandbox()
    with serve(sandbox):
        sandbox.webhook("nexadesk", receiver.url)
        sandbox.add_lead(visitor_name="before")
        sandbox.webhooks.wait()
        port = int(sandbox.base_url.rpartition(":")[2])
    with serve(sandbox, port=port):
        sandbox.add_lead(visitor_name="after")
        sandbox.webhooks.wait()

    assert receiver.events() == ["ping", "lead.created", "lead.created"]
    assert len(sandbox.leads) == 2


def test_an_old_delivery_can_be_replayed_byte_for_byte(sandbox, hooked):
    sandbox.add_lead()
    sandbox.webhooks.wait()
    sandbox.webhooks.resend(sandbox.webhooks.deliveries[-1])
    sandbox.webhooks.wait()

    first, second = hooked.got
    assert first[1] == second[1]
    assert first[0]["X-NexaDesk-Signature"] == second[0]["X-NexaDesk-Signature"]


def test_a_body_can_be_sent_in_chunks(sandbox, receiver):
    sandbox.webhook("nexadesk", receiver.url, secret=SECRET, chunked=True)
    sandbox.webhooks.wait()

    ((headers, body),) = receiver.got
    assert headers["Transfer-Encoding"] == "chunked"
    assert json.loads(body)["event"] == "ping"


def test_thin_events_hold_only_the_six_fields_of_the_documented_example(sandbox, hooked):
    sandbox.nexadesk_assumptions.thin_events = True
    sandbox.add_lead(visitor_name="Petra")
    sandbox.webhooks.wait()

    (event,) = hooked.bodies()
    assert len(event["data"]) == 6


@pytest.mark.parametrize(
    ("channel", "has"),
    [
        ("email", {"id", "subject", "content", "type"}),
        ("instagram", {"id", "content"}),
        ("telegram", {"content", "type"}),
    ],
)
def test_dexras_message_events_are_nested_and_unsigned(sandbox, receiver, channel, has):
    user = sandbox.add_dexra_user(email="mara@cove.example")
    one = sandbox.add_dexra_conversation(user_id=user["id"], channel=channel, subject="Late")
    sandbox.webhook("dexra", receiver.url, secret=SECRET)
    sandbox.incoming_message(one["id"], "It has not come.")
    sandbox.webhooks.wait()

    ((headers, body),) = receiver.got
    event = json.loads(body)
    assert not [name for name in headers if "signature" in name.lower()]
    assert (event["event"], event["channel"]) == ("message_in", channel)
    assert event["data"]["conversation_id"] == one["id"]
    assert event["data"]["user"]["id"] == user["id"]
    assert set(event["data"]["message"]) == has
    assert ("timestamp" in event) == (channel == "instagram")


def test_dexras_other_spelling_is_flat(sandbox, receiver):
    sandbox.dexra_assumptions.webhook_form = "flat"
    one = sandbox.add_dexra_conversation(channel="whatsapp")
    sandbox.webhook("dexra", receiver.url)
    sandbox.incoming_message(one["id"], "Hi")
    sandbox.webhooks.wait()

    assert receiver.bodies() == [
        {
            "event": "message_in",
            "conversation_id": one["id"],
            "message_text": "Hi",
            "source_channel": "whatsapp",
        }
    ]


def test_dexra_tells_of_answers_and_users_but_not_of_notes(sandbox, receiver, dexra):
    sandbox.webhook("dexra", receiver.url)
    begun = dexra.post("/conversations", json={"user_id": "u_1"}).json()["id"]
    dexra.post("/messages", json={"conversation_id": begun, "content": "answer"})
    note = {"conversation_id": begun, "content": "n", "type": "private_note"}
    dexra.post("/messages", json=note)
    sandbox.outgoing_message(begun, "from the AI", by="ai")
    dexra.patch("/users/u_1", json={"email": "a@b.example"})
    sandbox.webhooks.wait()

    assert receiver.events() == [
        "conversation_created",
        "message_out",
        "message_out",
        "user_updated",
    ]
    assert receiver.bodies()[2]["source"] == "ai"


def test_webhook_ids_may_differ_from_the_apis(sandbox, receiver):
    sandbox.dexra_assumptions.webhook_ids = "digits"
    one = sandbox.add_dexra_conversation(channel="telegram")
    sandbox.webhook("dexra", receiver.url)
    sandbox.incoming_message(one["id"], "Hi")
    sandbox.webhooks.wait()

    assert receiver.bodies()[0]["data"]["conversation_id"].startswith("TG_")
