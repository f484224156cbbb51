"""What is let in at a webhook's address, and what everybody else hears there."""

import hashlib
import hmac
import json
import random

import pytest
from django.test import Client

from portal.deliveries.limits import Limits
from portal.models import Connection, Delivery
from portal.services import connections, deliveries
from portal.vault import store as vault
from portal.vault.seal import Secret

SECRET = "whsec_first"
EVENT = {
    "event": "lead.updated",
    "timestamp": "2026-04-02T09:12:44.000Z",
    "workspace_id": "ws_7h2k9p4d",
    "data": {"id": "L1", "visitor_name": "Zoë 名前"},
}


def signature(body, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def bytes_of(event):
    return json.dumps(event, ensure_ascii=False).encode()


@pytest.fixture
def nexadesk(nexadesk, admin):
    deliveries.set_secret(nexadesk, Secret(SECRET), actor=admin)
    return nexadesk


@pytest.fixture
def post():
    """Post a body to a connection's address, signed by its secret unless told otherwise."""
    client = Client(enforce_csrf_checks=True)

    def send(connection, event, *, signed=True, secret=SECRET, **headers):
        body = event if isinstance(event, bytes) else bytes_of(event)
        if signed:
            headers.setdefault("X-NexaDesk-Signature", signature(body, secret))
        address = connections.hook_address(connection).removeprefix("http://127.0.0.1:8000")
        return client.post(address, body, content_type="application/json", headers=headers)

    return send


def the_same(one, other):
    return (one.status_code, one.content, sorted(one.headers.items())) == (
        other.status_code,
        other.content,
        sorted(other.headers.items()),
    )


def test_a_signed_event_is_stored_and_answered_200(nexadesk, post):
    answer = post(nexadesk, EVENT)

    stored = Delivery.objects.get()
    assert answer.status_code == 200
    assert json.loads(bytes(stored.body)) == EVENT
    assert (stored.event, stored.subject_kind, stored.subject_id) == ("lead.updated", "leads", "L1")
    assert (stored.verified, stored.status) == (True, "waiting")
    assert Connection.objects.get().hook_verified_at is not None


def test_a_repeat_is_stored_once(nexadesk, post):
    assert [post(nexadesk, EVENT).status_code for _ in range(5)] == [200] * 5
    assert Delivery.objects.count() == 1


def test_two_connections_keep_the_same_body_each(nexadesk, connect_to, admin, post):
    other = connect_to("nexadesk")
    deliveries.set_secret(other, Secret(SECRET), actor=admin)

    post(nexadesk, EVENT)
    post(other, EVENT)

    assert Delivery.objects.count() == 2


def test_a_stranger_and_a_forger_hear_the_very_same(nexadesk, post):
    good = post(nexadesk, EVENT)
    unknown = Client().post("/hooks/nobody-knows-this/", EVENT, content_type="application/json")
    forged = post(nexadesk, EVENT, secret="wrong")
    unsigned = post(nexadesk, EVENT, signed=False)
    empty = post(nexadesk, b"")
    asked = Client().get(connections.hook_address(nexadesk))

    assert good.status_code == 200
    assert unknown.status_code == 404
    for answer in (forged, unsigned, empty, asked):
        assert the_same(answer, unknown)
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
def test_only_a_post_finds_anything(nexadesk, method):
    answer = getattr(Client(), method)(connections.hook_address(nexadesk))
    assert (answer.status_code, "Allow" in answer) == (404, False)


def test_a_thousand_forgeries_get_nothing_in_and_break_nothing(nexadesk, post):
    chance, good = random.Random(7), bytes_of(EVENT)
    statuses = []
    for number in range(1000):
        body, headers = good, {"X-NexaDesk-Signature": signature(good)}
        match number % 5:
            case 0:
                place = chance.randrange(len(good))
                body = good[:place] + bytes([good[place] ^ (1 << chance.randrange(8))])
                body += good[place + 1 :]
            case 1:
                text = list(headers["X-NexaDesk-Signature"])
                place = chance.randrange(len(text))
                text[place] = chr(ord(text[place]) ^ (1 << chance.randrange(5)))
                headers["X-NexaDesk-Signature"] = "".join(text)
            case 2:
                body = good[: chance.randrange(len(good))]
            case 3:
                odd = [
                    "",
                    "sha256=",
                    "SHA256=",
                    "sha1=",
                    "ключ",
                    "\x7f\xff\xfe",
                    "é" * 64,
                    "0" * 71,
                ]
                made = chance.choice(odd) + chance.choice(["", "ab" * 32, "é"])
                headers["X-NexaDesk-Signature"] = made
            case 4:
                body = good + chance.choice([b" ", b"\n", b"{}", b"\x00", b"\xff"])
        statuses.append(post(nexadesk, body, signed=False, **headers).status_code)

    assert set(statuses) == {404}
    assert Delivery.objects.count() == 0


def test_an_upper_case_digest_is_not_the_signature(nexadesk, post):
    body = bytes_of(EVENT)
    headers = {"X-NexaDesk-Signature": signature(body).upper()}
    assert post(nexadesk, body, signed=False, **headers).status_code == 404


def test_without_a_secret_the_door_is_closed(connect_to, post):
    closed = connect_to("nexadesk")

    assert post(closed, EVENT).status_code == 404
    assert post(closed, EVENT, secret="").status_code == 404
    assert Delivery.objects.count() == 0


PING = {"event": "ping", "timestamp": "2026-04-02T09:12:44.000Z", "workspace_id": "ws", "data": {}}


def test_an_unsigned_ping_is_greeted_and_not_stored(connect_to, post, admin):
    connection = connect_to("nexadesk")
    assert post(connection, PING, signed=False).status_code == 200

    deliveries.set_secret(connection, Secret(SECRET), actor=admin)
    assert post(connection, PING, signed=False).status_code == 200
    assert post(connection, PING, secret="wrong").status_code == 404
    assert Delivery.objects.count() == 0
    assert Connection.objects.get().hook_verified_at is None
    assert Connection.objects.get().hook_seen_at is not None


@pytest.mark.parametrize("data", [{}, None, {"message": "Your webhook works"}])
def test_a_ping_signed_by_a_secret_that_we_do_not_have_yet_is_greeted(data, connect_to, post):
    assert post(connect_to("nexadesk"), PING | {"data": data}).status_code == 200
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"ping",
        b'{"event":"ping"',
        b'{"event":"ping","data":{"id":"L1"}}',
        b'{"event":"ping","data":{"conversation_id":"C1"}}',
        b'{"event":"ping","data":{"lead":{"id":"L1"}}}',
        b'{"event":"ping","data":["L1"]}',
        b'{"event":"lead.created","data":{}}',
        b'{"type":"ping","event":"lead.deleted"}',
        b"[" * 100_000,
    ],
)
def test_what_could_be_an_event_is_never_greeted_unsigned(nexadesk, post, body):
    assert post(nexadesk, body, signed=False).status_code == 404


def test_a_signed_ping_is_stored(nexadesk, post):
    assert post(nexadesk, PING).status_code == 200
    assert Delivery.objects.get().event == "ping"


def test_while_a_secret_is_replaced_both_are_good(nexadesk, post, admin):
    deliveries.set_secret(nexadesk, Secret("whsec_second"), actor=admin)

    def knock(secret, word):
        return post(nexadesk, EVENT | {"timestamp": word}, secret=secret).status_code

    assert knock(SECRET, "1") == knock("whsec_second", "2") == 200
    deliveries.forget_old_secret(nexadesk, actor=admin)
    assert (knock(SECRET, "3"), knock("whsec_second", "4")) == (404, 200)


def test_a_body_over_the_cap_is_not_even_read(nexadesk, post):
    just = b'{"event":"' + b"x" * (256 * 1024 - 12) + b'"}'
    assert len(just) == 256 * 1024
    assert post(nexadesk, just).status_code == 200
    assert post(nexadesk, just + b" ").status_code == 413
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"not json", b"[" * 100_000, b'"text"', b'{"event": "lead.created"}']
)
def test_what_is_well_signed_and_cannot_be_read_is_kept_all_the_same(nexadesk, post, body):
    assert post(nexadesk, body).status_code == 200
    assert bytes(Delivery.objects.get().body) == body


def test_dexra_is_protected_by_its_address_alone(dexra, post):
    body = {
        "event": "message_in",
        "data": {"conversation_id": "conv_1", "message": {"id": "m1", "content": "Hi"}},
    }

    assert post(dexra, body, signed=False).status_code == 200
    stored = Delivery.objects.get()
    assert (stored.verified, stored.event, stored.subject_id) == (False, "message_in", "conv_1")
    assert Connection.objects.get().hook_verified_at is None


def test_a_body_that_cannot_be_told_from_a_repeat_is_kept_again_and_marked(dexra, post):
    body = {"event": "message_in", "conversation_id": "conv_1", "message_text": "OK"}

    for _ in range(3):
        assert post(dexra, body, signed=False).status_code == 200

    marks = list(Delivery.objects.order_by("id").values_list("possibly_repeated", flat=True))
    assert marks == [False, True, True]


def test_too_many_in_a_minute_are_told_to_come_later(nexadesk, post, settings, monkeypatch):
    settings.WEBHOOKS_PER_MINUTE = 3
    monkeypatch.setattr(deliveries, "LIMITS", Limits())

    answers = [post(nexadesk, EVENT | {"timestamp": str(n)}) for n in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1]["Retry-After"]
    assert Delivery.objects.count() == 3


def test_forgers_do_not_use_up_what_is_allowed(nexadesk, post, settings, monkeypatch):
    settings.WEBHOOKS_PER_MINUTE = 3
    monkeypatch.setattr(deliveries, "LIMITS", Limits())

    for _ in range(10):
        post(nexadesk, EVENT, secret="wrong")

    assert post(nexadesk, EVENT).status_code == 200


def test_too_many_waiting_are_told_to_come_later(nexadesk, post, settings, monkeypatch):
    settings.WEBHOOKS_WAITING = 2
    for number in range(3):
        post(nexadesk, EVENT | {"timestamp": str(number)})
    monkeypatch.setattr(deliveries, "LIMITS", Limits())

    assert post(nexadesk, EVENT | {"timestamp": "x"}).status_code == 429


def test_the_bucket_fills_again():
    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    clock = Clock()
    limits = Limits(clock)
    limits._full[1] = (clock.now, False)
    taken = 0
    while limits._take(1):
        taken += 1
    clock.now += 60
    again = 0
    while limits._take(1):
        again += 1
    assert taken == again == 9_000


def test_a_key_ring_that_is_lost_closes_the_door_for_a_while(nexadesk, post, settings):
    settings.PORTAL_KEYRING = {"other": b"\x01" * 32}
    body, token = bytes_of(EVENT), "known-token"
    Connection.objects.update(hook_mark=vault.hook_mark(token))
    answer = Client().post(
        f"/hooks/{token}/",
        body,
        content_type="application/json",
        headers={"X-NexaDesk-Signature": signature(body)},
    )
    assert answer.status_code == 503
    assert Delivery.objects.count() == 0


def test_neither_session_nor_cookie_comes_of_it(nexadesk, post):
    answer = post(nexadesk, EVENT)
    assert not answer.cookies
    assert answer["Cache-Control"] == "no-store"


def test_the_address_works_without_its_last_slash(nexadesk):
    body = bytes_of(EVENT)
    address = connections.hook_address(nexadesk).rstrip("/")
    answer = Client().post(
        address,
        body,
        content_type="application/json",
        headers={"X-NexaDesk-Signature": signature(body)},
    )
    assert answer.status_code == 200


def test_a_chunked_body_is_refused_where_the_server_does_not_tell_its_end(nexadesk, post):
    """Django alone takes it for the empty body, which nobody may verify."""
    body = bytes_of(EVENT)
    headers = {"Transfer-Encoding": "chunked", "X-NexaDesk-Signature": signature(b"")}
    assert post(nexadesk, body, signed=False, **headers).status_code == 411
    assert Delivery.objects.count() == 0
