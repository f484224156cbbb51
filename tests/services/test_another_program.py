"""A key that another program uses, too: what the service says is left is heard."""

import time

import pytest

from portal.budget import store as budget
from portal.budget.store import Lane
from portal.models import Window
from portal.providers import registry
from portal.providers.errors import BudgetSpent
from portal.records import Kind
from portal.services.upstream import KeyGate, connect

PROVIDER = registry.get("nexadesk")


@pytest.fixture
def shared(sandbox, connect_to):
    """A connection whose key has the real limit, and its key at the service."""
    connection = connect_to("nexadesk", rate=100)
    (key,) = [key for key in sandbox.keys if key.provider == "nexadesk"]
    Window.objects.all().delete()
    key.calls.clear()
    return connection, key


def read(connection, lane=Lane.PEOPLE):
    with connect(connection, lane, patience_seconds=0) as client:
        client.list_page(Kind.LEADS, limit=1)


def test_background_work_stops_where_the_other_program_would_be_pushed_out(sandbox, shared):
    connection, key = shared
    key.calls.extend([time.time()] * 65)
    for _ in range(5):
        read(connection, Lane.BACKGROUND)
    with pytest.raises(BudgetSpent):
        read(connection, Lane.BACKGROUND)

    read(connection)  # people find room all the same
    assert all(request.status == 200 for request in sandbox.requests)


def test_it_may_come_while_we_work(sandbox, shared):
    connection, key = shared
    for _ in range(10):
        read(connection, Lane.BACKGROUND)
    assert budget.usage([connection.key_mark])[connection.key_mark].elsewhere == 0

    key.calls.extend([time.time()] * 80)
    read(connection)

    assert budget.usage([connection.key_mark])[connection.key_mark].elsewhere == 80
    with pytest.raises(BudgetSpent):
        read(connection, Lane.BACKGROUND)


@pytest.mark.parametrize("told", ["", "-5", "many", "1e2", "9" * 40, "٣", " 3 ", "3.5", "0x10"])
def test_a_remainder_nobody_can_read_is_left_alone(told, db):
    gate = KeyGate("k" * 64, PROVIDER, Lane.PEOPLE)
    gate.enter()
    gate.leave(200, {"x-ratelimit-limit": "100", "x-ratelimit-remaining": told})
    assert budget.usage(["k" * 64])["k" * 64].used == 1


def test_an_answer_that_took_long_tells_of_a_moment_ago(db):
    gate = KeyGate("k" * 64, PROVIDER, Lane.PEOPLE)
    gate.enter()
    gate._started -= 5
    gate.leave(200, {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "20"})
    assert budget.usage(["k" * 64])["k" * 64].elsewhere == 0


def test_the_meter_says_that_others_call(client_of, owner, shared):
    connection, key = shared
    key.calls.extend([time.time()] * 30)
    read(connection)
    page = client_of(owner).get(f"/w/{owner.workspace.slug}/live/").json()
    (meter,) = page["budget"]
    assert meter["used"] == 31
    assert meter["text"] == "1 by people, 0 in the background, 30 by other programs"
