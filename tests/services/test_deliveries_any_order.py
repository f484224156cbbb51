"""
Deliveries lost, doubled, shuffled, and all of them again the next day: the mirror ends as the
source is (reliability T14).
"""

import random
import secrets
import time
from contextlib import contextmanager

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from portal.models import Contact, Conversation, Delivery, Lead, Message, Workspace
from portal.sandbox import Sandbox, serve
from portal.services import connections
from portal.services.sync import sync_connection
from portal.vault import store as vault
from portal.vault.seal import Secret
from tests.services.conftest import SECRET, Postman

EDITS = st.lists(
    st.tuples(
        st.sampled_from(["lead", "contact", "talk", "message", "close", "drop"]),
        st.integers(0, 3),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    ),
    min_size=1,
    max_size=12,
)


@contextmanager
def world(django_settings):
    """A sandbox and a workspace of its own for each example."""
    with serve(Sandbox()) as sandbox:
        django_settings.PROVIDER_BASE_URLS = {"nexadesk": sandbox.nexadesk_url}
        slug = f"acme-{secrets.token_hex(4)}"
        workspace = Workspace.objects.create(slug=slug, name="Acme")
        key = Secret(sandbox.key("nexadesk", rate=None))
        connection, _ = connections.add(workspace, "nexadesk", key, actor=None)
        vault.replace_webhook_secret(connection, Secret(SECRET))
        for report in sync_connection(connection):
            assert report.error == ""
        try:
            yield sandbox, Postman(sandbox, connection, SECRET)
        finally:
            workspace.delete()


def play(sandbox, edits):
    """Somebody works in NexaDesk: `which` names one of the records made before."""
    for what, which, text in edits:
        try:
            _play_one(sandbox, what, which, text)
        except (IndexError, KeyError):
            continue
        time.sleep(0.001)


def _play_one(sandbox, what, which, text):
    match what:
        case "lead":
            if which == 0:
                sandbox.add_lead(visitor_name=text or "New")
            else:
                sandbox.edit_lead(sandbox.leads[which - 1]["id"], need_summary=text)
        case "contact":
            if which == 0:
                sandbox.add_contact(first_name=text or "New")
            else:
                sandbox.edit_contact(sandbox.contacts[which - 1]["id"], last_name=text)
        case "talk":
            sandbox.add_conversation(visitor_name=text or "Lena", thread=[("visitor", "Hi")])
        case "message":
            sandbox.add_message(sandbox.conversations[which]["id"], text or "and?")
        case "close":
            sandbox.edit_conversation(sandbox.conversations[which]["id"], status="archived")
        case "drop":
            sandbox.delete_lead(sandbox.leads[which]["id"])


def source(sandbox):
    return {
        "leads": {row["id"]: row for row in sandbox.leads},
        "contacts": {row["id"]: row for row in sandbox.contacts},
        "statuses": {row["id"]: row["status"] for row in sandbox.conversations},
        "threads": {
            row["id"]: [message["content"] for message in sandbox.messages(row["id"])]
            for row in sandbox.conversations
        },
    }


def mirror():
    talks = {row.pk: row.upstream_id for row in Conversation.objects.filter(gone_at=None)}
    threads = {upstream_id: [] for upstream_id in talks.values()}
    for message in Message.objects.filter(conversation__in=talks).order_by("position"):
        threads[talks[message.conversation_id]].append(message.text)
    return {
        "leads": {row.upstream_id: row.raw for row in Lead.objects.filter(gone_at=None)},
        "contacts": {row.upstream_id: row.raw for row in Contact.objects.filter(gone_at=None)},
        "statuses": dict(
            Conversation.objects.filter(gone_at=None).values_list("upstream_id", "status")
        ),
        "threads": threads,
    }


@pytest.mark.django_db
@given(edits=EDITS, seed=st.integers(0, 2**32), thin=st.booleans())
@hypothesis.settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_shuffled_and_five_times_over_the_mirror_equals_the_source(settings, edits, seed, thin):
    chance = random.Random(seed)
    with world(settings) as (sandbox, postman):
        sandbox.nexadesk_assumptions.thin_events = thin
        play(sandbox, edits)
        first = postman.collected()
        sent = first * 5
        chance.shuffle(sent)
        while sent:
            some = chance.randint(1, 12)
            postman.bring(sent[:some])
            postman.apply()
            del sent[:some]
        assert mirror() == source(sandbox)

        # The next day they all come again: nothing is stored, nothing changes.
        before = Delivery.objects.count()
        chance.shuffle(first)
        postman.bring(first)
        postman.apply()
        assert mirror() == source(sandbox)
        assert Delivery.objects.count() == before

        # Replayed by hand, in the order they came.
        Delivery.objects.update(status="waiting", attempts=0)
        postman.apply()
        assert mirror() == source(sandbox)
