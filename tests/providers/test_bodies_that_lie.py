"""A body that is not what its headers and documentation say changes nothing and breaks nothing."""

import gzip
import json
import tracemalloc

import pytest

from portal.providers.dexra import DEXRA
from portal.providers.errors import BrokenContract, Refused, Unreachable
from portal.providers.nexadesk import NEXADESK
from portal.records import Kind
from portal.sandbox import Fault

MALFORMED = [
    b"",
    b" \r\n\t",
    b"<!doctype html><title>One moment</title>",
    b"OK",
    b"{",
    b"[",
    b"}",
    b"{]",
    b'{"success": true, "data": [',
    b'{"success": true, "data": [{"id": "1"}]',
    b"{'success': true}",
    b'{"success": true,}',
    b'{"success": True}',
    b'{"success": true} {"success": true}',
    b'{"success": true}trailing',
    b"null",
    b"true",
    b"0",
    b'"text"',
    b"[]",
    b"{}",
    b"[{}]",
    b"NaN",
    b"-",
    b"1e",
    b"\xff\xfe\x00\x00",
    b'{"data": "\xff"}',
    b"\x00",
    b"\xef\xbb\xbf",
    b'{"a": "\x01"}',
    b'{"a": "\\x"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"data": [' + b"[" * 5_000 + b"]" * 5_000 + b"]}",
    b"9" * 10_000,
    json.dumps({"success": True, "data": []}).encode("utf-16-le") + b"\x00",
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_body_is_a_broken_contract(talk, answer, body):
    for provider in (NEXADESK, DEXRA):
        reader = talk(answer(body), provider)
        with pytest.raises(BrokenContract):
            reader.list_page(Kind.CONVERSATIONS)
        with pytest.raises(BrokenContract):
            reader.get_conversation("c1")
        assert len(reader.wire.requests) == 2


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_after_a_write_nobody_knows(talk, answer, body):
    with pytest.raises(BrokenContract) as lead:
        talk(answer(body)).create_lead({"visitor_name": "Petra"})
    with pytest.raises(BrokenContract) as message:
        talk(answer(body), DEXRA).send_message("c1", "Hello")

    assert lead.value.arrived is message.value.arrived is True


@pytest.mark.parametrize("fault", [Fault.html(), Fault.garbage(), Fault.empty(), Fault.empty(204)])
def test_what_proxies_say_is_a_broken_contract(sandbox, nexadesk, fault):
    sandbox.fault("nexadesk", "GET", "/leads", fault)

    with pytest.raises(BrokenContract):
        nexadesk.list_page(Kind.LEADS)


def test_a_body_cut_anywhere_gives_nothing(sandbox, nexadesk):
    for number in range(20):
        sandbox.add_lead(visitor_name=f"Lead {number}")
    rows = [lead.raw for lead in nexadesk.list_page(Kind.LEADS).records]
    length = len(json.dumps(rows, separators=(",", ":")))

    for keep in range(0, length, 500):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.cut_body(keep), times=3)
        with pytest.raises(Unreachable):
            nexadesk.list_page(Kind.LEADS)
        sandbox.clear_faults()


def test_a_content_length_too_short_gives_nothing(sandbox, nexadesk):
    sandbox.add_lead(visitor_name="Petra")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.wrong_content_length(-7))

    with pytest.raises(BrokenContract):
        nexadesk.list_page(Kind.LEADS)


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(sandbox, nexadesk):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.gzip_bomb(300))
    tracemalloc.start()

    with pytest.raises(BrokenContract, match="unpacked"):
        nexadesk.list_page(Kind.LEADS)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 60_000_000


def test_a_bomb_that_comes_as_an_error_is_still_that_error(talk, answer):
    bomb = gzip.compress(b'{"error": "' + b"a" * 50_000_000 + b'"}')
    client = talk(answer(bomb, status="400 Bad Request", Content_Encoding="gzip"))

    with pytest.raises(Refused):
        client.list_page(Kind.LEADS)


def test_a_body_beyond_the_cap_is_refused(talk, answer):
    client = talk(answer(b" " * (16 * 1024 * 1024 + 1)))

    with pytest.raises(BrokenContract, match="longer"):
        client.list_page(Kind.LEADS)


def test_a_compressed_answer_is_read(talk, answer, leads_page):
    body = gzip.compress(json.dumps(leads_page({"id": "L1"})).encode())
    client = talk(answer(body, Content_Encoding="gzip"))

    assert client.list_page(Kind.LEADS).records[0].upstream_id == "L1"


@pytest.mark.parametrize(
    ("encoding", "squeeze"),
    [
        ("gzip", lambda body: body),
        ("gzip", lambda body: gzip.compress(body)[:-9]),
        ("gzip", lambda body: b"\x1f\x8b" + body),
        ("br", lambda body: body),
        ("deflate", lambda body: body),
        ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
    ],
)
def test_a_compression_that_lies_or_was_not_asked_for_gives_nothing(
    talk, answer, leads_page, encoding, squeeze
):
    body = squeeze(json.dumps(leads_page({"id": "L1"})).encode())
    client = talk(answer(body, Content_Encoding=encoding))

    with pytest.raises(BrokenContract):
        client.list_page(Kind.LEADS)


def test_headers_without_end_give_nothing(talk):
    def send(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: " + b"a" * 8000 + b"\r\n")

    with pytest.raises(Unreachable):
        talk(send).list_page(Kind.LEADS)


@pytest.mark.parametrize("fault", ["success_false", "data_not_list", "data_missing", "data_null"])
def test_a_single_answer_of_the_wrong_shape_is_a_broken_contract(sandbox, nexadesk, fault):
    lead = sandbox.add_lead(visitor_name="Petra")["id"]
    sandbox.fault("nexadesk", "*", "/leads", Fault.shape(fault), times=None)

    with pytest.raises(BrokenContract):
        nexadesk.get_lead(lead)
    with pytest.raises(BrokenContract) as change:
        nexadesk.update_lead(lead, {"visitor_name": "Hedy"})

    assert change.value.arrived is True


def test_another_record_than_the_one_asked_for_is_never_taken(talk, answer):
    client = talk(answer({"success": True, "data": {"id": "L2", "visitor_name": "Hedy"}}))

    for call in (
        lambda: client.get_lead("L1"),
        lambda: client.update_lead("L1", {"visitor_name": "Petra"}),
        lambda: client.get_contact("L1"),
        lambda: client.get_conversation("L1"),
        lambda: client.set_status("L1", "archived"),
        lambda: talk(answer({"id": "c2", "status": "open"}), DEXRA).get_conversation("c1"),
    ):
        with pytest.raises(BrokenContract):
            call()
