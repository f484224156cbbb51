"""Services away, keys revoked, colleagues in between: nothing is lost, nothing done twice."""

import os
import random
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone

from portal.models import Breaker, Connection, Conversation, Entry, Lead, Window, Write
from portal.providers.errors import NotFound
from portal.sandbox import Fault
from portal.services import connections
from portal.services.conversations import send_reply
from portal.services.decisions import send_again
from portal.services.errors import StaleRecord
from portal.services.leads import create_lead, delete_lead, refresh_lead, update_lead
from portal.services.recovery import look_up_due
from portal.services.sending import expire_silent, send_due, send_one
from portal.vault.seal import Secret

INTERLEAVINGS = 1_000 if os.environ.get("CROSSDESK_STRESS") else 100


@pytest.fixture
def leads(sandbox, nexadesk, synced):
    for number in range(10):
        sandbox.add_lead(visitor_name=f"Lead {number}", need_summary="")
    synced(nexadesk)
    Window.objects.update(limit=100_000)
    sandbox.requests.clear()
    return [row.pk for row in Lead.objects.all()]


def edit(pk, text, actor, form, *, before):
    row = Lead.objects.select_related("connection", "workspace").get(pk=pk)
    return update_lead(
        row, {"need_summary": text}, before={"need_summary": before}, actor=actor, form_id=form
    ).write.status


def all_due():
    Write.objects.filter(status="queued").update(not_before=None)
    Breaker.objects.all().delete()


def test_fifty_edits_while_nobody_listens_are_kept_and_sent_in_order_once_each(
    leads, agent, sandbox, settings
):
    there = settings.PROVIDER_BASE_URLS
    settings.PROVIDER_BASE_URLS = there | {"nexadesk": "http://127.0.0.1:9/api"}
    for number in range(50):
        stood = edit(leads[number % 10], f"edit {number}", agent, f"form-{number}", before="")
        assert stood == "queued"
    settings.PROVIDER_BASE_URLS = there

    for _ in range(5):
        all_due()
        send_due()

    assert set(Write.objects.values_list("status", flat=True)) == {"sent"}
    patches = [r.body["need_summary"] for r in sandbox.requests.matching("PATCH /leads")]
    assert sorted(patches) == sorted(f"edit {number}" for number in range(50))
    for place in range(10):
        own = [text for text in patches if int(text.split()[1]) % 10 == place]
        assert own == [f"edit {number}" for number in range(place, 50, 10)]


def test_twenty_writes_outlive_a_revoked_key(nexadesk, agent, admin, sandbox, settings):
    there = settings.PROVIDER_BASE_URLS
    settings.PROVIDER_BASE_URLS = there | {"nexadesk": "http://127.0.0.1:9/api"}
    for number in range(20):
        create_lead(nexadesk, {"visitor_name": f"N{number}"}, actor=agent, form_id=f"form-{number}")
    settings.PROVIDER_BASE_URLS = there
    sandbox.fault("nexadesk", "*", "*", Fault.status(401), times=None)

    for _ in range(3):
        all_due()
        send_due()

    assert len(sandbox.requests) == 1, "the first 401 stops them all"
    assert set(Write.objects.values_list("status", flat=True)) == {"queued"}
    sandbox.clear_faults()
    link = Connection.objects.select_related("workspace").get(pk=nexadesk.pk)
    connections.replace_key(link, Secret(sandbox.key("nexadesk", rate=None)), actor=admin)
    all_due()
    send_due()
    assert sorted(lead["visitor_name"] for lead in sandbox.leads) == sorted(
        f"N{number}" for number in range(20)
    )
    assert set(Write.objects.values_list("status", flat=True)) == {"sent"}


def test_no_change_of_a_colleague_is_ever_overwritten_unseen(leads, agent, sandbox):
    """Somebody else edits between our reading and our saving, or does not, at random."""
    chance, lost = random.Random(5), []
    for number in range(INTERLEAVINGS):
        pk = chance.choice(leads)
        seen = Lead.objects.get(pk=pk)
        theirs = f"theirs {number}"
        if meddled := chance.random() < 0.5:
            sandbox.edit_lead(seen.upstream_id, need_summary=theirs)
        before = seen.raw.get("need_summary") or ""
        try:
            edit(pk, f"mine {number}", agent, f"form-{number}", before=before)
            told = False
        except StaleRecord as stale:
            told = stale.clashes[0].theirs == theirs
        there = sandbox.lead(seen.upstream_id)["need_summary"]
        if (told, there) != ((True, theirs) if meddled else (False, f"mine {number}")):
            lost.append((number, meddled, told, there))
    assert lost == []


class TestWhatEndsItsHandler:
    """A write that ends whoever handles it is not tried for ever (reliability C29)."""

    @pytest.fixture
    def deadly(self, nexadesk, agent, sandbox, settings):
        """Its sender was killed, and nothing arrived."""
        settings.OUTBOX_SETTLE_SECONDS = 0
        sandbox.fault("nexadesk", "POST", "/leads", Fault.reset_before_apply())
        return create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="deadly-1").write

    def killed(self, status):
        """Who handled it is gone without a word, and its lease is over."""
        long_ago = timezone.now() - timedelta(minutes=1)
        Write.objects.update(status=status, lease_until=long_ago, not_before=None)
        expire_silent()
        Write.objects.update(not_before=None)

    def test_three_dead_senders_are_enough(self, deadly, agent, sandbox):
        for _ in range(2):
            self.killed("in_flight")
            look_up_due()
            assert Write.objects.get().status == "queued", "proved absent, so it is tried again"
        self.killed("in_flight")

        look_up_due()

        write = Write.objects.get()
        assert write.status == "undecided"
        assert "ended each of the three times" in write.evidence["why"]
        assert Entry.objects.get(action="lead.create").outcome == "unknown"
        assert send_due() == 0
        send_again(write, actor=agent)
        send_one(write.pk)
        assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada"]

    def test_nor_is_it_looked_up_for_ever(self, deadly, sandbox):
        for _ in range(3):
            self.killed("unknown")
        sandbox.requests.clear()

        look_up_due()

        assert Write.objects.get().status == "undecided"
        assert len(sandbox.requests) == 0

    def test_the_others_go_on(self, deadly, nexadesk, agent, sandbox):
        for _ in range(3):
            self.killed("unknown")
        create_lead(nexadesk, {"visitor_name": "Bo"}, actor=agent, form_id="other-01")

        look_up_due()

        assert [lead["visitor_name"] for lead in sandbox.leads] == ["Bo"]


@pytest.mark.django_db(transaction=True)
class TestNoRoomLeft:
    """A disk that is full stops the worker before it sends what it could not write down (C27)."""

    def full(self, *, but_not_after=None):
        """Writes fail; with a number, only those after so many of them."""
        seen = []

        def refuse(execute, sql, params, many, context):
            if sql.startswith(("INSERT", "UPDATE")) and "portal_" in sql:
                seen.append(sql)
                if but_not_after is None or len(seen) > but_not_after:
                    raise OperationalError("database or disk is full")
            return execute(sql, params, many, context)

        return database.execute_wrapper(refuse)

    @pytest.fixture
    def queued(self, nexadesk, agent, settings):
        there = settings.PROVIDER_BASE_URLS
        settings.PROVIDER_BASE_URLS = there | {"nexadesk": "http://127.0.0.1:9/api"}
        write = create_lead(nexadesk, {"visitor_name": "Ada"}, actor=agent, form_id="full-1").write
        settings.PROVIDER_BASE_URLS = there
        all_due()
        return write

    def test_nothing_leaves_that_could_not_be_claimed(self, queued, sandbox):
        with self.full(), pytest.raises(OperationalError):
            send_due()

        assert len(sandbox.requests) == 0
        send_due()
        assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada"]

    @pytest.mark.parametrize("room", range(1, 10))
    def test_however_far_it_came_it_is_made_once(self, queued, sandbox, settings, room):
        settings.OUTBOX_SETTLE_SECONDS = 0
        with self.full(but_not_after=room), suppress(OperationalError):
            send_due()

        for _ in range(2):
            gone_silent = Write.objects.filter(status="in_flight")
            gone_silent.update(lease_until=timezone.now() - timedelta(minutes=1))
            expire_silent()
            Write.objects.filter(status="unknown").update(not_before=None)
            look_up_due()
            all_due()
            send_due()

        assert Write.objects.get().status == "sent"
        assert [lead["visitor_name"] for lead in sandbox.leads] == ["Ada"]


class TestOneOddNotFound:
    """A service in trouble says 404 of a record that is there: nothing vanishes (F11)."""

    @pytest.fixture
    def lead(self, leads):
        return Lead.objects.select_related("connection", "workspace").get(pk=leads[0])

    @pytest.fixture
    def odd(self, lead, sandbox):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.status(404))

    def test_a_look_at_the_record(self, lead, odd):
        assert refresh_lead(lead).gone_at is None

    def test_a_change(self, lead, odd, agent, sandbox):
        assert edit(lead.pk, "mine", agent, "form-0404", before="") == "sent"
        assert sandbox.lead(lead.upstream_id)["need_summary"] == "mine"

    def test_a_deletion_that_never_arrived_is_not_taken_for_done(
        self, lead, agent, sandbox, settings
    ):
        settings.OUTBOX_SETTLE_SECONDS = 0
        sandbox.fault("nexadesk", "DELETE", "/leads", Fault.reset_before_apply())
        delete_lead(lead, actor=agent, form_id="form-0405")
        sandbox.fault("nexadesk", "GET", "/leads", Fault.status(404))

        look_up_due()

        assert Write.objects.get().status == "queued"

    def test_what_is_not_there_twice_is_gone(self, lead, sandbox):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.status(404), times=2)
        assert refresh_lead(lead) is None

    def test_a_reply_that_finds_no_conversation_hides_none(self, dexra, sandbox, synced, agent):
        sandbox.add_dexra_conversation(subject="Late parcel")
        synced(dexra)
        talk = Conversation.objects.select_related("connection", "workspace").get()
        sandbox.fault("dexra", "POST", "/messages", Fault.status(404))

        with pytest.raises(NotFound):
            send_reply(talk, "It is on its way.", actor=agent, form_id="form-0406")

        assert Conversation.objects.get().gone_at is None
        assert Write.objects.get().changes == {"text": "It is on its way."}
