"""Errors are real pages: in the shell for members, with words and a reference."""

import re

import pytest


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
