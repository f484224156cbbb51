"""An admin sets webhooks up: address, secret, the first delivery; and reads the log of them."""

import html
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

from portal.models import Connection, Delivery, Entry, Lead
from portal.services import connections, deliveries
from portal.services.applying import apply_due
from portal.vault import store as vault
from portal.vault.seal import Secret

LOG = "/w/acme/settings/deliveries/"


@pytest.fixture
def person(admin, client_of):
    return client_of(admin)


def setup_of(connection):
    return f"/w/acme/settings/connections/{connection.pk}/webhooks/"


def words_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


class TestSettingUp:
    def test_the_page_gives_the_address_and_says_where_it_goes(self, person, nexadesk):
        page = person.get(setup_of(nexadesk))

        assert connections.hook_address(nexadesk) in page.text
        words = words_of(page)
        assert "In NexaDesk open Settings &gt; Webhooks and press Add Webhook." in words
        assert "Until a secret is stored here, no event is let in." in words
        assert "Nothing arrived yet" in words
        assert "every 3s" in page.text

    def test_a_secret_is_stored_sealed_and_never_shown(self, person, nexadesk):
        answer = person.post(setup_of(nexadesk), {"secret": "whsec_canary"}, follow=True)

        assert "The secret is stored." in words_of(answer)
        assert "canary" not in answer.text
        connection = Connection.objects.get()
        assert b"canary" not in bytes(connection.sealed_webhook_secret)
        secrets = [secret.reveal() for secret in vault.webhook_secrets_of(connection)]
        assert secrets == ["whsec_canary"]
        assert Entry.objects.filter(action="webhook.secret").exists()

    def test_a_secret_is_replaced_without_a_gap(self, person, nexadesk):
        person.post(setup_of(nexadesk), {"secret": "first"})
        page = person.post(setup_of(nexadesk), {"secret": "second"}, follow=True)
        assert "The one before stays good until you remove it." in words_of(page)
        assert "Remove the old secret" in page.text

        page = person.post(setup_of(nexadesk) + "forget/", follow=True)
        assert "Remove the old secret" not in page.text
        secrets = vault.webhook_secrets_of(Connection.objects.get())
        assert [secret.reveal() for secret in secrets] == ["second"]

    @pytest.mark.parametrize("secret", ["", "two words", "x" * 501])
    def test_what_cannot_be_a_secret_is_not_stored(self, person, nexadesk, secret):
        page = person.post(setup_of(nexadesk), {"secret": secret})
        assert page.status_code == 422
        assert not Connection.objects.get().sealed_webhook_secret

    def test_it_turns_green_with_the_first_proved_delivery(self, person, nexadesk):
        part = {"HX-Request": "true"}
        assert "every 3s" in person.get(setup_of(nexadesk), headers=part).text
        Connection.objects.update(hook_seen_at=timezone.now())
        page = person.get(setup_of(nexadesk), headers=part)
        assert "it was not signed with a secret that is stored here" in words_of(page)

        now = timezone.now()
        Connection.objects.update(hook_seen_at=now, hook_verified_at=now)
        page = person.get(setup_of(nexadesk), headers=part)

        assert page.text.lstrip().startswith('<section class="card plain-text"')
        assert "Arrives, proved" in words_of(page)
        assert "every 3s" not in page.text

    def test_dexra_has_no_secret_and_the_page_says_what_that_means(self, person, dexra):
        page = person.get(setup_of(dexra))
        assert "only this address protects them" in words_of(page)
        assert 'name="secret"' not in page.text
        assert person.post(setup_of(dexra), {"secret": "x"}).status_code == 404

    def test_silence_is_said(self, person, nexadesk, sandbox, synced):
        for n in range(3):
            sandbox.add_lead(visitor_name=f"Lead {n}")
        synced(nexadesk)
        long_ago = timezone.now() - timedelta(hours=2)
        Connection.objects.update(hook_seen_at=long_ago, hook_verified_at=long_ago)
        Lead.objects.update(updated_at=timezone.now() - timedelta(minutes=30))

        for address in ("/w/acme/settings/webhooks/", setup_of(nexadesk)):
            words = words_of(person.get(address))
            assert "Seems silent" in words
            assert "at least 3 changes came by reading the lists only" in words

    def test_without_a_connection_there_is_nothing_to_set_up(self, person):
        assert "Nothing is connected yet" in person.get("/w/acme/settings/webhooks/").text


@pytest.fixture
def told(dexra):
    """Post Dexra bodies to the portal and apply them: `told(b"...")`."""
    token = vault.hook_token_of(dexra).reveal()

    def tell(*bodies):
        for body in bodies:
            deliveries.receive(token, body, {})
        apply_due(vault.by_id(dexra.pk))
        return list(Delivery.objects.order_by("id"))

    return tell


class TestTheLog:
    def test_everything_that_came_with_its_outcome_newest_first(self, person, told):
        told(b"not json", b'{"event":"survey_done"}')

        words = words_of(person.get(LOG))

        assert "not readable" in words
        assert words.index("survey_done") < words.index("not readable")
        assert "It cannot be read: it is not JSON" in words
        assert "Nothing here depends on this event." in words

    def test_filters_by_connection_event_and_outcome(self, person, told, dexra):
        told(b"not json", b'{"event":"survey_done"}')

        def rows(query):
            return len(re.findall(r'<tr id="delivery-', person.get(LOG + query).text))

        assert rows("") == 2
        assert rows("?status=failed") == rows("?event=survey_done") == 1
        assert rows(f"?connection={dexra.pk}&status=ignored") == 1
        assert rows("?event=message_in") == 0
        odd = "?connection=abc&status=<b>&older=99999999999999999999999&newer=-1&event=%00"
        assert rows(odd) == 2

    def test_pages_by_keyset_both_ways(self, person, dexra):
        Delivery.objects.bulk_create(
            Delivery(
                workspace=dexra.workspace,
                connection=dexra,
                once=str(n),
                body=b"{}",
                event="survey_done",
                received_at=timezone.now(),
            )
            for n in range(120)
        )

        def ids(page):
            return [int(n) for n in re.findall(r'<tr id="delivery-(\d+)', page.text)]

        def follow(page, rel):
            href = re.search(rf'rel="{rel}" href="([^"]+)"', page.text).group(1)
            return person.get(LOG + html.unescape(href))

        first = person.get(LOG + "?event=survey_done")
        second = follow(first, "next")
        third = follow(second, "next")
        everything = ids(first) + ids(second) + ids(third)
        assert everything == sorted(everything, reverse=True)
        assert len(everything) == 120
        assert 'rel="next"' not in third.text
        assert ids(follow(third, "prev")) == ids(second)
        assert ids(follow(second, "prev")) == ids(first)

    def test_few_queries(self, person, told, django_assert_max_num_queries):
        told(*(b'{"event":"survey_%d"}' % n for n in range(30)))
        with django_assert_max_num_queries(8):
            person.get(LOG)

    def test_one_delivery_with_its_body_which_stays_text(self, person, told):
        body = b'{"event":"x","data":{"a":"<script>alert(1)</script>","b":"\\ud800\\u0000"}}'
        [delivery] = told(body)

        page = person.get(f"{LOG}{delivery.pk}/")

        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
        assert "cannot be proved: this service does not sign" in page.text

    @pytest.mark.parametrize(
        "body", [b"[" * 100_000, b"\xff\xfe\x00", b'"' + b"x" * 200_000 + b'"', b"1e999", b"NaN"]
    )
    def test_odd_bodies_are_shown(self, person, told, body):
        [delivery] = told(body)
        assert person.get(f"{LOG}{delivery.pk}/").status_code == 200

    def test_a_replay_applies_it_again(self, person, told, sandbox, dexra):
        talk = sandbox.add_dexra_conversation(subject="Late")
        sandbox.dexra.conversations.remove(talk["id"])
        body = b'{"event":"message_in","conversation_id":"%s","message_text":"Hi"}'
        [delivery] = told(body % talk["id"].encode())
        assert delivery.status == "ignored"

        sandbox.dexra.conversations.put(talk)
        cache.clear()
        answer = person.post(f"{LOG}{delivery.pk}/replay/")
        apply_due(vault.by_id(dexra.pk))

        assert answer.url == f"{LOG}{delivery.pk}/"
        assert Delivery.objects.get().status == "done"
        assert Entry.objects.filter(action="delivery.replay").exists()
        assert "/conversations/" in person.get(f"{LOG}{delivery.pk}/").text

    def test_a_forgotten_body_cannot_be_replayed(self, person, told):
        [delivery] = told(b'{"event":"x"}')
        Delivery.objects.update(body=b"")

        assert "Replay" not in person.get(f"{LOG}{delivery.pk}/").text
        assert person.post(f"{LOG}{delivery.pk}/replay/").status_code == 409


def test_the_command_line_stores_a_secret_too(sandbox, workspace, monkeypatch, capsys):
    monkeypatch.setenv("A_KEY", sandbox.key("nexadesk"))
    monkeypatch.setenv("A_SECRET", "whsec_cli")
    names = ("--key-env", "A_KEY", "--webhook-secret-env", "A_SECRET")
    call_command("connect", "acme", "nexadesk", *names)

    connection = Connection.objects.get()
    assert connections.hook_address(connection) in capsys.readouterr().out
    assert vault.webhook_secrets_of(connection)[0].reveal() == "whsec_cli"
    assert isinstance(vault.webhook_secrets_of(connection)[0], Secret)
