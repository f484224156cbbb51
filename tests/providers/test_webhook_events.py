"""What a webhook's body means, and whether its signature is one (API facts A7, B5)."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.providers.dexra import DEXRA
from portal.providers.nexadesk import NEXADESK
from portal.providers.reading import Unreadable
from portal.records import Author, Can, Kind, News
from portal.sandbox.webhooks import signature

NEXA, DEX = NEXADESK.webhooks, DEXRA.webhooks


def told(hooks, **body):
    return hooks.read(json.dumps(body).encode())


class TestSignature:
    def fits(self, body, header, *secrets):
        return NEXA.verify(body, {"x-nexadesk-signature": header}, secrets)

    def test_of_either_secret(self):
        header = signature("one", b"{}")
        assert self.fits(b"{}", header, "one")
        assert self.fits(b"{}", header, "two", "one")
        assert not self.fits(b"{}", header, "two")

    def test_of_no_secret_or_an_empty_one(self):
        assert not self.fits(b"{}", signature("", b"{}"))
        assert not self.fits(b"{}", signature("", b"{}"), "")

    def test_of_the_empty_body(self):
        assert not self.fits(b"", signature("one", b""), "one")

    def test_over_the_raw_bytes(self):
        assert not self.fits(b'{"a": 1}', signature("one", b'{"a":1}'), "one")

    @given(st.text(), st.binary(min_size=1))
    def test_no_header_raises_or_fits(self, header, body):
        assert not self.fits(body, header, "one", "ключ")


class TestNexaDesk:
    def test_a_lead_as_the_page_shows_it_tells_a_part(self):
        event = told(
            NEXA,
            event="lead.created",
            timestamp="2026-04-02T09:12:44.000Z",
            workspace_id="ws_7h2k9p4d",
            data={"id": "L1", "visitor_name": "Petra", "pipeline_stage": "new"},
        )
        assert (event.news, event.kind, event.upstream_id) == (News.CHANGED, Kind.LEADS, "L1")
        assert event.record.told == {"upstream_id", "name", "stage"}
        assert (event.whole, event.account, event.unique) == (False, "ws_7h2k9p4d", True)
        assert event.at.isoformat() == "2026-04-02T09:12:44+00:00"

    def test_closed_means_archived(self):
        event = told(NEXA, event="conversation.closed", data={"id": "C1"})
        assert (event.record.status, event.record.state) == ("archived", "closed")

    @pytest.mark.parametrize(
        "data", [{"conversation_id": "C1"}, {"conversation": {"id": "C1"}, "id": "M1"}]
    )
    def test_a_message_names_its_conversation(self, data):
        event = told(NEXA, event="message.created", data=data)
        assert (event.news, event.upstream_id) == (News.SAID, "C1")

    def test_a_message_that_names_none(self):
        assert told(NEXA, event="message.created", data={"id": "M1"}).upstream_id == ""

    def test_what_is_not_known_is_no_news(self):
        assert told(NEXA, event="ping", data={}).news is News.NOTHING
        assert told(NEXA, event=["odd"]).news is News.NOTHING
        assert told(NEXA).name == ""

    @given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
    def test_any_json_is_read_or_refused(self, value):
        for event in NEXA.events:
            with suppress(Unreadable):
                told(NEXA, event=event, data={"id": value, "conversation_id": value})


class TestDexra:
    def test_the_four_examples_of_the_help_pages(self):
        email = told(
            DEX,
            event="message_in",
            channel="email",
            data={
                "conversation_id": "41870",
                "user": {"id": "USER_1", "email": "mara@cove.example"},
                "message": {"id": "MSG_1", "subject": "Late", "content": "Where?", "type": "email"},
            },
        )
        assert (email.upstream_id, email.message.upstream_id) == ("41870", "MSG_1")
        assert (email.message.author, email.message.text) == (Author.VISITOR, "Where?")
        assert (email.person.upstream_id, email.person.email) == ("USER_1", "mara@cove.example")
        assert (email.record.source, email.record.visitor_email) == ("email", "mara@cove.example")

        telegram = told(
            DEX,
            event="message_in",
            channel="telegram",
            data={
                "conversation_id": "TG_1",
                "user": {"id": "TG_2", "username": "mara"},
                "message": {"content": "Hi", "type": "text"},
            },
        )
        assert (telegram.unique, telegram.person.first_name) == (False, "mara")

        bot = told(
            DEX,
            event="message_out",
            channel="whatsapp",
            source="ai",
            data={"conversation_id": "1", "message": {"content": "Hello", "type": "text"}},
        )
        assert (bot.outgoing, bot.message.author, bot.person) == (True, Author.BOT, None)

        instagram = told(
            DEX,
            event="message_in",
            channel="instagram",
            timestamp="2026-04-06T08:31:00Z",
            data={"conversation_id": "1", "message": {"id": "M", "content": "Hi"}},
        )
        assert instagram.at.isoformat() == "2026-04-06T08:31:00+00:00"

    def test_the_flat_spelling_of_the_blog(self):
        event = told(
            DEX,
            event="message_in",
            conversation_id=41870,
            message_text="Where?",
            source_channel="web",
        )
        assert (event.upstream_id, event.message.text) == ("41870", "Where?")
        assert (event.record.source, event.unique) == ("web", False)

    def test_a_user_with_attributes(self):
        event = told(
            DEX, event="user_updated", data={"user": {"id": "u"}, "custom_attributes": {"a": 1}}
        )
        assert (event.kind, event.upstream_id) == (Kind.CONTACTS, "u")
        assert event.record.raw["custom_attributes"] == {"a": 1}

    def test_a_note_is_private(self):
        message = {"content": "psst", "type": "private_note"}
        event = told(DEX, event="message_out", data={"conversation_id": "1", "message": message})
        assert event.message.private
        assert event.record.last_message == ""

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
    def test_any_json_is_read_or_refused(self, value):
        for event in DEX.events:
            for body in ({"data": value}, {"data": {"conversation_id": value, "message": value}}):
                with suppress(Unreadable):
                    told(DEX, event=event, **body)


def test_a_provider_that_signs_has_a_secret_to_ask_for():
    for provider in (NEXADESK, DEXRA):
        hooks = provider.webhooks
        assert hooks.steps
        assert hooks.events
        assert bool(hooks.verify) == bool(hooks.secret_hint)
        assert hooks.verify or hooks.caution
    assert Can.READ_MESSAGES in NEXADESK.can
