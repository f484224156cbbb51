"""Deliveries that come have a worker apply them: soon, and in few jobs."""

import random
import threading
import time

import pytest
from huey.contrib.djhuey import HUEY

from portal.jobs.deliveries import PAUSE_SECONDS, apply_soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection_id():
    """One that no other test makes jobs for: the queue is one for all of them."""
    return random.randrange(10**9, 10**12)


def jobs_for(connection_id, waiting=HUEY.pending):
    return [job for job in waiting() if [connection_id] in job.args]


def until(holds):
    """Wait for it, for a while."""
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    assert holds()


@pytest.fixture
def no_thread_left():
    """Nobody gets one: each would want a stack larger than there are addresses for."""
    before = threading.stack_size(2**46)
    yield
    threading.stack_size(before)


@pytest.fixture
def come(django_capture_on_commit_callbacks):
    def come(connection_id, times):
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(times):
                apply_soon(connection_id)

    return come


def test_the_first_delivery_wakes_a_worker_at_once(connection_id, come):
    come(connection_id, 1)
    assert len(jobs_for(connection_id)) == 1


def test_a_burst_is_one_job_at_its_beginning_and_one_after_it(connection_id, come):
    come(connection_id, 30)
    assert len(jobs_for(connection_id)) == 1
    until(lambda: len(jobs_for(connection_id)) == 2)
    time.sleep(2 * PAUSE_SECONDS)
    assert len(jobs_for(connection_id)) == 2


def test_no_job_waits_for_the_clock_of_the_queue_which_ticks_once_a_second(connection_id, come):
    come(connection_id, 2)
    until(lambda: len(jobs_for(connection_id)) == 2)
    assert jobs_for(connection_id, HUEY.scheduled) == []
    assert all(job.eta is None for job in jobs_for(connection_id))


def test_who_comes_after_a_burst_is_not_forgotten(connection_id, come):
    come(connection_id, 5)
    until(lambda: len(jobs_for(connection_id)) == 2)
    come(connection_id, 1)
    until(lambda: len(jobs_for(connection_id)) == 3)


@pytest.mark.usefixtures("no_thread_left")
def test_a_process_without_a_thread_for_the_timer_makes_the_job_at_once(connection_id, come):
    come(connection_id, 2)
    assert len(jobs_for(connection_id)) == 2
