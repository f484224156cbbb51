"""A call ends by its deadline whatever the server does; reads are repeated, writes never."""

import socket
import time
from contextlib import ExitStack

import pytest

from portal.providers.errors import BudgetSpent, KeyRejected, Unreachable
from portal.providers.nexadesk import NEXADESK
from portal.records import Kind
from portal.sandbox import Fault


def drip(*, before=b"", seconds=0.05):
    """Sends `before`, then a byte now and then for ever."""

    def send(connection):
        connection.sendall(before)
        while True:
            connection.sendall(b"a")
            time.sleep(seconds)

    return send


STATUS = b"HTTP/1.1 200 OK\r\n"
HEAD = STATUS + b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = STATUS + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"


@pytest.mark.parametrize("before", [b"", STATUS + b"X-Slow: ", HEAD, CHUNKED])
def test_a_dripping_answer_ends_with_the_deadline(talk, stopwatch, before):
    client = talk(drip(before=before), deadline_seconds=0.5)

    with pytest.raises(Unreachable) as unreachable:
        client.list_page(Kind.LEADS)

    assert stopwatch.by_the_clock() >= 0.4
    assert stopwatch() < 1.0
    assert unreachable.value.arrived is True
    assert len(client.wire.requests) == 1


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_write_whose_answer_drips_may_have_arrived(sandbox, impatient, stopwatch, part):
    sandbox.fault("nexadesk", "POST", "/leads", Fault.drip(0.05, part))

    with pytest.raises(Unreachable) as unreachable:
        impatient.create_lead({"visitor_name": "Petra"})

    assert stopwatch() < 1.0
    assert unreachable.value.arrived is True
    assert len(sandbox.leads) == 1


def test_a_server_that_never_answers_ends_with_the_deadline(sandbox, impatient, stopwatch):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.silence())

    with pytest.raises(Unreachable):
        impatient.list_page(Kind.LEADS)

    assert stopwatch() < 1.0


def test_a_server_that_never_reads_ends_with_the_deadline(stopwatch):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        # So little room that a body which is made in no time does not fit.
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with (
            NEXADESK.open("fc_live_x", base_url=url, deadline_seconds=0.5) as client,
            pytest.raises(Unreachable) as unreachable,
        ):
            client.create_lead({"need_summary": "x" * 8_000_000})

    assert stopwatch() < 1.5
    assert unreachable.value.arrived is True


def test_a_resolver_that_hangs_ends_with_the_deadline(monkeypatch, stopwatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: time.sleep(3) or [])
    with (
        NEXADESK.open("fc_live_x", base_url="http://slow.example", deadline_seconds=0.4) as client,
        pytest.raises(Unreachable) as unreachable,
    ):
        client.create_lead({"visitor_name": "Petra"})

    assert stopwatch() < 0.8
    assert unreachable.value.arrived is False


def test_a_dripping_error_is_still_that_error(talk, stopwatch):
    head = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100000\r\n\r\n"
    client = talk(drip(before=head), deadline_seconds=0.4)

    with pytest.raises(KeyRejected):
        client.list_page(Kind.LEADS)

    assert stopwatch() < 0.8


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(500),
        Fault.status(503),
        Fault.status(408),
        Fault.reset_before_apply(),
        Fault.reset_after_apply(),
        Fault.reset_during("status"),
        Fault.reset_during("headers"),
        Fault.reset_during("body"),
        Fault.cut_body(),
        Fault.wrong_content_length(7),
    ],
    ids=lambda fault: fault.name + fault.part + str(fault.status_code),
)
def test_a_read_is_repeated_after(sandbox, nexadesk, fault):
    sandbox.add_lead(visitor_name="Petra")
    sandbox.fault("nexadesk", "GET", "/leads", fault, times=2)

    page = nexadesk.list_page(Kind.LEADS)

    assert [lead.name for lead in page.records] == ["Petra"]
    assert sandbox.requests.count("GET /leads") == 3


def test_a_read_is_given_up_after_three_tries(sandbox, nexadesk):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(500), times=None)

    with pytest.raises(Unreachable):
        nexadesk.list_page(Kind.LEADS)

    assert sandbox.requests.count("GET /leads") == 3


@pytest.mark.parametrize(
    ("fault", "applied"),
    [
        (Fault.status(500), False),
        (Fault.reset_before_apply(), False),
        (Fault.reset_after_apply(), True),
        (Fault.reset_during("status"), True),
        (Fault.reset_during("headers"), True),
        (Fault.reset_during("body"), True),
        (Fault.cut_body(), True),
        (Fault.wrong_content_length(7), True),
    ],
    ids=lambda value: getattr(value, "name", str(value)) + getattr(value, "part", ""),
)
def test_a_write_is_never_repeated_after(sandbox, nexadesk, dexra, fault, applied):
    talk = sandbox.add_dexra_conversation()["id"]
    sandbox.fault("*", "POST", "*", fault, times=None)

    with pytest.raises(Unreachable) as lead:
        nexadesk.create_lead({"visitor_name": "Petra"})
    with pytest.raises(Unreachable) as message:
        dexra.send_message(talk, "Hello")

    assert lead.value.arrived is message.value.arrived is True
    assert sandbox.requests.count("POST /leads") == 1
    assert sandbox.requests.count("POST /messages") == 1
    assert len(sandbox.leads) == len(sandbox.dexra_messages(talk)) == int(applied)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_changes_and_deletions_are_not_repeated_either(sandbox, nexadesk, method):
    lead = sandbox.add_lead(visitor_name="Petra")["id"]
    sandbox.fault("nexadesk", method, "/leads", Fault.reset_before_apply(), times=None)

    calls = {
        "PATCH": lambda: nexadesk.update_lead(lead, {"visitor_name": "Hedy"}),
        "DELETE": lambda: nexadesk.delete_lead(lead),
    }
    with pytest.raises(Unreachable):
        calls[method]()

    assert sandbox.requests.count(f"{method} /leads") == 1


def test_a_closed_connection_is_not_used_again(sandbox, nexadesk, talk, answer, leads_page):
    client = talk(answer(leads_page(), Connection=""))  # says keep-alive, and closes

    client.list_page(Kind.LEADS)
    time.sleep(0.05)
    client.list_page(Kind.LEADS)

    assert len(client.wire.requests) == 2


class Budget:
    """A gate that counts, and closes after so many calls."""

    def __init__(self, calls=99, pause=0.0):
        self.calls, self.pause, self.left = calls, pause, []

    def enter(self):
        time.sleep(self.pause)
        if self.calls == 0:
            raise BudgetSpent("nexadesk", retry_after=12)
        self.calls -= 1

    def leave(self, status, headers):
        self.left.append((status, headers.get("x-ratelimit-remaining")))

    def may_repeat(self, *, timed_out):
        return True


@pytest.fixture
def impatient(sandbox):
    """A client that gives each call half a second."""
    key = sandbox.key("nexadesk")
    with NEXADESK.open(key, base_url=sandbox.nexadesk_url, deadline_seconds=0.5) as client:
        yield client


@pytest.fixture
def budgeted(sandbox):
    """Opens a client behind a budget."""
    with ExitStack() as stack:

        def start(budget, **options):
            return stack.enter_context(
                NEXADESK.open(
                    sandbox.key("nexadesk"), base_url=sandbox.nexadesk_url, gate=budget, **options
                )
            )

        yield start


def test_every_try_passes_the_budget_and_tells_how_it_ended(sandbox, budgeted):
    budget = Budget()
    sandbox.fault_next(Fault.status(500))
    sandbox.fault_next(Fault.reset_before_apply())

    budgeted(budget).list_page(Kind.LEADS)

    assert [status for status, _ in budget.left] == [500, None, 200]
    assert budget.left[-1][1] is not None


def test_nothing_is_sent_when_the_budget_is_spent(sandbox, budgeted):
    with pytest.raises(BudgetSpent):
        budgeted(Budget(calls=0)).create_lead({"visitor_name": "Petra"})

    assert len(sandbox.requests) == 0


def test_waiting_for_the_budget_does_not_use_up_the_deadline(budgeted):
    client = budgeted(Budget(pause=1.5), deadline_seconds=1.2)

    assert client.list_page(Kind.LEADS).records == ()


def test_the_wait_a_busy_server_asks_for_is_kept_or_the_read_given_up(sandbox, nexadesk):
    busy = Fault.status(503, headers={"Retry-After": "60"})
    sandbox.fault("nexadesk", "GET", "/leads", busy, times=None)

    with pytest.raises(Unreachable) as unreachable:
        nexadesk.list_page(Kind.LEADS)

    assert unreachable.value.retry_after == 60
    assert sandbox.requests.count("GET /leads") == 1
