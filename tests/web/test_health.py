"""Whoever runs the portal asks whether it lives and whether it can work."""

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from portal.models import Connection
from portal.web import health


def test_a_living_process_answers_without_the_database():
    """No `db` fixture: a single query would fail the test."""
    answer = Client().get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")


def test_head_is_enough_for_a_probe():
    assert Client().head("/healthz").status_code == 200


def test_nothing_can_be_posted():
    assert Client().post("/healthz").status_code == 405


@pytest.mark.django_db
def test_ready_with_an_empty_house():
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "ok",
        "pending_migrations": 0,
        "keys_opened": 0,
        "keys_locked": 0,
    }


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing():
    MigrationRecorder.Migration.objects.filter(app="portal").latest("id").delete()

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "database": "ok", "pending_migrations": 1}


def test_not_ready_while_the_database_does_not_answer(monkeypatch):
    def away():
        raise OperationalError("password authentication failed for user portal")

    monkeypatch.setattr(health, "pending_migrations", away)

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "database": "unreachable"}


def test_not_ready_with_the_wrong_key_ring(nexadesk, settings):
    settings.PORTAL_KEYRING = {"other": b"x" * 32}

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert (answer.json()["keys_opened"], answer.json()["keys_locked"]) == (0, 1)


def test_ready_and_tells_of_one_key_that_does_not_open(nexadesk, dexra):
    Connection.objects.filter(pk=dexra.pk).update(sealed_key=b"1:gone:" + b"x" * 40)

    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert (answer.json()["keys_opened"], answer.json()["keys_locked"]) == (1, 1)
    assert "gone" not in answer.text
