"""Errors are real pages: in the shell for members, with words and a reference."""

import re

import pytest
from django.db import OperationalError, connection

from portal.models import Entry, Write


@pytest.fixture
def broken(monkeypatch):
    """The list of leads breaks in a way nobody foresaw."""

    def fail(*_, **__):
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("portal.web.leads.lead_list", fail)


def test_a_missing_page_of_ones_own_workspace_stands_in_the_shell(agent, client_of):
    for path in ("/w/acme/leads/987654/", "/w/acme/no-such-page/"):
        page = client_of(agent).get(path)
        assert page.status_code == 404
        assert 'aria-label="Main"' in page.text, path


def test_a_missing_page_elsewhere_has_no_shell(agent, stranger, client_of):
    for path in ("/w/other/leads/", "/w/nowhere/leads/", "/nothing/"):
        page = client_of(agent).get(path)
        assert page.status_code == 404
        assert 'aria-label="Main"' not in page.text, path


def test_what_breaks_says_so_with_the_logs_reference_and_no_detail(
    broken, agent, client_of, caplog
):
    client = client_of(agent)
    client.raise_request_exception = False

    page = client.get("/w/acme/leads/")

    assert page.status_code == 500
    assert "a secret detail" not in page.text
    assert 'aria-label="Main"' in page.text
    reference = re.search(r"\b[0-9a-f]{12}\b", page.text)[0]
    assert reference in caplog.text


def test_a_piece_of_a_page_that_breaks_answers_in_one_sentence(broken, agent, client_of):
    client = client_of(agent)
    client.raise_request_exception = False

    piece = client.get("/w/acme/leads/", headers={"HX-Request": "true"})

    assert piece.status_code == 500
    assert piece["Content-Type"].startswith("text/plain")
    assert "<" not in piece.text


def disk_full(execute, sql, params, many, context):
    """What a database says that has no room left; reading goes on."""
    if sql.startswith(("INSERT", "UPDATE")) and "portal_" in sql:
        raise OperationalError("database or disk is full")
    return execute(sql, params, many, context)


@pytest.mark.parametrize("htmx", [False, True])
def test_a_database_that_cannot_write_is_said_and_nothing_is_half_written(
    nexadesk, sandbox, agent, client_of, htmx
):
    client = client_of(agent)
    client.raise_request_exception = False
    form = {"visitor_name": "Ada", "form_id": "form-0001", "connection": nexadesk.pk}
    headers = {"HX-Request": "true"} if htmx else {}

    with connection.execute_wrapper(disk_full):
        page = client.post("/w/acme/leads/new/", form, headers=headers)

    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert "The database cannot be used just now" in page.text
    assert "disk is full" not in page.text
    assert (Write.objects.count(), Entry.objects.filter(action="lead.create").count()) == (0, 0)
    assert sandbox.requests.count("POST /leads") == 0
    again = client.post("/w/acme/leads/new/", form)
    assert again.status_code == 303
    assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada"]


def test_a_database_that_cannot_be_read_is_said_too(agent, client_of):
    def away(*_):
        raise OperationalError("server closed the connection unexpectedly")

    client = client_of(agent)
    client.raise_request_exception = False

    with connection.execute_wrapper(away):
        page = client.get("/w/acme/leads/")

    assert page.status_code == 503
    assert "The database cannot be used just now" in page.text
