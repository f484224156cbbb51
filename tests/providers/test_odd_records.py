"""One odd record never costs the other ninety-nine, and odd values never cost their record."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.providers import reading
from portal.providers.dexra import DEXRA
from portal.providers.dexra import parse as dexra_parse
from portal.providers.nexadesk import parse
from portal.records import Author, Kind, State

LEAD = {
    "id": "6f1c2f3e-8a44-4a0e-9c57-0d5b1f2a7e11",
    "visitor_name": "Petra Novak",
    "visitor_email": "petra@harbour.example",
    "visitor_phone": "+386-1-555-0142",
    "visitor_company": "Harbour Tools",
    "pipeline_stage": "qualified",
    "need_summary": "Wants a chat bot",
    "tags": ["retail"],
    "source": "widget",
    "expected_billing_amount": 3200,
    "lead_score": 71,
    "assigned_rep_id": "r1",
    "rep_first_name": "Ada",
    "rep_last_name": "Byron",
    "rep_email": "ada@desk.example",
    "created_at": "2026-04-02T09:12:44.000Z",
    "updated_at": "2026-04-03T15:01:10.000Z",
}
CONTACT = {
    "id": "0b7d5f52-2c1e-4a8b-8f0e-5f0e7b6f9a02",
    "first_name": "Omar",
    "last_name": "Haddad",
    "email": "omar@delta.example",
    "phone": "+961-1-555-010",
    "company_name": "Delta Print",
    "avatar_url": None,
    "tags": ["customer"],
    "profile_notes": "Prefers mornings",
    "interest_summary": "Order tracking in chat",
    "last_activity": "2026-04-05T07:20:00.000Z",
    "created_at": "2026-01-11T10:00:00.000Z",
    "conversation_count": 3,
    "last_conversation_at": "2026-04-05T07:20:00.000Z",
}
CONVERSATION = {
    "id": "3d0a7a1e-77c0-4d52-9f2a-1f6f3f0c5b33",
    "source": "widget",
    "status": "open",
    "tags": ["delivery"],
    "created_at": "2026-04-06T08:00:00.000Z",
    "updated_at": "2026-04-06T08:31:00.000Z",
    "agent_id": None,
    "department_id": None,
    "visitor_name": "Lena",
    "visitor_email": "lena@quay.example",
    "visitor_company": None,
    "agent_name": None,
    "last_message": "When will it arrive?",
    "message_count": 4,
}
DEXRA_CONVERSATION = {
    "id": "conv_5k2m1",
    "status": "open",
    "subject": "Invoice copy",
    "created_at": "2026-04-06T08:00:00Z",
    "last_message": {"id": "msg_77a", "text": "Could you resend it?"},
    "participants": [{"id": "u_1", "email": "mara@cove.example", "type": "user"}],
}
PARSERS = {
    "lead": (parse.lead, LEAD),
    "contact": (parse.contact, CONTACT),
    "conversation": (parse.conversation, CONVERSATION),
    "conversation of Dexra": (dexra_parse.conversation, DEXRA_CONVERSATION),
}
FIELDS = [(kind, name) for kind, (_, raw) in PARSERS.items() for name in raw if name != "id"]
ODD_VALUES = [
    None, "", " ", "12", "no such thing", 0, -1, 12, 3.5, 1e300, 2**63, True, False, [], [None],
    ["a", 1, None, {}], [[]], {}, {"a": 1}, "x" * 70_000, "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "0001-06-01T00:00:00Z", "9999-06-01T00:00:00Z",
    "2999-01-01T00:00:00Z", 10**400, -(10**18),
]  # fmt: skip


def test_a_whole_lead_is_read():
    lead = parse.lead(LEAD)

    assert (lead.name, lead.email, lead.company) == (
        "Petra Novak",
        "petra@harbour.example",
        "Harbour Tools",
    )
    assert (lead.stage, lead.amount, lead.score) == ("qualified", Decimal(3200), 71.0)
    assert (lead.rep_id, lead.rep_name) == ("r1", "Ada Byron")
    assert lead.updated_at == datetime(2026, 4, 3, 15, 1, 10, tzinfo=UTC)
    assert lead.raw is LEAD


def test_a_whole_contact_is_read():
    contact = parse.contact(CONTACT)

    assert (contact.first_name, contact.company, contact.conversation_count) == (
        "Omar",
        "Delta Print",
        3,
    )
    assert contact.last_activity_at == datetime(2026, 4, 5, 7, 20, tzinfo=UTC)


def test_whole_conversations_are_read():
    one, other = parse.conversation(CONVERSATION), dexra_parse.conversation(DEXRA_CONVERSATION)

    assert (one.state, one.last_message, one.message_count) == (
        State.OPEN,
        "When will it arrive?",
        4,
    )
    assert one.messages is one.participants is None
    assert (other.subject, other.last_message, other.last_message_id) == (
        "Invoice copy",
        "Could you resend it?",
        "msg_77a",
    )
    assert other.visitor_email == "mara@cove.example"


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_a_dropped_field_costs_only_itself(kind, name):
    read, raw = PARSERS[kind]
    whole = read(raw)
    less = {field: value for field, value in raw.items() if field != name}

    record = read(less)

    assert record.upstream_id == whole.upstream_id
    assert record.raw == less
    assert record.told <= whole.told
    for attribute in record.told - {"rep_name"}:
        assert getattr(record, attribute) == getattr(whole, attribute)


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: repr(value)[:24])
@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_a_retyped_field_costs_only_itself(kind, name, value):
    read, raw = PARSERS[kind]
    odd = raw | {name: value}

    record = read(odd)

    assert record.upstream_id == raw["id"]
    assert record.raw == odd
    assert_keepable(record)


def assert_keepable(record):
    """Every value of a record is of its type and of a size that a column can hold."""
    for name in record.__slots__:
        value = getattr(record, name)
        if isinstance(value, datetime):
            assert value.tzinfo is UTC
            assert 1 < value.year < 9999
        elif isinstance(value, Decimal):
            assert abs(value) < 10**15
        elif name == "tags":
            assert all(isinstance(tag, str) and tag for tag in value)
        elif name in ("message_count", "conversation_count") and value is not None:
            assert 0 <= value < 2**31
        elif name == "score" and value is not None:
            assert math.isfinite(value)


def test_an_unknown_value_and_an_unknown_field_are_kept():
    record = parse.conversation(CONVERSATION | {"status": "escalated", "mood": "calm"})

    assert (record.status, record.state) == ("escalated", State.UNKNOWN)
    assert record.raw["mood"] == "calm"


@pytest.mark.parametrize("amount", ["3200.10", 3200.10, "3200.1"])
def test_amounts_are_exact(amount):
    assert parse.lead(LEAD | {"expected_billing_amount": amount}).amount == Decimal("3200.10")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-04-06T08:31:00.250Z", datetime(2026, 4, 6, 8, 31, 0, 250000, UTC)),
        ("2026-04-06T08:31:00Z", datetime(2026, 4, 6, 8, 31, tzinfo=UTC)),
        ("2026-04-06T10:31:00+02:00", datetime(2026, 4, 6, 8, 31, tzinfo=UTC)),
        ("2026-04-06 08:31:00", datetime(2026, 4, 6, 8, 31, tzinfo=UTC)),
        ("2026-04-06", datetime(2026, 4, 6, tzinfo=UTC)),
        ("20260406", datetime(2026, 4, 6, tzinfo=UTC)),
        (1775464260, datetime(2026, 4, 6, 8, 31, tzinfo=UTC)),
        (1775464260.5, datetime(2026, 4, 6, 8, 31, 0, 500000, UTC)),
        (1775464260000, datetime(2026, 4, 6, 8, 31, tzinfo=UTC)),
        ("1775464260", datetime(2026, 4, 6, 8, 31, tzinfo=UTC)),
        ("yesterday", None),
        (True, None),
        (None, None),
        (1e308, None),
    ],
)
def test_times_are_read_in_every_form(told, expected):
    assert reading.moment(told) == expected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({}, "id"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": "  "}, "id"),
        ({"id": True}, "id"),
        ({"id": []}, "id"),
        ({"id": "x" * 300}, "id"),
        ("L1", "object"),
        (None, "object"),
        ([], "object"),
        (7, "object"),
        ({"id": "L1", "visitor_name": "a\0b"}, "NUL"),
        ({"id": "L1", "more": {"deep": ["\ud800"]}}, "surrogate"),
        ({"id": "L1", "a\0b": 1}, "NUL"),
        ({"id": "L1", "need_summary": "é" * 600_000}, "longer"),
        ({"id": "L1", "expected_billing_amount": float("nan")}, "NaN"),
        ({"id": "L1", "more": [float("inf")]}, "NaN"),
        ({"id": "L1", "more": json.loads("[" * 200 + "]" * 200)}, "nested"),
    ],
)
def test_a_record_that_cannot_be_kept_is_set_aside_with_its_reason(
    talk, answer, leads_page, bad, reason
):
    rows = [{"id": f"good {number}"} for number in range(99)]
    page = talk(answer(leads_page(*rows[:50], bad, *rows[50:]))).list_page(Kind.LEADS)

    assert len(page.records) == 99
    (rejected,) = page.rejected
    assert reason in rejected.reason
    assert rejected.upstream_id in ("", "L1", "true", "  ", "x" * 255)


def test_a_number_without_end_costs_only_its_record(talk, answer):
    body = (
        '{"success": true, "data": [{"id": "L1", "n": ' + "9" * 9000 + '}, {"id": "L2"}],'
        '"pagination": {"has_more": false, "next_cursor": null}}'
    )
    page = talk(answer(body.encode())).list_page(Kind.LEADS)

    assert [lead.upstream_id for lead in page.records] == ["L2"]
    assert [row.upstream_id for row in page.rejected] == ["L1"]


def test_dexra_sets_bad_records_aside_too(talk, answer):
    body = {"data": [{"id": "c1"}, {"subject": "no id"}], "meta": {"total": 2}}
    page = talk(answer(body), DEXRA).list_page(Kind.CONVERSATIONS)

    assert (len(page.records), len(page.rejected)) == (1, 1)


@pytest.mark.parametrize("total", [None, "two", -1, {}, 2**40, 1.5])
def test_a_count_that_is_none_is_none(talk, answer, leads_page, total):
    page = talk(answer(leads_page({"id": "L1"}, total_count=total))).list_page(Kind.LEADS)

    assert page.total is None


@pytest.mark.parametrize("sender_name", ["sender_type", "sender", "role"])
@pytest.mark.parametrize("text_name", ["content", "text", "message"])
def test_messages_are_read_under_each_name(sender_name, text_name):
    (message,) = parse.messages([{sender_name: "Agent", text_name: "Tomorrow"}])

    assert (message.author, message.author_word, message.text) == (
        Author.AGENT,
        "Agent",
        "Tomorrow",
    )


@pytest.mark.parametrize(
    "odd",
    [None, 5, "text", [], {}, {"content": None}, {"content": {"a": 1}}, {"sender": {"type": "bot"}},
     {"content": "a\0b"}, {"content": "\ud800", "sender": "\0"}, {"id": [], "created_at": "x"}],
)  # fmt: skip
def test_no_odd_message_is_dropped_or_costs_the_others(odd):
    messages = parse.messages([{"id": "1", "content": "Hi", "sender": "visitor"}, odd])

    assert len(messages) == 2
    assert "\0" not in messages[1].text + messages[1].author_word
    (messages[1].text + messages[1].author_word).encode()
    assert reading.damage(dict(messages[1].raw)) == ""


def test_messages_come_oldest_first_where_all_tell_their_time():
    told = [{"content": "b", "created_at": "2026-04-06T09:00:00Z"},
            {"content": "a", "created_at": "2026-04-06T08:00:00Z"}]  # fmt: skip

    assert [message.text for message in parse.messages(told)] == ["a", "b"]
    assert [message.text for message in parse.messages([*told, {"content": "c"}])] == [
        "b",
        "a",
        "c",
    ]


@pytest.mark.parametrize(
    ("items", "visitor"),
    [
        ([], ""),
        (["u_1"], ""),
        (["mara@cove.example"], "mara@cove.example"),
        ([{"id": "u_1", "email": "mara@cove.example", "type": "user"}], "mara@cove.example"),
        ([{"email": "ada@desk.example", "type": "agent"}, {"email": "m@c.example", "role": "user"}],
         "m@c.example"),
        ([{"email": "ada@desk.example", "type": "agent"}], ""),
        ([None, 5, [], {}, {"id": None}], ""),
    ],
)  # fmt: skip
def test_participants_are_read_in_any_form(items, visitor):
    record = dexra_parse.conversation(DEXRA_CONVERSATION | {"participants": items})

    assert len(record.participants) == len(items)
    assert record.visitor_email == visitor


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"id": "m1", "text": "Hi"}, "Hi"),
        ({"id": "m1", "content": "Hi"}, "Hi"),
        ("Hi", "Hi"),
        (None, ""),
        ([], ""),
        ({"text": {}}, ""),
    ],
)
def test_the_last_message_is_read_in_any_form(told, text):
    assert (
        dexra_parse.conversation(DEXRA_CONVERSATION | {"last_message": told}).last_message == text
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_comes_is_a_record_or_a_reason(data):
    read, raw = PARSERS[data.draw(st.sampled_from(sorted(PARSERS)))]
    odd = data.draw(st.fixed_dictionaries(dict.fromkeys(raw, _json)))

    records, rejected = reading.many([odd | {"id": "X"}, odd], read)

    assert len(records) + len(rejected) == 2
    for record in records:
        assert_keepable(record)
        json.dumps(dict(record.raw), allow_nan=False).encode()
