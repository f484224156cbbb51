"""Every fault, as a plain client meets it on the socket."""

import gzip
import json
import socket
import time
import zlib

import httpx
import pytest

from portal.sandbox import Fault, Sandbox, serve
from portal.sandbox.faults import CANNED, NAMES
from portal.sandbox.shapes import SHAPES
from tests.sandbox.conftest import soon
from tests.stopwatch import stopwatch


def raw(sandbox, http, path="/leads", method="GET", seconds=20.0):
    """The bytes of an answer, read to the end, and the error that ended it, if any."""
    address = httpx.URL(sandbox.base_url)
    request = (
        f"{method} {httpx.URL(sandbox.nexadesk_url).path}{path} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {http.headers['Authorization']}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((address.host, address.port), timeout=seconds) as link:
        link.sendall(request.encode())
        data = b""
        try:
            while part := link.recv(65536):
                data += part
        except OSError as error:
            return data, error
    return data, None


def test_a_status_is_answered_in_the_apis_own_error_form_and_not_applied(sandbox, nexadesk, dexra):
    sandbox.fault("nexadesk", "POST", "/leads", Fault.status(503, headers={"Retry-After": "7"}))
    sandbox.fault("dexra", "POST", "/messages", Fault.status(500))

    ours = nexadesk.post("/leads", json={"visitor_name": "x"})
    theirs = dexra.post("/messages", json={})

    assert (ours.status_code, ours.headers["Retry-After"]) == (503, "7")
    assert ours.json() == {"success": False, "error": "Service Unavailable"}
    assert "X-RateLimit-Remaining" in ours.headers
    assert (theirs.status_code, "error" in theirs.json()) == (500, True)
    assert sandbox.leads == []


def test_a_500_can_come_after_all_was_applied(sandbox, nexadesk):
    sandbox.fault("nexadesk", "POST", "/leads", Fault.status(500, apply=True))

    assert nexadesk.post("/leads", json={"visitor_name": "x"}).status_code == 500
    assert len(sandbox.leads) == 1


def test_a_fault_strikes_only_its_method_and_path_and_only_once(sandbox, nexadesk):
    sandbox.fault("nexadesk", "GET", "/contacts", Fault.status(500))
    sandbox.fault("dexra", "*", "*", Fault.status(500))

    paths = ("/leads", "/contacts", "/contacts")
    assert [nexadesk.get(path).status_code for path in paths] == [200, 500, 200]


def test_faults_queue_repeat_and_can_be_cleared(sandbox, nexadesk):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(500), Fault.status(502), times=2)
    assert [nexadesk.get("/leads").status_code for _ in range(5)] == [500, 500, 502, 502, 200]

    sandbox.fault_next(Fault.status(429), times=None)
    assert [nexadesk.get("/leads").status_code for _ in range(3)] == [429] * 3
    sandbox.clear_faults()
    assert nexadesk.get("/leads").status_code == 200


@pytest.mark.parametrize(
    ("fault", "applied"), [(Fault.reset_before_apply(), False), (Fault.reset_after_apply(), True)]
)
def test_a_reset_before_or_after_the_change(sandbox, nexadesk, fault, applied):
    lead = sandbox.add_lead(visitor_name="Grace")
    sandbox.fault("nexadesk", "PATCH", "/leads", fault)

    with pytest.raises(httpx.ReadError):
        nexadesk.patch(f"/leads?id={lead['id']}", json={"visitor_name": "Hedy"})

    assert sandbox.lead(lead["id"])["visitor_name"] == ("Hedy" if applied else "Grace")
    assert sandbox.requests[-1].status is None


def test_a_change_can_be_applied_long_after_the_connection_broke(sandbox, nexadesk):
    sandbox.fault("nexadesk", "POST", "/leads", Fault.apply_late(1.5))

    with pytest.raises(httpx.ReadError):
        nexadesk.post("/leads", json={"visitor_name": "x"})

    assert sandbox.leads == []
    assert soon(lambda: len(sandbox.leads) == 1)


@pytest.mark.parametrize("part", ["status", "headers", "body"])
def test_a_reset_in_the_middle_of_the_answer(sandbox, nexadesk, part):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.reset_during(part))

    data, error = raw(sandbox, nexadesk)

    assert isinstance(error, ConnectionResetError)
    assert (b"\r\n" in data) == (part != "status")
    assert (b"\r\n\r\n" in data) == (part == "body")
    assert not data.endswith(b"}")


def test_a_refused_connection_is_reset_before_a_byte(sandbox, nexadesk):
    sandbox.refuse_connections(1)

    with pytest.raises(httpx.TransportError):
        nexadesk.get("/leads")

    assert nexadesk.get("/leads").status_code == 200
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("fault", [Fault.delay(0.2), Fault.delay_after_apply(0.2)])
def test_a_late_answer(sandbox, nexadesk, fault):
    sandbox.fault("nexadesk", "GET", "/leads", fault)
    begun = time.monotonic()

    assert nexadesk.get("/leads").status_code == 200
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize(
    ("fault", "applied"), [(Fault.delay(9), False), (Fault.delay_after_apply(9), True)]
)
def test_a_delay_lies_before_or_after_the_change(sandbox, nexadesk, fault, applied):
    sandbox.fault("nexadesk", "POST", "/leads", fault)

    with pytest.raises(httpx.ReadTimeout):
        nexadesk.post("/leads", json={"visitor_name": "x"}, timeout=0.2)

    assert soon(lambda: len(sandbox.leads) == 1) if applied else sandbox.leads == []


def test_silence_lasts_until_the_client_gives_up(sandbox, nexadesk):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.silence())

    with pytest.raises(httpx.ReadTimeout):
        nexadesk.get("/leads", timeout=0.2)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_dripping_answer_is_whole_but_slow(sandbox, nexadesk, part):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.drip(0.001, part))
    begun = time.monotonic()

    answer = nexadesk.get("/leads", timeout=20)  # each read is quick, the whole is not

    assert answer.json()["success"] is True
    assert time.monotonic() - begun > 0.09


@pytest.mark.parametrize(
    "fault", [Fault.cut_body(), Fault.cut_body(3), Fault.wrong_content_length(5)]
)
def test_a_body_shorter_than_promised(sandbox, nexadesk, fault):
    sandbox.fault("nexadesk", "GET", "/leads", fault)

    with pytest.raises(httpx.RemoteProtocolError):
        nexadesk.get("/leads")


def test_a_body_longer_than_promised_reads_as_cut_json(sandbox, nexadesk):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.wrong_content_length(-4))

    with pytest.raises(json.JSONDecodeError):
        nexadesk.get("/leads").json()


def test_answers_that_are_not_the_apis(sandbox, nexadesk):
    order = (
        Fault.html(),
        Fault.garbage(),
        Fault.garbage(text="[" * 100_000),
        Fault.empty(),
        Fault.redirect("http://127.0.0.1:1/"),
        Fault.status(502, text="bad gateway"),
    )
    sandbox.fault("nexadesk", "GET", "/leads", *order)

    html, garbage, deep, empty, redirect, plain = (nexadesk.get("/leads") for _ in order)

    assert (html.status_code, html.headers["Content-Type"][:9]) == (200, "text/html")
    assert (garbage.status_code, garbage.headers["Content-Type"][:16]) == (200, "application/json")
    with pytest.raises(UnicodeDecodeError):
        garbage.content.decode()
    assert len(deep.content) == 100_000
    assert (empty.status_code, empty.content) == (200, b"")
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "http://127.0.0.1:1/")
    assert (plain.status_code, plain.text) == (502, "bad gateway")


def test_a_gzip_bomb_is_small_on_the_wire_and_large_unpacked(sandbox, nexadesk):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.gzip_bomb(20))

    data, error = raw(sandbox, nexadesk)

    head, _, body = data.partition(b"\r\n\r\n")
    assert error is None
    assert b"Content-Encoding: gzip" in head
    assert len(body) < 100_000
    assert len(zlib.decompress(body, wbits=31)) > 20 * 1024 * 1024
    assert json.loads(gzip.decompress(body))["data"] == []


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_wrong_shapes_are_sound_json_with_200(sandbox, nexadesk, dexra, shape):
    for number in range(3):
        sandbox.add_lead(visitor_name=f"L{number}")
        sandbox.add_dexra_conversation()
    sound = nexadesk.get("/leads?limit=2&cursor=MQ").json()
    sandbox.fault_next(Fault.shape(shape), times=2)

    ours = nexadesk.get("/leads?limit=2&cursor=MQ")
    theirs = dexra.get("/conversations?limit=2")

    assert (ours.status_code, theirs.status_code) == (200, 200)
    assert ours.json() != sound
    theirs.json()


def test_what_the_wrong_shapes_say(sandbox, nexadesk):
    for number in range(5):
        sandbox.add_lead(visitor_name=f"L{number}")

    def shaped(fault, query=""):
        sandbox.fault("nexadesk", "GET", "/leads", fault)
        return nexadesk.get(f"/leads?limit=2{query}").json()

    assert shaped(Fault.success_false())["success"] is False
    assert isinstance(shaped(Fault.data_not_list())["data"], dict)
    assert "pagination" not in shaped(Fault.no_pagination())
    looped = shaped(Fault.looping_cursor(), "&cursor=Mg")["pagination"]
    assert (looped["next_cursor"], looped["has_more"]) == ("Mg", True)
    blind = shaped(Fault.has_more_without_cursor())["pagination"]
    assert (blind["next_cursor"], blind["has_more"]) == (None, True)
    empty = shaped(Fault.shape("empty_page"))
    assert (empty["data"], empty["pagination"]["has_more"]) == ([], True)
    nothing = shaped(Fault.shape("nothing_listed"))
    assert (nothing["data"], nothing["pagination"]["total_count"]) == ([], 0)


def test_every_fault_that_exists_can_be_ordered_by_name():
    for name in NAMES:
        assert Fault.from_json({"name": name}).name == name
    assert set(CANNED) < NAMES
    for wrong in ({"name": "typo"}, {"name": "status", "code": 500}, {}):
        with pytest.raises(ValueError, match="fault"):
            Fault.from_json(wrong)


def test_stopping_ends_faults_that_still_wait_at_once():
    with stopwatch() as took, serve(Sandbox()) as sandbox:
        key = sandbox.key("nexadesk")
        sandbox.fault_next(Fault.silence())
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(
                f"{sandbox.nexadesk_url}/leads",
                headers={"Authorization": f"Bearer {key}"},
                timeout=0.1,
                trust_env=False,
            )
    assert took() < 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(sandbox.nexadesk_url, trust_env=False)


def test_sandboxes_start_quickly_and_live_side_by_side():
    with stopwatch() as took, serve(Sandbox()) as one, serve(Sandbox()) as two:
        one.add_lead(visitor_name="only here")
        assert one.base_url != two.base_url
        assert two.leads == []
    assert took() < 0.2
