"""A list is read to its end, or the reader hears that it was not."""

import pytest

from portal.providers.errors import BrokenContract
from portal.records import Kind
from portal.sandbox import Fault


def read(client, kind=Kind.LEADS, **options):
    return [record for page in client.walk(kind, **options) for record in page.records]


def test_1204_leads_come_with_13_requests(sandbox, nexadesk):
    for number in range(1204):
        sandbox.add_lead(visitor_name=f"Lead {number}")

    leads = read(nexadesk)

    assert {lead.upstream_id for lead in leads} == {lead["id"] for lead in sandbox.leads}
    assert len(leads) == 1204
    assert sandbox.requests.count("GET /leads") == 13
    assert all(request.query["limit"] == "100" for request in sandbox.requests)


def test_every_value_is_kept_as_it_was_sent(sandbox, nexadesk):
    sandbox.add_lead(visitor_name="Ünal Çelik", tags=["a", "ب"], expected_billing_amount=12.5)

    (lead,) = read(nexadesk)

    assert lead.raw == sandbox.leads[0]
    assert (lead.name, lead.tags, str(lead.amount)) == ("Ünal Çelik", ("a", "ب"), "12.5")


def test_rows_that_shift_between_pages_are_repeated_not_lost(sandbox, nexadesk):
    for number in range(150):
        sandbox.add_lead(visitor_name=f"Lead {number}")
    before = {lead["id"] for lead in sandbox.leads}
    pages = nexadesk.walk(Kind.LEADS)

    first = next(pages).records
    sandbox.add_lead(visitor_name="Newcomer")
    second = next(pages).records

    assert len(first) + len(second) == 151
    assert {lead.upstream_id for lead in first + second} == before


def test_the_sort_and_filters_stay_the_same_on_every_page(sandbox, nexadesk):
    for number in range(120):
        sandbox.add_lead(visitor_name=f"Lead {number}", pipeline_stage="won back")
    sandbox.add_lead(visitor_name="Other")

    leads = read(nexadesk, sort="updated_at:desc", filters={"stage": "won back"})

    assert len(leads) == 120
    asked = [dict(request.query) for request in sandbox.requests]
    assert [query.pop("cursor", None) is not None for query in asked] == [False, True]
    assert (
        asked[0]
        == asked[1]
        == {
            "limit": "100",
            "sort": "updated_at:desc",
            "stage": "won back",
        }
    )


def test_the_sort_is_always_said(sandbox, nexadesk):
    read(nexadesk, Kind.CONTACTS)

    assert sandbox.requests[0].query["sort"] == "created_at:desc"


def test_conversations_are_listed_whatever_their_status(sandbox, nexadesk):
    for status in ("open", "pending", "active", "archived", "escalated"):
        sandbox.add_conversation(status=status)

    words = {record.status for record in read(nexadesk, Kind.CONVERSATIONS)}

    assert words == {"open", "pending", "active", "archived", "escalated"}
    assert sandbox.requests[0].query["status"] == "all"


def test_a_status_can_be_asked_for(sandbox, nexadesk):
    sandbox.add_conversation(status="open")
    sandbox.add_conversation(status="archived")

    (record,) = read(nexadesk, Kind.CONVERSATIONS, filters={"status": "archived"})

    assert record.status == "archived"


def test_dexra_is_read_to_its_end(sandbox, dexra):
    for number in range(250):
        sandbox.add_dexra_conversation(subject=f"Subject {number}")

    records = read(dexra, Kind.CONVERSATIONS)

    assert len({record.upstream_id for record in records}) == 250
    assert sandbox.requests.count("GET /conversations") == 3


@pytest.mark.parametrize("end", ["null", "empty", "missing"])
def test_dexra_ends_a_list_in_three_ways(sandbox, dexra, end):
    sandbox.dexra_assumptions.end_of_list = end
    for _ in range(130):
        sandbox.add_dexra_conversation()

    assert len(read(dexra, Kind.CONVERSATIONS)) == 130


def test_the_provider_s_own_clock_and_count_come_with_the_page(sandbox, nexadesk):
    sandbox.add_lead(visitor_name="Only one")

    page = nexadesk.list_page(Kind.LEADS)

    assert page.total == 1
    assert page.server_date.utcoffset().total_seconds() == 0


def test_a_page_can_be_asked_for_by_its_number(sandbox, nexadesk):
    for number in range(30):
        sandbox.add_lead(visitor_name=f"Lead {number}")

    page = nexadesk.list_page(Kind.LEADS, page=2, limit=20)

    assert len(page.records) == 10
    assert page.next_cursor is None
    assert sandbox.requests[0].query["page"] == "2"


def test_more_rows_than_allowed_are_never_asked_for(sandbox, nexadesk, dexra):
    nexadesk.list_page(Kind.LEADS, limit=500)
    dexra.list_page(Kind.CONVERSATIONS, limit=500)

    assert [request.query["limit"] for request in sandbox.requests] == ["100", "100"]


def test_cursor_and_page_never_go_together(sandbox, nexadesk):
    nexadesk.list_page(Kind.LEADS, cursor="MTA", page=2)

    assert "page" not in sandbox.requests[0].query


def test_leads_go_on_by_page_number_when_the_cursor_is_missing(sandbox, nexadesk):
    for number in range(250):
        sandbox.add_lead(visitor_name=f"Lead {number}")
    lost = Fault.has_more_without_cursor()
    sandbox.fault("nexadesk", "GET", "/leads", lost, times=2)

    leads = read(nexadesk)

    assert len({lead.upstream_id for lead in leads}) == 250
    assert [request.query.get("page") for request in sandbox.requests] == [None, "2", "3"]


def test_leads_that_never_end_by_number_are_given_up(sandbox, nexadesk):
    for number in range(120):
        sandbox.add_lead(visitor_name=f"Lead {number}")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.has_more_without_cursor(), times=None)

    with pytest.raises(BrokenContract):
        read(nexadesk)

    assert sandbox.requests.count("GET /leads") <= 4


@pytest.mark.parametrize("kind", [Kind.CONTACTS, Kind.CONVERSATIONS])
def test_elsewhere_more_without_a_cursor_is_no_end(sandbox, nexadesk, kind):
    sandbox.add_contact(first_name="Omar")
    sandbox.add_conversation()
    sandbox.fault("nexadesk", "GET", "*", Fault.has_more_without_cursor())

    with pytest.raises(BrokenContract) as broken:
        read(nexadesk, kind)

    assert "has_more" in broken.value.what


def test_a_cursor_that_loops_is_no_end(sandbox, nexadesk):
    for number in range(350):
        sandbox.add_lead(visitor_name=f"Lead {number}")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.looping_cursor(), times=None)

    with pytest.raises(BrokenContract, match="second time"):
        read(nexadesk)

    assert sandbox.requests.count("GET /leads") <= 8


def test_a_cursor_of_dexra_that_loops_is_no_end(sandbox, dexra):
    for _ in range(250):
        sandbox.add_dexra_conversation()
    sandbox.fault("dexra", "GET", "*", Fault.looping_cursor(), times=None)

    with pytest.raises(BrokenContract):
        read(dexra, Kind.CONVERSATIONS)


def test_an_empty_page_that_promises_more_is_no_end(sandbox, nexadesk):
    for number in range(150):
        sandbox.add_lead(visitor_name=f"Lead {number}")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.shape("empty_page"))

    with pytest.raises(BrokenContract):
        read(nexadesk)


def test_cursors_that_are_always_new_end_some_day(talk, answer, leads_page):
    count = iter(range(10_000))

    def endless(connection):
        row = {"id": f"L{next(count)}"}
        page = leads_page(row, has_more=True, next_cursor=f"c{next(count)}", total_count=5)
        connection.sendall(answer(page))

    client = talk(endless)

    with pytest.raises(BrokenContract, match="beyond its own count"):
        read(client)

    assert len(client.wire.requests) <= 12


@pytest.mark.parametrize(
    "fault",
    ["success_false", "data_not_list", "data_missing", "data_null", "no_pagination"],
)
def test_a_missing_list_is_never_an_empty_list(sandbox, nexadesk, fault):
    sandbox.add_lead(visitor_name="Petra")
    sandbox.fault("nexadesk", "GET", "/leads", Fault.shape(fault))

    with pytest.raises(BrokenContract):
        nexadesk.list_page(Kind.LEADS)


@pytest.mark.parametrize("fault", ["data_not_list", "data_missing", "data_null", "no_pagination"])
def test_a_missing_list_of_dexra_is_never_an_empty_list(sandbox, dexra, fault):
    sandbox.add_dexra_conversation()
    sandbox.fault("dexra", "GET", "*", Fault.shape(fault))

    with pytest.raises(BrokenContract):
        dexra.list_page(Kind.CONVERSATIONS)


@pytest.mark.parametrize("more", ["true", 1, 0, None, [], {}])
@pytest.mark.parametrize("cursor", [None, "", 0.5, [], {}, True])
def test_an_end_that_cannot_be_told_is_no_end(talk, answer, leads_page, more, cursor):
    page = leads_page({"id": "L1"}, has_more=more, next_cursor=cursor)

    with pytest.raises(BrokenContract):
        read(talk(answer(page)))


def test_a_cursor_without_has_more_leads_on(talk, answer, leads_page):
    page = leads_page({"id": "L1"}, next_cursor="MTA")
    del page["pagination"]["has_more"]

    assert talk(answer(page)).list_page(Kind.LEADS).next_cursor == "MTA"


def test_a_cursor_goes_back_as_it_came(sandbox, talk, answer, leads_page):
    page = leads_page({"id": "L1"}, has_more=True, next_cursor="a+b/c= &d")
    client = talk(answer(page))

    client.list_page(Kind.LEADS, cursor="a+b/c= &d")

    assert "cursor=a%2Bb%2Fc%3D" in client.wire.requests[0]
    assert "%26d" in client.wire.requests[0]
