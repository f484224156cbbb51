"""Many arrivals share a commit; each is told how its own went."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from portal.deliveries import store, writing
from portal.deliveries.store import Arrival
from portal.models import Delivery, Workspace
from portal.vault import store as vault
from portal.vault.seal import Secret


@pytest.fixture
def arrival(transactional_db):
    workspace = Workspace.objects.create(slug="acme", name="Acme")
    made = vault.create(workspace, provider="dexra", key=Secret("k" * 20))

    def make(body, **told):
        values = {"verified": False, "received_at": timezone.now(), "event": "x"} | told
        return Arrival(workspace.pk, told.pop("connection_id", made.pk), body, **_rest(values))

    return make


def _rest(values):
    return {name: value for name, value in values.items() if name != "connection_id"}


def keep(arrival):
    try:
        writing.keep(arrival)
    except DatabaseError as error:
        return type(error).__name__
    finally:
        connection.close()
    return "stored"


def test_all_at_once_are_all_there(arrival):
    arrivals = [arrival(b"%d" % (n // 2)) for n in range(200)]
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(keep, arrivals)) == {"stored"}
    assert Delivery.objects.count() == 100


def test_one_that_cannot_be_stored_takes_nobody_with_it(arrival):
    arrivals = [arrival(b"%d" % n) for n in range(20)]
    arrivals[7] = arrival(b"bad", connection_id=987_654)
    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(keep, arrivals))
    assert said[7] == "IntegrityError"
    assert said[:7] + said[8:] == ["stored"] * 19
    assert Delivery.objects.count() == 19


def test_equal_bodies_that_may_be_two_events_are_all_kept_and_marked(arrival):
    store.keep([arrival(b"OK", unique=False) for _ in range(2)])
    store.keep([arrival(b"OK", unique=False)])
    marks = Delivery.objects.order_by("id").values_list("possibly_repeated", flat=True)
    assert list(marks) == [False, True, True]


def test_two_workers_never_hold_the_same_delivery(arrival):
    store.keep([arrival(b"%d" % n) for n in range(5)])
    [connection_id] = store.connections_due()

    first = store.claim(connection_id)
    assert len(first) == 5
    assert store.claim(connection_id) == []
    assert store.connections_due() == []

    store.end(first, Delivery.Status.DONE)
    assert store.claim(connection_id) == []


def test_what_was_tried_before_comes_alone(arrival):
    store.keep([arrival(b"%d" % n) for n in range(3)])
    [connection_id] = store.connections_due()
    Delivery.objects.filter(body=b"0").update(attempts=1)

    first = store.claim(connection_id)
    assert [bytes(row.body) for row in first] == [b"0"]
    store.end(first, Delivery.Status.DONE)
    assert len(store.claim(connection_id)) == 2
