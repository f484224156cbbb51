"""The list of leads: what is asked stands in the address, and no address is an error."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.models import Lead

LIST = "/w/acme/leads/"
HTMX = {"HX-Request": "true", "HX-Source": "input#q"}


@pytest.fixture
def pipeline(sandbox, nexadesk, synced):
    """Sixty leads: twenty new, twenty qualified, twenty of a stage of their own."""
    rep = sandbox.add_representative("Jo", "Silva", "jo@vendor.example")
    began = datetime.now(UTC) - timedelta(minutes=2)
    for n in range(60):
        moment = began + timedelta(seconds=n)
        sandbox.add_lead(
            created_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            visitor_name=f"Lead {n:02}",
            visitor_email=f"lead{n}@example.com",
            visitor_company=f"Company {n % 7}" if n % 4 else None,
            pipeline_stage=["new", "qualified", "demo booked"][n % 3],
            source=["widget", "api"][n % 2],
            tags=["vip"] if n % 5 == 0 else [],
            expected_billing_amount=n * 100 if n % 2 else None,
            assigned_rep_id=rep if n % 10 == 0 else None,
        )
    synced(nexadesk)


@pytest.fixture
def ask(pipeline, viewer, client_of):
    client = client_of(viewer)
    return lambda query="", **more: client.get(LIST + query, **more)


def names(response):
    return re.findall(r'<td class="name"><a [^>]*>([^<]*)<', response.content.decode())


def links(response, pattern):
    return [unescape(href) for href in re.findall(pattern, response.content.decode())]


def text_of(response):
    return unescape(response.content.decode())


def test_newest_come_first_fifty_to_a_page(ask):
    response = ask()

    assert len(names(response)) == 50
    assert names(response)[0] == "Lead 59"
    assert "1–50 of 60" in text_of(response)
    assert "Leads, 60 results, sorted by Created, descending" in text_of(response)


def test_pages_lead_forth_and_back_to_the_same_rows(ask):
    first = ask("?per=25")
    seen, page = [names(first)], first
    while following := links(page, r'rel="next" href="[^"?]*(\?[^"]*)"'):
        page = ask(following[0])
        seen.append(names(page))
    assert [len(rows) for rows in seen] == [25, 25, 10]
    assert len({name for rows in seen for name in rows}) == 60
    assert "51–60 of 60" in text_of(page)

    for rows in reversed(seen[:-1]):
        page = ask(links(page, r'rel="prev" href="[^"?]*(\?[^"]*)"')[0])
        assert names(page) == rows
    assert "1–25 of 60" in text_of(page)


def test_filters_are_or_ed_inside_and_and_ed_between(ask):
    shown = names(ask("?stage=new&stage=demo+booked&tag=vip&per=100"))

    assert set(shown) == {f"Lead {n:02}" for n in range(60) if n % 3 != 1 and n % 5 == 0}


def test_a_filter_can_be_turned_around(ask):
    assert set(names(ask("?stage!=new&per=100"))) == {f"Lead {n:02}" for n in range(60) if n % 3}


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?source=api", lambda n: n % 2),
        ("?rep=none", lambda n: n % 10),
        ("?amount_min=4,000", lambda n: n % 2 and n >= 40),
        ("?amount_min=100&amount_max=300", lambda n: n in (1, 3)),
        ("?created_since=today", lambda n: True),
        ("?updated_since=2199-01-01", lambda n: False),
        ("?q=LEAD17%40example", lambda n: n == 17),
        ("?q=company+3", lambda n: n % 7 == 3 and n % 4),
        ("?q=%25", lambda n: False),
    ],
)
def test_each_filter_keeps_what_it_says(ask, query, kept):
    response = ask(f"{query}&per=100")

    assert set(names(response)) == {f"Lead {n:02}" for n in range(60) if kept(n)}


def test_filters_of_a_person_are_by_name(ask):
    rep = Lead.objects.exclude(rep_id="").first().rep_id

    response = ask(f"?rep={rep}")

    assert len(names(response)) == 6
    assert '<span class="v cut">Jo Silva</span>' in response.content.decode()


def test_sorting_has_three_turns_and_rows_without_a_value_come_last(ask):
    up = names(ask("?sort=amount&per=100"))
    down = names(ask("?sort=-amount&per=100"))

    assert up[:2] == ["Lead 01", "Lead 03"]
    assert down[:2] == ["Lead 59", "Lead 57"]
    assert all(int(name[-2:]) % 2 == 0 for name in up[30:] + down[30:])
    turn = r'id="sort-amount" href="([^"]*)"'
    assert links(ask(), turn) == [f"{LIST}?sort=amount"]
    assert links(ask("?sort=amount"), turn) == [f"{LIST}?sort=-amount"]
    assert links(ask("?sort=-amount"), turn) == [LIST]
    assert 'aria-sort="descending"><a id="sort-amount"' in ask("?sort=-amount").content.decode()


def test_a_chip_says_what_is_asked_and_its_cross_leads_without_it(ask):
    html = ask("?stage=new&stage=qualified&stage=demo+booked&amount_min=100&q=lead&sort=name")
    page = text_of(html)

    assert "Stage</span><span>is any of</span>" in page
    assert "new, qualified +1" in page
    removed = links(html, r'class="chip">.*?<a href="([^"]*)"')
    assert parse_qs(urlsplit(removed[0]).query) == {
        "q": ["lead"],
        "amount_min": ["100"],
        "sort": ["name"],
    }
    assert links(html, r'id="clear" href="([^"]*)"') == [f"{LIST}?sort=name"]


def test_counts_stand_beside_the_stages_and_their_own_stage_is_among_them(ask):
    page = re.sub(r"<[^>]+>", " ", text_of(ask()))

    assert re.search(r"new\s+20\s+qualified\s+20\s+assigned\s+0", page)
    assert re.search(r"demo booked\s+20", page)


@pytest.mark.parametrize(
    ("query", "notice"),
    [
        ("?stage=nonsense", "“nonsense” is no value of the filter Stage"),
        ("?colour=red", "no filter “colour”"),
        ("?sort=-colour", "cannot be sorted by “-colour”"),
        ("?amount_min=lots", "“lots” is no value of the filter Amount"),
        ("?created_since=tomorrow", "“tomorrow” is no value of the filter Created"),
        ("?connection=99999", "“99999” is no value of the filter Service"),
        ("?amount_min!=5", "no filter “amount_min!”"),
        ("?per=7", "25, 50 or 100 rows"),
        ("?after=broken", "That page does not exist any more"),
        ("?before=%00", "That page does not exist any more"),
        ("?rep=%00%00", "is no value of the filter Owner"),
        ("?<script>=1", "<script>"),
    ],
)
def test_what_is_not_understood_is_said_and_left_out(ask, query, notice):
    response = ask(query)

    assert response.status_code == 200
    assert notice in text_of(response)
    assert len(names(response)) == 50
    assert b"<script>=" not in response.content


@pytest.mark.parametrize(
    "query",
    [
        "?q=%00",
        "?q=" + "x" * 5000,
        "?q=%F0%9F%A6%8A%ED%A0%80",
        "?tag=%00",
        "?tag=" + "&tag=".join(map(str, range(300))),
        "?from=-1&after=x",
        "?from=99999999999999999999&before=x",
        "?stage=new&stage!=new",
        "?sort=&per=&q=&stage=&colour=1",
        "?created_since=9999-99-99",
        "?amount_max=" + "9" * 300,
    ],
)
def test_no_address_is_an_error(ask, query):
    assert ask(query).status_code == 200


def test_a_plain_form_leads_to_a_clean_address(ask):
    response = ask("?q=&stage=new&amount_min=&amount_max=&tag=&created_since=&created_since=&per=")

    assert response.status_code == 302
    assert response["Location"] == f"{LIST}?stage=new"


def test_typing_gets_only_the_results_and_the_address_to_show(ask):
    response = ask("?q=lead+1&stage=new&amount_min=", headers=HTMX)
    html = response.content.decode()

    assert "<html" not in html
    assert html.count("<table") == 1
    assert '<hx-partial hx-target="#list-state"' in html
    assert response["HX-Replace-Url"] == f"{LIST}?q=lead+1&stage=new"
    assert "HX-Request" in response["Vary"]
    pushed = ask("?stage=new", headers=HTMX | {"HX-Source": "a#sort-name"})
    assert pushed["HX-Push-Url"] == f"{LIST}?stage=new"


def test_a_lead_knows_the_way_back_to_its_list(ask, viewer, client_of):
    first = links(ask("?stage=new&sort=name"), r'<td class="name"><a [^>]*href="([^"]*)"')[0]

    page = client_of(viewer).get(first)

    assert links(page, r'class="back" href="([^"]*)"') == [f"{LIST}?stage=new&sort=name"]


def test_no_hits_name_the_way_out(ask):
    page = text_of(ask("?q=nobody+at+all"))

    assert "No lead matches" in page
    assert "Clear search and filters" in page


def test_an_empty_workspace_says_what_to_do(workspace, admin, viewer, client_of):
    assert "Connect a service" in text_of(client_of(admin).get(LIST))
    assert "Nothing is connected yet" in text_of(client_of(viewer).get(LIST))
    assert "Connect a service" not in text_of(client_of(viewer).get(LIST))


def test_the_first_copy_shows_how_far_it_is(nexadesk, viewer, client_of):
    assert 'id="sync-progress"' in text_of(client_of(viewer).get(LIST))


def test_leads_of_another_workspace_are_not_there(pipeline, stranger, client_of):
    response = client_of(stranger).get("/w/other/leads/?q=lead")

    assert names(response) == []
    assert client_of(stranger).get(LIST).status_code == 404
