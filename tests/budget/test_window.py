"""One window per key for all processes: people first, never more than the limit."""

import os
import subprocess
import sys
import textwrap
import time

import pytest
from django.db import connection

from portal.budget import pace
from portal.budget import store as budget
from portal.budget.store import Lane
from portal.models import Window

KEY = "k" * 64


def take_all(lane, limit=100):
    """Take calls until there is no room; how many there were."""
    taken = 0
    while not budget.take(KEY, lane, limit=limit):
        taken += 1
    return taken


def test_background_leaves_thirty_percent_to_people(db, clock):
    assert take_all(Lane.BACKGROUND) == 70
    assert take_all(Lane.PEOPLE) == 30


def test_a_limit_of_one_is_shared_by_all(db, clock):
    assert take_all(Lane.BACKGROUND, limit=1) == 1
    assert take_all(Lane.PEOPLE, limit=1) == 0
    assert pace.wait_for(KEY, limit=1) > 0


def test_people_may_use_the_whole_window_and_then_background_waits(db, clock):
    assert take_all(Lane.PEOPLE) == 100
    assert budget.take(KEY, Lane.BACKGROUND, limit=100) > 0


def test_a_place_is_free_again_after_the_window_has_passed(db, clock):
    take_all(Lane.PEOPLE)
    wait = budget.take(KEY, Lane.PEOPLE, limit=100)
    clock.now += wait - 0.5
    assert budget.take(KEY, Lane.PEOPLE, limit=100) > 0
    clock.now += 0.6
    assert budget.take(KEY, Lane.PEOPLE, limit=100) == 0


def test_never_more_than_the_limit_in_any_sixty_seconds(db, clock):
    taken_at = []
    for _ in range(400):
        if not budget.take(KEY, Lane.PEOPLE, limit=100):
            taken_at.append(clock.now)
        clock.now += 0.37
    busiest = max(sum(t <= u < t + 60 for u in taken_at) for t in taken_at)
    assert busiest <= 100
    assert len(taken_at) > 200


def test_what_the_provider_told_to_wait_stops_everybody(db, clock):
    budget.take(KEY, Lane.PEOPLE, limit=100)
    budget.close(KEY, 40)

    assert budget.take(KEY, Lane.PEOPLE, limit=100) == pytest.approx(40)
    assert budget.take(KEY, Lane.BACKGROUND, limit=100) == pytest.approx(40)
    clock.now += 41
    assert budget.take(KEY, Lane.PEOPLE, limit=100) == 0


@pytest.mark.parametrize(("told", "kept"), [(-1, 1), (0, 1), (5, 5), (1e9, 900), (1e99, 900)])
def test_an_absurd_wait_is_clamped(db, clock, told, kept):
    budget.take(KEY, Lane.PEOPLE, limit=100)
    budget.close(KEY, told)
    assert budget.take(KEY, Lane.PEOPLE, limit=100) == pytest.approx(kept)


def test_the_meter_tells_people_from_background(db, clock):
    for lane, times in ((Lane.PEOPLE, 3), (Lane.BACKGROUND, 5)):
        for _ in range(times):
            budget.take(KEY, lane, limit=100)

    use = budget.usage([KEY])[KEY]

    assert (use.people, use.background, use.used, use.limit) == (3, 5, 8, 100)


def test_a_slow_call_counts_until_a_minute_after_it_ended(db, clock):
    started = clock.now
    budget.take(KEY, Lane.PEOPLE, limit=1)
    clock.now += 20
    budget.note_slow(KEY, started)
    clock.now += 59
    assert budget.take(KEY, Lane.PEOPLE, limit=1) > 0


def test_what_another_program_used_is_not_used_again(db, clock):
    budget.take(KEY, Lane.BACKGROUND, limit=100)
    budget.learn_remaining(KEY, limit=100, remaining=49)

    use = budget.usage([KEY])[KEY]
    assert (use.background, use.elsewhere, use.used) == (1, 50, 51)
    assert take_all(Lane.BACKGROUND) == 19
    assert take_all(Lane.PEOPLE) == 30


def test_a_thousand_answers_that_tell_of_the_same_calls_count_them_once(db, clock):
    for _ in range(10):
        budget.take(KEY, Lane.PEOPLE, limit=100)
    for _ in range(1000):
        budget.learn_remaining(KEY, limit=100, remaining=70)
    assert budget.usage([KEY])[KEY].elsewhere == 20


def test_what_is_said_to_be_left_never_makes_room(db, clock):
    take_all(Lane.PEOPLE)
    budget.learn_remaining(KEY, limit=100, remaining=99)
    budget.learn_remaining(KEY, limit=1000, remaining=990)
    assert budget.take(KEY, Lane.PEOPLE, limit=100) > 0


def test_calls_of_others_leave_the_window_as_ours_do(db, clock):
    budget.take(KEY, Lane.BACKGROUND, limit=100)
    budget.learn_remaining(KEY, limit=100, remaining=5)
    assert budget.take(KEY, Lane.BACKGROUND, limit=100) == pytest.approx(62)
    clock.now += 62.1
    assert take_all(Lane.BACKGROUND) == 70


def test_where_nothing_is_said_to_be_left_background_waits_and_people_may_still_try(db, clock):
    budget.take(KEY, Lane.BACKGROUND, limit=100)
    budget.learn_remaining(KEY, limit=100, remaining=0)
    assert take_all(Lane.BACKGROUND) == 0
    assert take_all(Lane.PEOPLE) == 10


@pytest.mark.parametrize(
    ("limit", "remaining"), [(100, 101), (100, 100), (100, -1), (0, 0), (10**7, 10**6), (-5, -9)]
)
def test_absurd_remainders_are_not_believed(limit, remaining, db, clock):
    budget.take(KEY, Lane.PEOPLE, limit=100)
    budget.learn_remaining(KEY, limit=limit, remaining=remaining)
    assert budget.usage([KEY])[KEY].used == 1


def test_another_key_has_a_window_of_its_own(db, clock):
    take_all(Lane.PEOPLE)
    assert budget.take("other", Lane.PEOPLE, limit=100) == 0


@pytest.mark.django_db(transaction=True)
def test_four_processes_share_one_window():
    """Real processes on the real database take as fast as they can: the sum is the limit."""
    script = textwrap.dedent(
        f"""
        import django; django.setup()
        from portal.budget import store
        print(sum(not store.take({KEY!r}, store.Lane.PEOPLE, limit=50) for _ in range(30)))
        """
    )
    environment = os.environ | {
        "DATABASE_URL": _url_of_the_test_database(),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    started = time.monotonic()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    taken = [int(process.communicate(timeout=60)[0]) for process in running]

    assert time.monotonic() - started < 55, "too slow to tell anything"
    assert sum(taken) == 50
    assert len(Window.objects.get(key_mark=KEY).calls) == 50


def _url_of_the_test_database():
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{told['NAME']}"
    return (
        f"postgres://{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    )
