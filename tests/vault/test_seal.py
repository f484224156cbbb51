"""Keys are sealed to their row, and what does not open is never used."""

import itertools
import pickle

import pytest

from portal.vault.seal import Locked, Place, Secret, key_id_of, seal, unseal

HERE = Place("portal_connection", "sealed_key", workspace_id=1, row_id=7)
KEY = bytes(range(32))


@pytest.fixture(autouse=True)
def ring(settings):
    settings.PORTAL_KEYRING = {"first": KEY, "second": bytes(32)}
    return settings.PORTAL_KEYRING


def test_opens_what_it_sealed_and_seals_differently_each_time():
    one, other = seal(Secret("fc_live_abc"), HERE), seal(Secret("fc_live_abc"), HERE)

    assert unseal(one, HERE).reveal() == "fc_live_abc"
    assert one != other
    assert b"fc_live" not in one
    assert key_id_of(one) == "first"


def test_known_answer():
    """The format on disk: a change of it must be a new format number, not a surprise."""
    stored = (
        b"1:first:"
        + bytes(12)
        + bytes.fromhex("68dfeab2dc5ae6e269cacaca06cd7d318962b01e94c5203b7ce1a1")
    )

    assert unseal(stored, HERE).reveal() == "fc_live_abc"


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("portal_connection", "sealed_key", workspace_id=2, row_id=7),
        Place("portal_connection", "sealed_key", workspace_id=1, row_id=8),
        Place("portal_connection", "sealed_webhook_secret", workspace_id=1, row_id=7),
        Place("portal_other", "sealed_key", workspace_id=1, row_id=7),
    ],
)
def test_does_not_open_in_another_place(elsewhere):
    with pytest.raises(Locked):
        unseal(seal(Secret("fc_live_abc"), HERE), elsewhere)


def test_every_swap_of_two_rows_is_refused():
    places = [
        Place("portal_connection", column, workspace, row)
        for column in ("sealed_key", "sealed_webhook_secret", "sealed_hook_token")
        for workspace, row in ((1, 1), (1, 2), (2, 3))
    ]
    sealed = {place: seal(Secret(str(place)), place) for place in places}

    for one, other in itertools.permutations(places, 2):
        with pytest.raises(Locked):
            unseal(sealed[one], other)


def test_a_wrong_or_missing_ring_fails_closed(settings):
    stored = seal(Secret("fc_live_abc"), HERE)
    for ring in ({"first": bytes(32)}, {"other": KEY}, {}):
        settings.PORTAL_KEYRING = ring
        with pytest.raises(Locked):
            unseal(stored, HERE)


@pytest.mark.parametrize("flip", range(0, 40, 3))
def test_a_changed_byte_does_not_open(flip):
    stored = bytearray(seal(Secret("fc_live_abc"), HERE))
    stored[flip % len(stored)] ^= 1
    with pytest.raises(Locked):
        unseal(bytes(stored), HERE)


@pytest.mark.parametrize("stored", [b"", b"1:first:", b"plain text", b"2:first:" + bytes(40)])
def test_what_was_never_sealed_is_not_taken_as_text(stored):
    with pytest.raises(Locked):
        unseal(stored, HERE)


def test_after_a_rotation_the_old_key_still_opens(settings):
    stored = seal(Secret("fc_live_abc"), HERE)
    settings.PORTAL_KEYRING = {"new": bytes([9]) * 32, "first": KEY}

    assert unseal(stored, HERE).reveal() == "fc_live_abc"
    assert key_id_of(seal(Secret("x"), HERE)) == "new"


def test_a_secret_does_not_print_or_travel():
    secret = Secret("fc_live_abc")
    assert "fc_live" not in f"{secret} {secret!r} {[secret]} {vars(type(secret))}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
