"""With reads only, a key tells which assumptions about its API hold."""

import pytest

from portal.providers.dexra import DEXRA
from portal.providers.errors import KeyRejected
from portal.providers.nexadesk import NEXADESK
from portal.sandbox import Fault


def probed(provider, client):
    return {
        assumption.name: assumption.probe(client)
        for assumption in provider.assumptions
        if assumption.probe
    }


@pytest.fixture
def filled(sandbox):
    sandbox.add_dexra_user(id="u_1", email="mara@cove.example")
    for number in range(130):
        sandbox.add_lead(visitor_name=f"Lead {number}")
        sandbox.add_contact(first_name=f"Contact {number}")
        sandbox.add_conversation(thread=[("visitor", "Hi"), ("agent", "Hello")])
        sandbox.add_dexra_conversation(user_id="u_1", status=("open", "closed")[number % 2])
    return sandbox


def test_every_assumption_about_nexadesk_holds_at_the_sandbox(filled, nexadesk):
    outcomes = probed(NEXADESK, nexadesk)

    assert {name: seen for name, seen in outcomes.items() if seen[0] is not True} == {}
    assert {request.method for request in filled.requests} == {"GET"}
    assert len(filled.requests) < 30


def test_every_assumption_about_dexra_holds_at_the_sandbox(filled, dexra):
    outcomes = probed(DEXRA, dexra)

    assert {name: seen for name, seen in outcomes.items() if seen[0] is not True} == {}
    assert {request.method for request in filled.requests} == {"GET"}


def test_an_empty_workspace_cannot_tell(sandbox, nexadesk, dexra):
    for outcomes in (probed(NEXADESK, nexadesk), probed(DEXRA, dexra)):
        assert False not in {holds for holds, _ in outcomes.values()}
        assert None in {holds for holds, _ in outcomes.values()}


def test_what_does_not_hold_is_told(filled, nexadesk):
    filled.nexadesk_assumptions.not_found = 400
    filled.nexadesk_assumptions.message_fields = ("who", "what")
    filled.add_conversation(thread=[("visitor", "Hi")], created_at="2099-01-01T00:00:00.000Z")
    filled.fault("nexadesk", "GET", "/contacts", Fault.shape("reversed"), times=None)

    outcomes = probed(NEXADESK, nexadesk)

    assert outcomes["unknown id"][0] is False
    assert outcomes["messages"][0] is False
    assert outcomes["contacts by activity"][0] is False
    assert outcomes["lead address"][0] is True


def test_an_address_that_is_wrong_is_told(talk, answer, leads_page):
    # A server that ignores `id` answers the whole list.
    client = talk(answer(leads_page({"id": "L1"}, {"id": "L2"})))

    outcomes = probed(NEXADESK, client)

    assert outcomes["lead address"][0] is False
    assert "not an object" in outcomes["lead address"][1]


def test_a_key_that_is_dead_ends_the_probe(sandbox, nexadesk):
    for key in {key.value for key in sandbox.keys}:
        sandbox.revoke(key)

    with pytest.raises(KeyRejected):
        probed(NEXADESK, nexadesk)
