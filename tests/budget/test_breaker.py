"""A provider that fails again and again is left alone, and asked again now and then."""

import pytest

from portal.budget import breaker
from portal.models import Breaker, Window
from portal.providers.errors import LeftAlone, Unreachable
from portal.records import Kind
from portal.sandbox import Fault
from portal.services.upstream import connect

pytestmark = pytest.mark.django_db
KEY = "key"


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1_000_000.0

        def time(self):
            return self.now

    moved = Clock()
    monkeypatch.setattr(breaker, "time", moved)
    return moved


def fail(times=1):
    for _ in range(times):
        _, trial = breaker.enter(KEY)
        breaker.failed(KEY, trial=trial)


def test_four_failures_are_bad_luck_and_five_a_pause(clock):
    fail(4)
    assert breaker.enter(KEY) == (0.0, False)
    fail()
    assert breaker.enter(KEY) == (30.0, False)


def test_an_answer_between_begins_the_count_anew(clock):
    fail(4)
    breaker.answered(KEY)
    fail(4)
    assert breaker.enter(KEY) == (0.0, False)


def test_after_the_pause_one_call_tries_and_the_others_wait(clock):
    fail(5)
    clock.now += 31

    assert [breaker.enter(KEY) for _ in range(3)] == [(0.0, True), (30.0, False), (30.0, False)]


def test_each_failed_try_doubles_the_pause_up_to_ten_minutes(clock):
    fail(5)
    waits = []
    for _ in range(7):
        waits.append(breaker.enter(KEY)[0])
        clock.now += waits[-1] + 1
        fail()
    assert waits == [30, 60, 120, 240, 480, 600, 600]


def test_calls_that_were_under_way_do_not_make_the_pause_longer(clock):
    fail(5)
    for _ in range(20):
        breaker.failed(KEY, trial=False)
    assert breaker.enter(KEY) == (30.0, False)


def test_one_answer_ends_it(clock):
    fail(5)
    clock.now += 31
    breaker.enter(KEY)
    breaker.answered(KEY)
    assert breaker.enter(KEY) == (0.0, False)
    assert breaker.rests([KEY]) == {}


def test_a_clock_that_jumps_back_a_day_makes_no_day_of_pause(clock):
    fail(5)
    clock.now -= 86_400
    assert breaker.enter(KEY) == (0.0, True)


def test_repeats_are_paid_for_and_earned_back(clock):
    paid = sum(breaker.pay_for_repeat(KEY, timed_out=False) for _ in range(200))
    assert paid == breaker.TOKENS / breaker.REPEAT_COSTS == 100
    for _ in range(10):
        breaker.answered(KEY)
    assert breaker.pay_for_repeat(KEY, timed_out=True)
    assert not breaker.pay_for_repeat(KEY, timed_out=False)


def test_a_connection_whose_service_is_down_makes_no_calls_for_a_while(nexadesk, sandbox):
    sandbox.fault("nexadesk", "*", "*", Fault.status(500), times=None)
    for _ in range(3):
        with pytest.raises((Unreachable, LeftAlone)), connect(nexadesk) as client:
            client.list_page(Kind.LEADS)
    calls = len(sandbox.requests)
    assert calls == breaker.FAILURES_IN_A_ROW

    with pytest.raises(LeftAlone) as alone, connect(nexadesk) as client:
        client.list_page(Kind.LEADS)

    assert len(sandbox.requests) == calls
    assert 0 < alone.value.retry_after <= 30
    sandbox.clear_faults()
    Breaker.objects.update(open_until=0)
    with connect(nexadesk) as client:
        client.list_page(Kind.LEADS)
    assert breaker.enter(nexadesk.key_mark) == (0.0, False)


def test_half_the_calls_failing_costs_few_calls_more(nexadesk, sandbox, monkeypatch):
    """F8: with 50 % errors at most 1.2 times the usual calls, once repeats are paid for."""
    Breaker.objects.create(key_mark=nexadesk.key_mark, tokens=0)
    Window.objects.update(limit=1000)
    turns = iter(range(10_000))
    take = sandbox.faults.take
    monkeypatch.setattr(
        sandbox.faults, "take", lambda call: Fault.status(500) if next(turns) % 2 else take(call)
    )
    for _ in range(100):
        try:
            with connect(nexadesk) as client:
                client.list_page(Kind.LEADS, limit=1)
        except (Unreachable, LeftAlone):
            continue
    assert len(sandbox.requests) <= 120
