"""An admin's keys: tried before they are kept, kept sealed, never shown again."""

import re
import sys

import pytest
from django.contrib.messages import get_messages
from django.core.signals import got_request_exception
from django.views.debug import ExceptionReporter

from portal.models import Connection, Conversation, Entry, Lead, SyncState, Write
from portal.sandbox import Fault, Sandbox, serve
from portal.services.leads import create_lead

NEW = "/w/acme/settings/connections/new/"
LIST = "/w/acme/settings/connections/"


@pytest.fixture
def person(admin, client_of):
    return client_of(admin)


def add(person, key, provider="nexadesk", **more):
    return person.post(NEW, {"provider": provider, "key": key, **more})


def said(answer):
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def errors_of(page):
    """What stands beside the key field."""
    lists = re.findall(r'<ul class="errorlist" id="id_key_error">(.*?)</ul>', page.text, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", " ".join(lists)).split())


class TestAdding:
    def test_a_key_that_works_is_kept_and_says_what_the_trial_did(self, person, sandbox):
        sandbox.add_lead(visitor_name="Ada")
        sandbox.add_lead(visitor_name="Hedy")
        key = sandbox.key("nexadesk")

        answer = add(person, key, label="Sales")

        assert (answer.status_code, answer.url) == (302, LIST)
        assert re.search(r"Sales is connected\. Read 1 of 2 leads in \d+\.\d\d s\.", said(answer))
        connection = Connection.objects.get()
        assert (connection.label, connection.key_tail) == ("Sales", key[-4:])
        assert len(sandbox.requests) == 1
        assert Entry.objects.get().action == "connection.add"

    def test_an_empty_service_is_fine(self, person, sandbox):
        answer = add(person, sandbox.key("dexra"), provider="dexra")

        assert "Dexra is connected. It answered in " in said(answer)
        assert "there are no conversations yet" in said(answer)

    def test_spaces_around_a_pasted_key_do_no_harm(self, person, sandbox):
        key = sandbox.key("nexadesk")

        add(person, f"  {key}\n")

        assert Connection.objects.get().key_tail == key[-4:]

    def test_the_page_says_what_each_service_can_and_cannot(self, person):
        page = person.get(NEW).text

        assert "Brings leads, contacts, conversations." in page
        assert "make, change and delete leads" in page
        assert "Dexra&#x27;s API cannot read a conversation&#x27;s history." in page
        assert 'type="password"' in page
        assert 'autocomplete="off"' in page

    def test_the_first_copy_is_asked_for(self, person, sandbox, monkeypatch):
        asked = []
        monkeypatch.setattr("portal.web.connections.sync_soon", asked.append)

        add(person, sandbox.key("nexadesk"))

        assert asked == [Connection.objects.get().pk]


class TestRefusing:
    def check_nothing_stored(self, page, *words):
        assert page.status_code == 422
        assert Connection.objects.count() == 0
        assert Entry.objects.count() == 0
        for word in words:
            assert word in errors_of(page), errors_of(page)

    def test_a_wrong_key(self, person, sandbox):
        page = add(person, "fc_live_canary0000000000000000", label="Sales & more")

        self.check_nothing_stored(page, "NexaDesk does not accept this key.")
        assert "canary" not in page.text
        assert 'value="Sales &amp; more"' in page.text
        assert re.search(r'value="nexadesk"[^>]* checked', page.text)

    def test_a_key_that_may_not_read(self, person, sandbox):
        page = add(person, sandbox.key("nexadesk", scopes=("write",)))

        self.check_nothing_stored(page, "may not read in NexaDesk", "on the key&#x27;s list")

    def test_a_key_for_other_addresses(self, person, sandbox):
        page = add(person, sandbox.key("nexadesk", addresses=("203.0.113.9",)))

        self.check_nothing_stored(page, "may not read in NexaDesk", "NexaDesk said: “")

    def test_a_service_that_is_away(self, person, sandbox):
        key = sandbox.key("nexadesk")
        sandbox.refuse_connections(20)

        page = add(person, key)

        self.check_nothing_stored(page, "NexaDesk does not answer now. Nothing was changed here")

    def test_a_service_that_asks_to_wait(self, person, sandbox):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.status(429, headers={"Retry-After": "12"}))

        page = add(person, sandbox.key("nexadesk"))

        self.check_nothing_stored(page, "NexaDesk asks us to wait 12 s.")

    def test_something_else_that_answers(self, person, sandbox):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.html())

        page = add(person, sandbox.key("nexadesk"))

        self.check_nothing_stored(page, "does not speak as NexaDesk documents")

    @pytest.mark.parametrize("key", ["", "two words", "ключ", "a\x00b", "k" * 501])
    def test_what_cannot_be_a_key_is_not_even_tried(self, person, sandbox, key):
        page = add(person, key)

        self.check_nothing_stored(page, "")
        assert errors_of(page)
        assert len(sandbox.requests) == 0

    @pytest.mark.parametrize("provider", ["", "other", "<b>", "__class__"])
    def test_an_unknown_service(self, person, sandbox, provider):
        page = add(person, sandbox.key("nexadesk"), provider=provider)

        assert page.status_code == 422
        assert Connection.objects.count() == 0
        assert "<b>" not in page.text.replace("<b>NexaDesk", "").replace("<b>Dexra", "")

    def test_a_key_that_is_here_already(self, person, sandbox):
        key = sandbox.key("nexadesk")
        add(person, key)

        page = add(person, key)

        assert page.status_code == 422
        assert "This key is connected already." in errors_of(page)
        assert Connection.objects.count() == 1

    @pytest.mark.parametrize("role", ["agent", "viewer"])
    def test_who_does_not_administer(self, request, client_of, sandbox, role):
        person = client_of(request.getfixturevalue(role))

        assert person.get(LIST).status_code == 403
        assert add(person, sandbox.key("nexadesk")).status_code == 403
        assert Connection.objects.count() == 0
        assert len(sandbox.requests) == 0


class TestReplacing:
    def path(self, connection):
        return f"{LIST}{connection.pk}/key/"

    def test_keeps_the_records_and_lets_the_new_key_work(
        self, person, sandbox, nexadesk, synced, admin
    ):
        sandbox.add_lead(visitor_name="Ada")
        synced(nexadesk)
        lead = Lead.objects.get()
        key = sandbox.key("nexadesk")

        answer = person.post(self.path(nexadesk), {"key": key})

        assert answer.url == LIST
        assert "NexaDesk has its new key. Read 1 of 1 leads" in said(answer)
        connection = Connection.objects.get()
        assert (connection.pk, connection.key_tail) == (nexadesk.pk, key[-4:])
        assert Lead.objects.get().pk == lead.pk
        create_lead(connection, {"visitor_name": "Hedy"}, actor=admin, form_id="f-after-replace")
        assert sandbox.requests[-1].key == key

    def test_a_wrong_one_leaves_the_old_one(self, person, nexadesk):
        before = Connection.objects.values().get()

        page = person.post(self.path(nexadesk), {"key": "fc_live_canary000000000000000"})

        assert page.status_code == 422
        assert "NexaDesk does not accept this key." in errors_of(page)
        assert "canary" not in page.text
        assert Connection.objects.values().get() == before

    def test_wakes_a_connection_whose_key_was_rejected(self, person, sandbox, nexadesk):
        nexadesk.status = "key_rejected"
        nexadesk.save()
        assert "Replace the key" in person.get("/w/acme/").text

        person.post(self.path(nexadesk), {"key": sandbox.key("nexadesk")})

        assert Connection.objects.get().status == "ok"

    def test_opens_a_connection_sealed_with_a_lost_key(self, person, sandbox, nexadesk, settings):
        settings.PORTAL_KEYRING = {"new": b"n" * 32}
        assert "cannot be opened" in self.tried(person, nexadesk)

        person.post(self.path(nexadesk), {"key": sandbox.key("nexadesk")})

        assert "It answered in" in self.tried(person, nexadesk)

    def tried(self, person, connection):
        return said(person.post(f"{LIST}{connection.pk}/try/"))

    @pytest.fixture
    def elsewhere(self, settings):
        """Another account of the same service, with people of its own."""
        with serve(Sandbox()) as other:
            for name in ("Grace", "Hedy"):
                other.add_lead(visitor_name=name)
                other.add_contact(first_name=name)
            settings.PROVIDER_BASE_URLS = {"nexadesk": other.nexadesk_url}
            yield other

    @pytest.fixture
    def ada(self, sandbox, nexadesk, synced):
        sandbox.add_lead(visitor_name="Ada")
        return synced(nexadesk)

    def test_by_one_of_another_account_is_asked_about_and_mixes_nothing(
        self, person, ada, elsewhere
    ):
        before = Connection.objects.values().get()

        page = person.post(self.path(ada), {"key": elsewhere.key("nexadesk")})

        assert page.status_code == 422
        assert "seems to open another account" in page.text
        assert 'name="sure"' in page.text
        assert Connection.objects.values().get() == before
        assert list(Lead.objects.values_list("name", flat=True)) == ["Ada"]
        assert len(elsewhere.requests) <= 1 + 4

    def test_by_one_of_another_account_goes_on_with_a_yes_and_compares_everything(
        self, person, ada, elsewhere
    ):
        answer = person.post(self.path(ada), {"key": elsewhere.key("nexadesk"), "sure": "on"})

        assert answer.url == LIST
        assert SyncState.objects.filter(check_wanted=True).count() == 3

    def test_by_one_whose_newest_records_are_all_strange_but_knows_ours(self, person, sandbox, ada):
        for n in range(130):
            sandbox.add_lead(visitor_name=f"Later {n}")

        answer = person.post(self.path(ada), {"key": sandbox.key("nexadesk")})

        assert answer.url == LIST

    def test_of_another_workspace_is_missing(self, person, stranger, sandbox, connect_to):
        theirs = connect_to("nexadesk", to=stranger.workspace)

        for action in ("key", "remove"):
            assert person.get(f"{LIST}{theirs.pk}/{action}/").status_code == 404
        for action, values in (
            ("key", {"key": sandbox.key("nexadesk")}),
            ("try", {}),
            ("remove", {"name": "NexaDesk"}),
        ):
            assert person.post(f"{LIST}{theirs.pk}/{action}/", values).status_code == 404
        assert Connection.objects.get().key_tail == theirs.key_tail
        assert len(sandbox.requests) == 0


class TestTryingAgain:
    def test_tells_what_came_back(self, person, sandbox, nexadesk):
        sandbox.add_lead(visitor_name="Ada")

        answer = person.post(f"{LIST}{nexadesk.pk}/try/")

        assert answer.url == LIST
        assert "NexaDesk: Read 1 of 1 leads in" in said(answer)

    def test_marks_a_key_that_was_revoked(self, person, sandbox, workspace):
        key = sandbox.key("nexadesk")
        add(person, key)
        connection = Connection.objects.get()
        sandbox.revoke(key)

        answer = person.post(f"{LIST}{connection.pk}/try/")

        assert "NexaDesk does not accept this key." in said(answer)
        connection.refresh_from_db()
        assert connection.status == "key_rejected"
        page = person.get(LIST).text
        assert "The service does not accept this key any more." in page
        assert "Needs a key" in page

    def test_forgets_that_a_key_could_only_read(self, person, nexadesk):
        Connection.objects.update(may_write=False)
        assert "This key may only read" in person.get(LIST).text

        person.post(f"{LIST}{nexadesk.pk}/try/")

        assert "This key may only read" not in person.get(LIST).text

    def test_swaps_the_list_and_says_it_in_a_toast(self, person, sandbox, nexadesk):
        answer = person.post(f"{LIST}{nexadesk.pk}/try/", headers={"HX-Request": "true"})

        assert answer.status_code == 200
        assert answer.text.lstrip().startswith('<div id="connections"')
        assert "<html" not in answer.text
        assert "there are no leads yet" in answer["HX-Trigger"]


class TestRemoving:
    def test_asks_for_the_name_first(self, person, nexadesk):
        page = person.get(f"{LIST}{nexadesk.pk}/remove/")

        assert "It is “NexaDesk”." in page.text
        for name in ("", "Dexra", "nexa"):
            answer = person.post(f"{LIST}{nexadesk.pk}/remove/", {"name": name})
            assert answer.status_code == 422
        assert Connection.objects.count() == 1

    @pytest.fixture
    def both(self, sandbox, nexadesk, dexra):
        """Both services connected, one record in each."""
        sandbox.add_lead(visitor_name="Ada")
        user = sandbox.add_dexra_user(email="mara@cove.example")
        sandbox.add_dexra_conversation(user_id=user["id"], subject="Invoice")
        return nexadesk, dexra

    def test_deletes_the_key_and_the_copy_but_nothing_there(
        self, person, sandbox, both, synced, admin
    ):
        nexadesk, dexra = both
        synced(nexadesk)
        synced(dexra)
        create_lead(nexadesk, {"visitor_name": "Hedy"}, actor=admin, form_id="f-before-remove")
        sandbox.requests.clear()

        answer = person.post(f"{LIST}{nexadesk.pk}/remove/", {"name": " nexadesk "})

        assert answer.url == LIST
        assert "Nothing was changed there." in said(answer)
        assert list(Connection.objects.all()) == [dexra]
        assert (Lead.objects.count(), Write.objects.count()) == (0, 0)
        assert Conversation.objects.get().subject == "Invoice"
        assert len(sandbox.leads) == 2
        assert len(sandbox.requests) == 0
        assert Entry.objects.filter(action="connection.remove").count() == 1


def test_a_key_is_nowhere_to_be_found(person, sandbox, caplog, settings):
    """A canary in the middle of a working key, a wrong one and one that breaks the answer."""
    caplog.set_level("DEBUG")
    settings.DEBUG = True
    person.raise_request_exception = False
    right = sandbox.key("nexadesk")
    canary = right[8:-4]
    pages = [add(person, right), add(person, right), person.get(LIST)]
    connection = Connection.objects.get()
    wrong = f"fc_live_{canary[::-1]}wrong"
    pages += [add(person, wrong), person.post(f"{LIST}{connection.pk}/key/", {"key": wrong})]
    echo = f'{{"success": false, "error": "Bad key {right}"}}'
    for fault in (Fault.garbage(text=right), Fault.garbage(400, text=echo)):
        sandbox.fault("nexadesk", "GET", "/leads", fault)
        pages.append(person.post(f"{LIST}{connection.pk}/try/"))
        pages.append(person.get(LIST))
    pages += [person.get("/w/acme/"), person.get(f"{LIST}{connection.pk}/key/")]

    told = "".join(page.text + str(page.headers) + said(page) for page in pages)
    for part in (canary, canary[::-1]):
        assert part not in told
        assert part not in caplog.text
        for entry in Entry.objects.values():
            assert part not in str(entry)
        for row in Connection.objects.values():
            assert part not in str(row)
            assert part.encode() not in bytes(row["sealed_key"])
    assert right[-4:] in told


def test_a_crash_while_a_key_is_tried_reports_no_key(person, sandbox, monkeypatch, mailoutbox):
    """Django's error report shows local variables and what was posted: neither may hold it."""
    reports = []

    def crash(*args, **kwargs):
        raise RuntimeError("no luck")

    def keep(sender, request, **_):
        reports.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_text())
        reports.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())

    monkeypatch.setattr("portal.services.connections._try", crash)
    person.raise_request_exception = False
    got_request_exception.connect(keep)
    try:
        answer = add(person, "fc_live_canary-in-a-crash")
    finally:
        got_request_exception.disconnect(keep)

    assert answer.status_code == 500
    assert len(reports) == 2
    assert "no luck" in reports[0]
    assert "canary" not in "".join(reports)
    assert "canary" not in answer.text
