"""Every answer, errors too, tells the browser what it may do with it."""

import pytest
from django.test import Client, override_settings
from django.urls import path

from portal import urls
from portal.providers.errors import Unreachable

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


def _breaks(request):
    raise RuntimeError("the secret is xyzzy")


def _provider_is_away(request):
    raise Unreachable("nexadesk", arrived=False)


urlpatterns = [*urls.urlpatterns, path("breaks/", _breaks), path("away/", _provider_is_away)]
handler404 = urls.handler404


def check(answer):
    assert set(answer["Content-Security-Policy"].split("; ")) == POLICY
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/", 302),
        ("/accounts/login/", 200),
        ("/accounts/password/reset/", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/w/acme/", 302),
        ("/nowhere/", 404),
    ],
)
def test_signed_out(address, status):
    answer = Client().get(address)

    assert answer.status_code == status
    check(answer)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/w/acme/", 200),
        ("/w/acme/settings/connections/", 200),
        ("/w/acme/settings/connections/new/", 200),
        ("/w/acme/progress/", 302),
        ("/w/acme/settings/connections/424242/key/", 404),
        ("/w/other/", 404),
        ("/look/", 405),
    ],
)
def test_signed_in(owner, stranger, client_of, address, status):
    answer = client_of(owner).get(address)

    assert answer.status_code == status
    check(answer)


def test_a_forbidden_page(viewer, client_of):
    answer = client_of(viewer).get("/w/acme/settings/connections/")

    assert answer.status_code == 403
    check(answer)


def test_a_form_without_its_token(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)

    answer = browser.post("/w/acme/settings/connections/new/", {"key": "k"})

    assert answer.status_code == 403
    assert "Nothing" in answer.text or "nothing" in answer.text
    check(answer)


@override_settings(ROOT_URLCONF=__name__)
def test_a_broken_page_shows_nothing_of_the_inside(owner, client_of):
    browser = client_of(owner)
    browser.raise_request_exception = False

    answer = browser.get("/breaks/")

    assert answer.status_code == 500
    assert "xyzzy" not in answer.text
    assert "Something broke on our side" in answer.text
    check(answer)


@override_settings(ROOT_URLCONF=__name__)
def test_a_provider_that_is_away(owner, client_of):
    answer = client_of(owner).get("/away/")

    assert answer.status_code == 503
    assert "The service does not answer now." in answer.text
    check(answer)


@override_settings(ROOT_URLCONF=__name__)
def test_a_provider_that_is_away_is_a_toast_for_htmx(owner, client_of):
    answer = client_of(owner).get("/away/", headers={"HX-Request": "true"})

    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text == "The service does not answer now."
    check(answer)


@pytest.mark.django_db
def test_a_host_that_is_not_ours():
    answer = Client().get("/", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    check(answer)
