"""NexaDesk's lists: envelope, paging, sorting, filters (API facts A2 to A6)."""

import re

import pytest

ISO_MS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def names(answer, field="visitor_name"):
    return [row[field] for row in answer.json()["data"]]


def walk(http, path, **query):
    """All rows, by following next_cursor."""
    rows, pages, cursor = [], 0, None
    while True:
        answer = http.get(path, params={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200
        rows += answer.json()["data"]
        pages += 1
        pagination = answer.json()["pagination"]
        cursor = pagination["next_cursor"]
        if not pagination["has_more"]:
            assert cursor is None
            return rows, pages


def test_an_empty_list_has_the_documented_envelope(nexadesk):
    answer = nexadesk.get("/leads")

    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "data": [],
        "pagination": {"has_more": False, "next_cursor": None, "total_count": 0, "limit": 50},
    }


def test_a_lead_has_exactly_the_documented_fields(sandbox, nexadesk):
    sandbox.add_lead(visitor_name="Petra Novak")

    (lead,) = nexadesk.get("/leads").json()["data"]

    assert set(lead) == {
        "id",
        "visitor_name",
        "visitor_email",
        "visitor_phone",
        "visitor_company",
        "pipeline_stage",
        "need_summary",
        "tags",
        "source",
        "expected_billing_amount",
        "assigned_rep_id",
        "rep_first_name",
        "rep_last_name",
        "rep_email",
        "created_at",
        "updated_at",
    }
    assert ISO_MS.fullmatch(lead["created_at"])
    assert ISO_MS.fullmatch(lead["updated_at"])


def test_a_contact_has_exactly_the_documented_fields(sandbox, nexadesk):
    sandbox.add_contact(first_name="Omar")

    (contact,) = nexadesk.get("/contacts").json()["data"]

    assert set(contact) == {
        "id",
        "first_name",
        "last_name",
        "email",
        "phone",
        "company_name",
        "avatar_url",
        "tags",
        "profile_notes",
        "interest_summary",
        "last_activity",
        "created_at",
        "conversation_count",
        "last_conversation_at",
    }


def test_a_conversation_has_exactly_the_documented_fields(sandbox, nexadesk):
    sandbox.add_conversation(visitor_name="Lena")

    (conversation,) = nexadesk.get("/conversations").json()["data"]

    assert set(conversation) == {
        "id",
        "source",
        "status",
        "tags",
        "created_at",
        "updated_at",
        "agent_id",
        "department_id",
        "visitor_name",
        "visitor_email",
        "visitor_company",
        "agent_name",
        "last_message",
        "message_count",
    }


@pytest.mark.parametrize("limit", [1, 7, 50, 100])
def test_following_the_cursor_meets_every_record_once(sandbox, nexadesk, limit):
    for number in range(123):
        sandbox.add_lead(id=f"L{number}")

    rows, pages = walk(nexadesk, "/leads", limit=limit, sort="created_at:asc")

    assert sorted(row["id"] for row in rows) == sorted(f"L{number}" for number in range(123))
    assert pages == -(-123 // limit)


def test_the_cursor_of_the_first_ten_is_the_documented_one(sandbox, nexadesk):
    for _ in range(11):
        sandbox.add_lead()

    pagination = nexadesk.get("/leads?limit=10").json()["pagination"]

    assert pagination == {"has_more": True, "next_cursor": "MTA", "total_count": 11, "limit": 10}


def test_pages_by_number_hold_the_same_rows(sandbox, nexadesk):
    for number in range(5):
        sandbox.add_lead(visitor_name=f"L{number}")
    ask = "/leads?limit=2&sort=visitor_name:asc&page="

    pages = [names(nexadesk.get(f"{ask}{page}")) for page in (1, 2, 3, 4)]

    assert pages == [["L0", "L1"], ["L2", "L3"], ["L4"], []]


def test_rows_shift_under_a_cursor_while_data_changes(sandbox, nexadesk):
    for number in range(6):
        sandbox.add_lead(
            visitor_name=f"L{number}", created_at=f"2026-01-0{number + 1}T00:00:00.000Z"
        )
    first = nexadesk.get("/leads?limit=2&sort=created_at:desc")
    sandbox.add_lead(visitor_name="L9", created_at="2026-02-01T00:00:00.000Z")

    cursor = first.json()["pagination"]["next_cursor"]
    second = nexadesk.get(f"/leads?limit=2&sort=created_at:desc&cursor={cursor}")

    assert names(first) == ["L5", "L4"]
    assert names(second) == ["L4", "L3"]  # L4 again: it was pushed down


@pytest.mark.parametrize(("asked", "given"), [("0", 1), ("-5", 1), ("101", 100), ("9999", 100)])
def test_a_limit_out_of_range_is_clamped(nexadesk, asked, given):
    assert nexadesk.get(f"/leads?limit={asked}").json()["pagination"]["limit"] == given


@pytest.mark.parametrize(
    "query",
    [
        "limit=ten",
        "limit=",
        "limit=%D9%A1",
        "cursor=%21%21",
        "cursor=YWJj",
        "cursor=LTU",
        "page=0",
        "page=x",
        "sort=name:asc",
        "sort=visitor_name:up",
        "sort=id",
    ],
)
def test_a_bad_question_gets_400_in_the_error_envelope(nexadesk, query):
    answer = nexadesk.get(f"/leads?{query}")

    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert isinstance(answer.json()["error"], str)
    assert set(answer.json()) == {"success", "error"}


SORTS = {
    "leads": ["created_at", "updated_at", "lead_score", "visitor_name"],
    "contacts": ["created_at", "last_activity", "name", "email"],
    "conversations": ["created_at", "updated_at"],
}


@pytest.mark.parametrize("kind", SORTS)
def test_each_resource_sorts_by_its_own_fields_only(nexadesk, kind):
    everything = {name for fields in SORTS.values() for name in fields}
    for name in everything:
        answer = nexadesk.get(f"/{kind}?sort={name}:desc")
        assert answer.status_code == (200 if name in SORTS[kind] else 400), name


def test_sorting_goes_both_ways_and_ignores_case(sandbox, nexadesk):
    for name in ("beta", "Alpha", "Émile", "gamma"):
        sandbox.add_lead(visitor_name=name)

    up = names(nexadesk.get("/leads?sort=visitor_name:asc"))
    down = names(nexadesk.get("/leads?sort=visitor_name:desc"))

    assert up == ["Alpha", "beta", "gamma", "Émile"]
    assert down == up[::-1]


def test_leads_sort_by_a_score_they_do_not_show(sandbox, nexadesk):
    for name, score in (("low", 3), ("high", 90), ("none", None)):
        sandbox.add_lead(visitor_name=name, _lead_score=score)

    answer = nexadesk.get("/leads?sort=lead_score:desc")

    assert names(answer) == ["high", "low", "none"]
    assert "lead_score" not in answer.json()["data"][0]


def test_without_sort_the_newest_come_first(sandbox, nexadesk):
    for day in (3, 1, 2):
        sandbox.add_lead(visitor_name=f"day {day}", created_at=f"2026-01-0{day}T00:00:00.000Z")

    assert names(nexadesk.get("/leads")) == ["day 3", "day 2", "day 1"]


def test_contacts_sort_by_full_name(sandbox, nexadesk):
    for first, last in (("Bo", "Ek"), ("Ann", "Zorn"), ("Ann", "Ash")):
        sandbox.add_contact(first_name=first, last_name=last)

    answer = nexadesk.get("/contacts?sort=name:asc")

    assert names(answer, "last_name") == ["Ash", "Zorn", "Ek"]
    assert not any(name.startswith("_") for name in answer.json()["data"][0])


def test_leads_are_filtered_by_stage(sandbox, nexadesk):
    for stage in ("new", "lost", "lost", "demo booked"):
        sandbox.add_lead(visitor_name=stage, pipeline_stage=stage)

    assert names(nexadesk.get("/leads?stage=lost")) == ["lost", "lost"]
    assert names(nexadesk.get("/leads?stage=demo%20booked")) == ["demo booked"]
    assert nexadesk.get("/leads?stage=lost").json()["pagination"]["total_count"] == 2


@pytest.mark.parametrize("text", ["NOVÁK", "petra@", "harbour TOOLS"])
def test_leads_are_searched_by_name_email_and_company(sandbox, nexadesk, text):
    sandbox.add_lead(
        visitor_name="Petra Novák",
        visitor_email="petra@quay.example",
        visitor_company="Harbour Tools",
        visitor_phone="+1 555",
    )
    sandbox.add_lead(visitor_name="Somebody Else")

    assert names(nexadesk.get("/leads", params={"search": text})) == ["Petra Novák"]
    assert names(nexadesk.get("/leads", params={"search": "+1 555"})) == []


def test_contacts_are_found_by_phone_and_by_one_exact_tag(sandbox, nexadesk):
    sandbox.add_contact(first_name="Omar", phone="+961-1-555-010", tags=["customer", "vip"])
    sandbox.add_contact(first_name="Ida", tags=["vip list"])

    assert names(nexadesk.get("/contacts?search=555-010"), "first_name") == ["Omar"]
    assert names(nexadesk.get("/contacts?tag=vip"), "first_name") == ["Omar"]
    assert names(nexadesk.get("/contacts?tag=vi"), "first_name") == []


def test_conversations_are_filtered_by_status_and_all_means_no_filter(sandbox, nexadesk):
    for status in ("open", "pending", "active", "archived"):
        sandbox.add_conversation(status=status, visitor_name=status, tags=[status])

    for status in ("open", "pending", "active", "archived"):
        assert names(nexadesk.get(f"/conversations?status={status}")) == [status]
        assert names(nexadesk.get(f"/conversations?tag={status}")) == [status]
    assert len(names(nexadesk.get("/conversations?status=all"))) == 4
    assert len(names(nexadesk.get("/conversations"))) == 4
    assert nexadesk.get("/conversations?status=closed").status_code == 400
