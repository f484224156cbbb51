"""Coming in, going out, finding back, and how the pages look to one browser."""

import re
from urllib.parse import quote

import pytest
from django.core import mail
from django.test import Client

from portal.models import Membership, User, Workspace

PASSWORD = "correct horse battery staple"
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "/\t/evil.example/",
    "\\\\evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/" * 3_000,
    "",
]


def sign_in(browser, email, password=PASSWORD, **more):
    return browser.post("/accounts/login/", {"login": email, "password": password, **more})


def without_tokens(page):
    """The page as everybody gets it: its form tokens differ each time."""
    return re.sub(r'(csrf-token" content|csrfmiddlewaretoken" value)="\w+"', "", page)


class TestFrontDoor:
    def test_a_stranger_is_sent_to_sign_in(self, db):
        assert Client().get("/").url == "/accounts/login/"

    def test_a_member_comes_to_the_only_workspace(self, owner, client_of):
        assert client_of(owner).get("/").url == "/w/acme/"

    def test_the_workspace_visited_last_is_opened(self, owner, client_of):
        second = Workspace.objects.create(slug="zeta", name="Zeta")
        Membership.objects.create(workspace=second, user=owner.user, role="viewer")
        browser = client_of(owner)
        assert browser.get("/").url == "/w/acme/"

        browser.get("/w/zeta/")

        assert browser.get("/").url == "/w/zeta/"

    @pytest.mark.parametrize("kept", ["other", "gone", "../../evil", "é", ""])
    def test_a_cookie_that_names_no_workspace_of_mine_is_ignored(
        self, owner, stranger, client_of, kept
    ):
        browser = client_of(owner)
        browser.cookies["workspace"] = kept

        assert browser.get("/").url == "/w/acme/"

    def test_who_belongs_nowhere_is_told_so_and_can_leave(self, db):
        user = User.objects.create_user("new@acme.example", PASSWORD)
        browser = Client()
        browser.force_login(user)

        page = browser.get("/")

        assert page.status_code == 200
        assert "new@acme.example" in page.text
        assert 'action="/accounts/logout/"' in page.text


class TestSigningIn:
    def test_with_the_right_password(self, owner):
        browser = Client()

        answer = sign_in(browser, "owner@acme.example")

        assert (answer.status_code, answer.url) == (302, "/")
        assert browser.get("/w/acme/").status_code == 200

    def test_the_e_mail_in_any_case(self, owner):
        assert sign_in(Client(), "Owner@ACME.example").status_code == 302

    def test_wrong_person_and_wrong_password_look_the_same(self, owner):
        def page(email, password):
            shown = sign_in(Client(), email, password)
            assert shown.status_code == 200
            return without_tokens(shown.text).replace(email, "E-MAIL")

        wrong_password = page("owner@acme.example", "not my password")
        wrong_person = page("nobody@acme.example", PASSWORD)

        assert wrong_password == wrong_person
        assert 'role="alert"' in wrong_password
        assert "E-MAIL" in wrong_password

    def test_the_password_is_never_sent_back(self, owner):
        assert "canary-7f3a" not in sign_in(Client(), "owner@acme.example", "canary-7f3a").text

    def test_back_to_where_one_wanted_to_go(self, owner):
        browser = Client()
        asked = browser.get("/w/acme/settings/connections/?q=1")
        assert asked.url == f"/accounts/login/?next={quote('/w/acme/settings/connections/?q=1')}"
        form = browser.get(asked.url)
        assert 'name="next" value="/w/acme/settings/connections/?q=1"' in form.text

        answer = sign_in(browser, "owner@acme.example", next="/w/acme/settings/connections/?q=1")

        assert answer.url == "/w/acme/settings/connections/?q=1"

    @pytest.mark.parametrize("address", [a for a in ELSEWHERE if a])
    def test_never_to_another_site(self, owner, address):
        answer = sign_in(Client(), "owner@acme.example", next=address)

        assert answer.status_code in (302, 400)
        if answer.status_code == 302:
            assert answer.url == "/"

    def test_who_is_switched_off_stays_out(self, owner):
        owner.user.is_active = False
        owner.user.save()
        browser = Client()

        answer = sign_in(browser, "owner@acme.example")

        assert answer.status_code == 302
        assert "switched off" in browser.get(answer.url).text
        assert browser.get("/w/acme/").status_code == 302

    def test_guessing_is_held_back(self, owner, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
        for _ in range(2):
            sign_in(Client(), "owner@acme.example", "wrong")

        answer = sign_in(Client(), "owner@acme.example")

        assert answer.status_code == 429
        assert "Too many tries" in answer.text

    def test_nobody_signs_up_alone(self, db):
        for address in ("signup/", "email/", "confirm-email/", "login/code/", "password/set/"):
            assert Client().get(f"/accounts/{address}").status_code == 404


class TestGoingOut:
    def test_asks_first(self, owner, client_of):
        browser = client_of(owner)

        assert "Sign out?" in browser.get("/accounts/logout/").text
        assert browser.get("/w/acme/").status_code == 200

    def test_ends_the_session(self, owner, client_of):
        browser = client_of(owner)

        answer = browser.post("/accounts/logout/")

        assert answer.url == "/accounts/login/"
        assert browser.get("/w/acme/").status_code == 302
        assert "Clear-Site-Data" not in answer

    def test_has_the_browser_forget_where_it_can(self, owner, client_of):
        answer = client_of(owner).post("/accounts/logout/", secure=True)

        assert answer["Clear-Site-Data"] == '"cache", "storage"'


class TestForgottenPassword:
    def reset_link(self, browser):
        browser.post("/accounts/password/reset/", {"email": "owner@acme.example"})
        (letter,) = mail.outbox
        assert letter.to == ["owner@acme.example"]
        assert letter.subject == "Reset your Crossdesk password"
        return re.search(r"http://testserver(/\S+)", letter.body)[1]

    def test_is_reset_by_a_letter_that_works_once(self, owner):
        browser = Client()
        link = self.reset_link(browser)
        form = browser.get(link, follow=True)
        action = re.search(r'action="(/accounts/password/reset/key/[^"]+)"', form.text)[1]

        words = {"password1": "seven wild geese fly", "password2": "seven wild geese fly"}
        assert browser.post(action, words).url == "/accounts/password/reset/key/done/"

        assert sign_in(Client(), "owner@acme.example").status_code == 200
        assert sign_in(Client(), "owner@acme.example", words["password1"]).status_code == 302
        again = Client().get(link, follow=True)
        assert "no longer works" in again.text

    def test_tells_nobody_who_has_an_account(self, owner):
        known, unknown = (
            Client().post("/accounts/password/reset/", {"email": email}, follow=True)
            for email in ("owner@acme.example", "nobody@acme.example")
        )

        assert without_tokens(known.text) == without_tokens(unknown.text)
        assert known.redirect_chain == unknown.redirect_chain
        assert len(mail.outbox) == 1

    def test_a_weak_one_is_refused_with_words(self, owner):
        browser = Client()
        form = browser.get(self.reset_link(browser), follow=True)
        action = re.search(r'action="(/accounts/password/reset/key/[^"]+)"', form.text)[1]

        page = browser.post(action, {"password1": "short", "password2": "short"})

        assert "too short" in page.text
        assert 'value="short"' not in page.text


class TestOwnPassword:
    def test_is_changed_by_who_knows_it(self, owner, client_of):
        words = {"password1": "seven wild geese fly", "password2": "seven wild geese fly"}
        browser = client_of(owner)

        refused = browser.post("/accounts/password/change/", {"oldpassword": "wrong", **words})
        assert 'role="alert"' in refused.text
        assert sign_in(Client(), "owner@acme.example", words["password1"]).status_code == 200

        browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, **words})
        assert sign_in(Client(), "owner@acme.example", words["password1"]).status_code == 302

    def test_asks_strangers_to_sign_in(self, db):
        for address in ("password/change/", "reauthenticate/"):
            assert "/accounts/login/" in Client().get(f"/accounts/{address}").url


class TestLook:
    def test_is_kept_in_the_browser_and_rendered(self, owner, client_of):
        browser = client_of(owner)

        answer = browser.post("/look/", {"theme": "dark", "density": "compact", "next": "/w/acme/"})

        assert answer.url == "/w/acme/"
        page = browser.get("/w/acme/").text
        assert 'data-theme="dark"' in page
        assert 'data-density="compact"' in page

    def test_works_signed_out(self, db):
        browser = Client()

        browser.post("/look/", {"theme": "light", "next": "/accounts/login/"})

        assert 'data-theme="light"' in browser.get("/accounts/login/").text

    def test_what_is_not_a_look_is_not_kept(self, db):
        browser = Client()

        browser.post("/look/", {"theme": '"><script>', "density": "huge"})

        assert "theme" not in browser.cookies
        assert "density" not in browser.cookies

    @pytest.mark.parametrize("address", ELSEWHERE)
    def test_never_leads_to_another_site(self, db, address):
        assert Client().post("/look/", {"theme": "dark", "next": address}).url == "/"
