"""Each way a call can fail has one error, named by what to do next."""

import contextlib
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.providers import failures
from portal.providers.dexra import DEXRA
from portal.providers.errors import (
    BrokenContract,
    Duplicate,
    KeyRejected,
    NotFound,
    NotPermitted,
    RateLimited,
    Refused,
    Unreachable,
)
from portal.providers.nexadesk import NEXADESK
from portal.records import Kind
from portal.sandbox import Fault


@pytest.fixture
def both(nexadesk, dexra):
    return nexadesk, dexra


@pytest.mark.parametrize(
    ("status", "error", "arrived"),
    [
        (400, Refused, False),
        (401, KeyRejected, False),
        (403, NotPermitted, False),
        (404, NotFound, False),
        (405, Refused, False),
        (408, Unreachable, True),
        (409, Duplicate, False),
        (410, NotFound, False),
        (413, Refused, False),
        (422, Refused, False),
        (425, Unreachable, True),
        (429, RateLimited, False),
        (500, Unreachable, True),
        (502, Unreachable, True),
        (503, Unreachable, True),
        (504, Unreachable, True),
        (301, BrokenContract, False),
        (302, BrokenContract, True),
        (308, BrokenContract, False),
    ],
)
def test_a_status_says_what_to_do(sandbox, both, status, error, arrived):
    nexadesk, dexra = both
    sandbox.fault_next(Fault.status(status), times=2)

    with pytest.raises(error) as one:
        nexadesk.create_lead({"visitor_name": "Petra"})
    with pytest.raises(error) as other:
        dexra.create_conversation({"user_id": "u_1"})

    assert type(one.value) is type(other.value) is error
    assert (one.value.status, one.value.arrived) == (status, arrived)
    assert (one.value.provider, other.value.provider) == ("nexadesk", "dexra")
    assert len(sandbox.requests) == 2


def test_nexadesk_s_own_sentence_is_kept(nexadesk):
    with pytest.raises(Refused) as refused:
        nexadesk.create_lead({"visitor_email": "petra@harbour.example"})

    assert refused.value.said == "visitor_name is required"


@pytest.mark.parametrize("form", ["object", "string", "message"])
def test_dexra_s_own_sentence_is_found_in_any_form(sandbox, dexra, form):
    sandbox.dexra_assumptions.error_form = form

    with pytest.raises(Refused) as refused:
        dexra.create_conversation({"subject": "Invoice"})

    assert "user_id" in refused.value.said


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'"no"',
        b'{"error": 5}',
        b'{"error": {"message": []}}',
        b'{"error": null}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}" + b" " * 200_000,
    ],
)
def test_an_error_without_a_sentence_is_still_that_error(talk, answer, body):
    for provider in (NEXADESK, DEXRA):
        client = talk(answer(body, status="400 Bad Request"), provider)
        with pytest.raises(Refused) as refused:
            client.list_page(Kind.CONVERSATIONS)
        assert refused.value.said == ""


def test_a_sentence_is_at_most_2000_characters(talk, answer):
    client = talk(answer({"success": False, "error": "x" * 9000}, status="400 Bad Request"))

    with pytest.raises(Refused) as refused:
        client.list_page(Kind.LEADS)

    assert len(refused.value.said) == 2000


def test_the_key_never_comes_back_in_a_sentence(talk, answer):
    client = talk(answer({"error": "key fc_live_secret0 is dead"}, status="401 Unauthorized"))

    with pytest.raises(KeyRejected) as rejected:
        client.list_page(Kind.LEADS)

    assert rejected.value.said == "key *** is dead"


def test_a_revoked_key_is_told_at_once(sandbox, nexadesk):
    for key in {key.value for key in sandbox.keys}:
        sandbox.revoke(key)

    with pytest.raises(KeyRejected):
        nexadesk.list_page(Kind.LEADS)

    assert len(sandbox.requests) == 1


def test_a_key_that_may_only_read_is_told_on_a_write(sandbox):
    key = sandbox.key("nexadesk", scopes=("read",))
    with NEXADESK.open(key, base_url=sandbox.nexadesk_url) as client:
        client.list_page(Kind.LEADS)
        with pytest.raises(NotPermitted) as refused:
            client.create_lead({"visitor_name": "Petra"})

    assert refused.value.said
    assert sandbox.leads == []


def test_a_key_from_another_address_is_told(sandbox):
    key = sandbox.key("nexadesk", addresses=("203.0.113.9",))

    with NEXADESK.open(key, base_url=sandbox.nexadesk_url) as client, pytest.raises(NotPermitted):
        client.list_page(Kind.LEADS)


@pytest.mark.parametrize("key", ["", "  ", "fc_live_\nX-Evil: 1", "fc_live_é", "two words", "\0"])
def test_a_key_that_no_header_can_carry_is_never_sent(sandbox, key):
    with (
        pytest.raises(KeyRejected) as rejected,
        NEXADESK.open(key, base_url=sandbox.nexadesk_url) as client,
    ):
        client.list_page(Kind.LEADS)

    assert len(sandbox.requests) == 0
    assert not key.strip() or key not in repr(rejected.value)


def test_the_rate_limit_says_how_long_to_wait(sandbox):
    key = sandbox.key("nexadesk", rate=1)
    with NEXADESK.open(key, base_url=sandbox.nexadesk_url) as client:
        client.list_page(Kind.LEADS)
        with pytest.raises(RateLimited) as limited:
            client.list_page(Kind.LEADS)

    assert 55 <= limited.value.retry_after <= 61
    assert len(sandbox.requests) == 2


def test_dexra_s_rate_limit_need_not_say(sandbox):
    key = sandbox.key("dexra", rate=1)
    with DEXRA.open(key, base_url=sandbox.dexra_url) as client:
        client.list_page(Kind.CONVERSATIONS)
        with pytest.raises(RateLimited) as limited:
            client.list_page(Kind.CONVERSATIONS)

    assert limited.value.retry_after is None


NOW = "Sun, 05 Apr 2026 12:00:00 GMT"
NOW_UNIX = int(datetime(2026, 4, 5, 12, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "-1"}, 1),
        ({"retry-after": "0.2"}, 1),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "1e99"}, 900),
        ({"retry-after": "1e999"}, 900),
        ({"retry-after": "-inf"}, 1),
        ({"retry-after": "9" * 5000}, 900),
        ({"retry-after": "259200"}, 900),
        ({"retry-after": "Sun, 05 Apr 2026 12:00:45 GMT"}, 45),
        ({"retry-after": "Sun, 05 Apr 2026 11:00:00 GMT"}, 1),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 900),
        ({"retry-after": "Sun, 05 Apr 2026 14:00:45 +0200"}, 45),
        ({"retry-after": "Sunday, 05-Apr-26 12:00:45 GMT"}, 45),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
        ({"retry-after": "soon", "x-ratelimit-reset": str(NOW_UNIX + 20)}, 20),
        ({"x-ratelimit-reset": str(NOW_UNIX + 20)}, 20),
        ({"x-ratelimit-reset": str((NOW_UNIX + 20) * 1000)}, 20),
        ({"x-ratelimit-reset": str(NOW_UNIX - 20)}, 1),
        ({"x-ratelimit-reset": "9" * 400}, 900),
        ({"x-ratelimit-reset": "tomorrow"}, None),
        ({"retry-after": "30", "x-ratelimit-reset": str(NOW_UNIX + 20)}, 30),
    ],
)
def test_absurd_waits_stay_within_bounds(headers, seconds):
    assert failures.wait_seconds({"date": NOW, **headers}) == seconds


def test_a_wrong_clock_here_changes_no_wait():
    # The answer's own Date is years away from our clock.
    headers = {"date": "Thu, 05 Apr 2035 12:00:00 GMT"}

    assert failures.wait_seconds(headers | {"retry-after": "Thu, 05 Apr 2035 12:01:00 GMT"}) == 60


@pytest.mark.parametrize("told", ["-1", "1e99", "nan", "x" * 9000, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_wait_on_the_wire_is_still_a_rate_limit(talk, answer, told):
    client = talk(answer({"success": False}, status="429 Too Many", Retry_After=told))

    with pytest.raises(RateLimited) as limited:
        client.list_page(Kind.LEADS)

    assert limited.value.retry_after is None or 1 <= limited.value.retry_after <= 900


def test_a_port_where_nobody_listens_got_nothing(sandbox):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with (
            NEXADESK.open("fc_live_x", base_url=url) as client,
            pytest.raises(Unreachable) as unreachable,
        ):
            client.create_lead({"visitor_name": "Petra"})

    assert unreachable.value.arrived is False


def test_a_name_that_does_not_exist_got_nothing():
    with (
        NEXADESK.open("fc_live_x", base_url="http://nexadesk.invalid") as client,
        pytest.raises(Unreachable) as unreachable,
    ):
        client.create_lead({"visitor_name": "Petra"})

    assert unreachable.value.arrived is False


def connected(listener, talk):
    """Lets `talk` have the first connection; gives the address to call."""

    def accept():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                talk(connection)

    threading.Thread(target=accept, daemon=True).start()
    return f"https://localhost:{listener.getsockname()[1]}"


def test_a_server_that_speaks_no_tls_got_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = connected(listener, lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n"))
        with (
            NEXADESK.open("fc_live_x", base_url=url) as client,
            pytest.raises(Unreachable) as unreachable,
        ):
            client.create_lead({"visitor_name": "Petra"})

    assert unreachable.value.arrived is False


def test_a_certificate_that_nobody_vouches_for_got_nothing(tmp_path):
    read = []

    def serve_tls(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed("localhost", tmp_path / "server.pem"))
        with context.wrap_socket(connection, server_side=True) as safe:
            read.append(safe.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = connected(listener, serve_tls)
        with (
            NEXADESK.open("fc_live_x", base_url=url) as client,
            pytest.raises(Unreachable) as unreachable,
        ):
            client.create_lead({"visitor_name": "Petra"})

    assert unreachable.value.arrived is False
    assert read in ([], [b""])


def self_signed(name, path):
    """Writes key and certificate for a name into one file; returns its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(plain + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_never_followed(sandbox, nexadesk, code):
    sandbox.add_lead(visitor_name="Petra")
    elsewhere = f"{sandbox.nexadesk_url}/contacts"
    sandbox.fault("nexadesk", "GET", "/leads", Fault.redirect(elsewhere, code))

    with pytest.raises(BrokenContract) as broken:
        nexadesk.list_page(Kind.LEADS)

    assert "address" in broken.value.message
    assert len(sandbox.requests) == 1


def test_proxy_variables_are_ignored(sandbox, monkeypatch, wire, answer):
    proxy = wire(answer({}))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    with NEXADESK.open(sandbox.key("nexadesk"), base_url=sandbox.nexadesk_url) as client:
        client.list_page(Kind.LEADS)

    assert proxy.requests == []


def test_an_error_shows_neither_the_key_nor_a_body(sandbox, nexadesk, caplog):
    caplog.set_level("DEBUG")
    (key,) = {key.value for key in sandbox.keys if key.provider == "nexadesk"}
    sandbox.fault("nexadesk", "*", "*", Fault.garbage(text='{"secret": "of Petra"'), times=None)

    with pytest.raises(BrokenContract) as broken:
        nexadesk.list_page(Kind.LEADS)

    shown = f"{broken.value!r} {broken.value} {broken.value.what} {vars(broken.value)}"
    for text in (shown, repr(nexadesk), repr(vars(nexadesk)), caplog.text):
        assert key not in text
        assert "Petra" not in text
    assert broken.value.__cause__ is None
