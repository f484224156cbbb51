"""The data that `manage.py sandbox` makes up: believable, varied, the same for a seed."""

import re
import unicodedata
from collections import Counter

import pytest

from portal.sandbox import Sandbox
from portal.sandbox.data import Amounts, fill
from portal.sandbox.data.languages import SCRIPTS
from portal.sandbox.data.places import PLACES

NOW = 1_795_000_000.0  # 2026-11-18
SCRIPT_NAMES = [
    "LATIN",
    "ARABIC",
    "HEBREW",
    "CJK",
    "HIRAGANA",
    "HANGUL",
    "CYRILLIC",
    "GREEK",
    "DEVANAGARI",
    "THAI",
]
ISO_MS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def filled(seed=1, amounts=None):
    sandbox = Sandbox(clock=lambda: NOW)
    fill(sandbox, amounts, seed=seed)
    return sandbox


@pytest.fixture(scope="module")
def full():
    return filled()


def test_the_usual_amounts(full):
    kinds = (full.leads, full.contacts, full.conversations, full.dexra_conversations)
    assert [len(rows) for rows in kinds] == [1204, 800, 300, 160]


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data():
    small = Amounts(20, 20, 20, 20)

    assert filled(3, small).dump() == filled(3, small).dump()
    assert filled(3, small).leads != filled(4, small).leads


def test_names_come_in_ten_scripts(full):
    letters = {
        unicodedata.name(letter).split()[0].split("-")[0]
        for lead in full.leads
        for letter in lead["visitor_name"]
        if letter.isalpha()
    }
    assert set(SCRIPT_NAMES) <= letters


def test_addresses_are_ascii_on_example_domains(full):
    emails = [lead["visitor_email"] for lead in full.leads if lead["visitor_email"]]
    emails += [one["email"] for one in full.contacts if one["email"]]

    assert all(re.fullmatch(r"[a-z0-9.]+@[a-z0-9-]+\.example", email) for email in emails)
    contacts = Counter(one["email"] for one in full.contacts if one["email"])
    assert max(contacts.values()) == 1


def test_everything_is_varied(full):
    assert len({lead["visitor_name"] for lead in full.leads}) > 800
    assert len({lead["visitor_company"] for lead in full.leads}) > 150
    assert len({lead["need_summary"] for lead in full.leads}) > 600
    assert len({lead["expected_billing_amount"] for lead in full.leads}) > 150
    assert len({lead["rep_email"] for lead in full.leads} - {None}) == 7
    assert {lead["pipeline_stage"] for lead in full.leads} > {"demo booked", "new", "lost"}
    for field in ("visitor_email", "visitor_phone", "expected_billing_amount", "need_summary"):
        empty = sum(lead[field] is None for lead in full.leads)
        assert 0 < empty < 600, field


def test_times_lie_in_eighteen_months_in_order_and_reach_the_last_hours(full):
    rows = [(lead["created_at"], lead["updated_at"]) for lead in full.leads]
    rows += [(one["created_at"], one["updated_at"]) for one in full.conversations]

    assert all(ISO_MS.fullmatch(time) for row in rows for time in row)
    assert all("2025-05" <= created <= updated <= "2026-11-19" for created, updated in rows)
    for records in (full.leads, full.contacts):
        newest = max(row["created_at"] for row in records)
        assert newest > full.nexadesk.now()[:11]  # today


def test_threads_read_like_threads(full):
    said = Counter()
    for conversation in full.conversations:
        thread = full.messages(conversation["id"])
        said.update(row["content"] for row in thread)
        times = [row["created_at"] for row in thread]
        assert 1 <= len(thread) <= 14
        assert thread[0]["sender_type"] == "visitor"
        assert times == sorted(times)
        assert conversation["last_message"] == thread[-1]["content"]
        assert conversation["message_count"] == len(thread)
        assert conversation["updated_at"] == times[-1]
        assert not any("{" in row["content"] for row in thread)
    assert len(said) > 700


def test_the_last_word_fits_the_status(full):
    last = {"open": {"visitor"}, "pending": {"visitor", "bot"}, "active": {"agent"}}
    for conversation in full.conversations:
        thread = full.messages(conversation["id"])
        if conversation["status"] in last:
            assert thread[-1]["sender_type"] in last[conversation["status"]]
    counts = Counter(one["status"] for one in full.conversations)
    assert all(counts[status] >= 15 for status in ("open", "pending", "active", "archived"))


def test_contacts_count_their_own_conversations(full):
    by_email = Counter(one["visitor_email"] for one in full.conversations)

    for contact in full.contacts:
        if contact["email"]:
            assert contact["conversation_count"] == by_email[contact["email"]]
            assert (contact["last_conversation_at"] is None) == (contact["conversation_count"] == 0)
    assert sum(contact["conversation_count"] for contact in full.contacts) > 100


def test_dexra_has_participants_of_both_kinds_and_conversations_without_a_message(full):
    rows = full.dexra_conversations
    kinds = {type(one).__name__ for row in rows for one in row["_participants"]}

    assert kinds == {"dict", "str"}
    assert any(row["last_message"] is None for row in rows)
    assert any(row["subject"] is None for row in rows)
    assert {row["status"] for row in rows} == {"open", "closed", "snoozed"}
    assert all(row["_user_id"] in {user["id"] for user in full.dexra_users} for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)


def test_every_script_can_be_told_whatever_the_status():
    known = {"name": "", "agent": "", "order": "", "product": "", "city": "", "day": "", "n": 1}
    for subjects in SCRIPTS.values():
        for script in subjects.values():
            senders = {sender.lower() for sender, _ in script}
            assert {"v", "a"} <= senders
            for _, ways in script:
                for way in ways:
                    way.format(**known, amount="")
    assert {place.language for place in PLACES} <= set(SCRIPTS)


def test_a_fill_sends_no_webhook():
    sandbox = Sandbox()
    sandbox.webhook("nexadesk", "http://127.0.0.1:1/", events=["lead.created"])
    fill(sandbox, Amounts(3, 3, 3, 3))

    assert [row.event for row in sandbox.webhooks.deliveries] == ["ping"]
    sandbox.webhooks.close()
