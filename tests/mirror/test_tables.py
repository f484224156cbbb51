"""Lists in pages: every row once, in order, both ways, whatever is missing or equal."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from portal.mirror import keyset, store, tables
from portal.mirror.models import Lead
from portal.mirror.store import Source
from portal.records import Kind, LeadRecord
from portal.vault import store as vault
from portal.vault.seal import Secret

DAY = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def source(workspace):
    connection = vault.create(workspace, provider="nexadesk", key=Secret("fc_live_" + "x" * 20))
    return Source(connection.pk, workspace.pk)


@pytest.fixture
def leads(source):
    """23 leads: names, stages and times repeat, a third has no amount, a fifth no company."""
    records = [
        LeadRecord(
            f"L{n}",
            name=f"Name {n % 4}",
            company="" if n % 5 == 0 else f"Company {n % 3}",
            stage=["new", "lost", "won back"][n % 3],
            source="widget",
            tags=("vip", 'a "b", c') if n % 2 else (),
            amount=None if n % 3 == 0 else Decimal(n % 6) * 100,
            score=None if n % 2 else n / 7,
            created_at=DAY + timedelta(days=n // 3),
            updated_at=None if n % 7 == 0 else DAY + timedelta(hours=n % 4),
        )
        for n in range(23)
    ]
    store.save_records(source, Kind.LEADS, records)
    return records


def walk(rows, sort, *, limit, back_again=False):
    """The ids of all pages from the first to the last; or of the way back from the last."""
    page = keyset.page(rows, sort, limit=limit)
    pages = [page]
    while page.after:
        assert len(pages) <= 23, "the pages go round in a circle"
        page = keyset.page(rows, sort, after=page.after, limit=limit)
        pages.append(page)
    if back_again:
        pages = [page]
        while page.before:
            assert len(pages) <= 23, "the pages go round in a circle"
            page = keyset.page(rows, sort, before=page.before, limit=limit)
            pages.insert(0, page)
    return [row.pk for page in pages for row in page.rows]


def expected(sort):
    """In the order of the values, rows without one at the end, ties by id."""
    rows = list(Lead.objects.all())
    blank = [r for r in rows if getattr(r, sort.field) in (None, "")]
    valued = [r for r in rows if r not in blank]
    blank.sort(key=lambda r: r.pk, reverse=sort.down)
    valued.sort(key=lambda r: (getattr(r, sort.field), r.pk), reverse=sort.down)
    return [r.pk for r in valued + blank]


@pytest.mark.parametrize("back_again", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("down", ["", "-"], ids=["up", "down"])
@pytest.mark.parametrize("name", list(tables.LEADS.sorts))
@pytest.mark.parametrize("limit", [1, 4, 23, 50])
def test_no_row_is_missing_or_shown_twice(leads, workspace, name, down, limit, back_again):
    sort = tables.LEADS.sort(down + name)

    assert walk(store.leads(workspace), sort, limit=limit, back_again=back_again) == expected(sort)


def test_a_row_that_comes_meanwhile_moves_nothing(leads, workspace, source):
    sort = tables.LEADS.sort("-created_at")
    first = keyset.page(store.leads(workspace), sort, limit=5)
    newest = LeadRecord("new", name="New", created_at=DAY + timedelta(days=99))
    store.save_records(source, Kind.LEADS, [newest])

    second = keyset.page(store.leads(workspace), sort, after=first.after, limit=5)

    assert [r.pk for r in first.rows + second.rows] == expected(sort)[1:11]


def test_every_page_knows_the_total(leads, workspace):
    rows = tables.LEADS.filters["stage"].narrow(store.leads(workspace), ["new"])
    page = keyset.page(rows, tables.LEADS.sort("amount"), limit=3)

    assert page.total == 8
    assert keyset.page(rows, tables.LEADS.sort("amount"), after=page.after, limit=3).total == 8


def test_counting_stops_at_the_cap(leads, workspace, monkeypatch):
    monkeypatch.setattr(keyset, "CAP", 10)

    page = keyset.page(store.leads(workspace), tables.LEADS.sort("-created_at"), limit=5)

    assert page.capped
    assert page.total == 10


@pytest.mark.parametrize("sort", ["-created_at", "amount", "-company", "name"])
def test_a_page_costs_one_query_wherever_it_ends(leads, workspace, sort, django_assert_num_queries):
    for limit in (5, 20, 50):
        with django_assert_num_queries(1):
            keyset.page(store.leads(workspace), tables.LEADS.sort(sort), limit=limit)


def cursor(told):
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        "%%%",
        "é",
        cursor("text"),
        cursor([]),
        cursor(["-created_at", "2026-04-01T00:00:00", 1]),
        cursor(["-created_at", "not a time", 1]),
        cursor(["-created_at", "0001-01-01T00:00:00+00:00", 1]),
        cursor(["-created_at", "2026-04-01T00:00:00+00:00", 2**80]),
        cursor(["-created_at", "2026-04-01T00:00:00+00:00", True]),
        cursor(["-created_at", {"a": 1}, "1"]),
        cursor(["amount", "1", 1]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        "A" * 5_000,
    ],
)
def test_a_cursor_that_leads_nowhere_is_the_first_page(leads, workspace, bad):
    page = keyset.page(store.leads(workspace), tables.LEADS.sort("-created_at"), after=bad)

    assert page.lost
    assert len(page.rows) == 23


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "-1e999", "9" * 400, "\x00"])
@pytest.mark.parametrize("name", ["amount", "score", "name"])
def test_a_cursor_with_an_absurd_value_is_no_error(leads, workspace, name, value):
    page = keyset.page(
        store.leads(workspace), tables.LEADS.sort(name), after=cursor([name, value, 1])
    )

    assert page.total == 23


def test_behind_the_last_row_is_the_first_page(leads, workspace):
    told = ["-created_at", "1990-01-01T00:00:00+00:00", 1]
    page = keyset.page(store.leads(workspace), tables.LEADS.sort("-created_at"), after=cursor(told))

    assert page.lost
    assert len(page.rows) == 23


def narrowed(workspace, name, *texts, negated=False):
    rule = tables.LEADS.filters[name]
    rows = rule.narrow(store.leads(workspace), [rule.read(t) for t in texts], negated=negated)
    return {row.upstream_id for row in rows}


def test_values_of_one_filter_are_or_ed_and_can_be_negated(leads, workspace):
    both = narrowed(workspace, "stage", "new", "lost")

    assert both == {f"L{n}" for n in range(23) if n % 3 in (0, 1)}
    assert narrowed(workspace, "stage", "new", "lost", negated=True) == {
        f"L{n}" for n in range(23) if n % 3 == 2
    }


def test_a_tag_is_matched_whole_whatever_is_in_it(leads, workspace):
    odd = {f"L{n}" for n in range(23) if n % 2}

    assert narrowed(workspace, "tag", "vip") == odd
    assert narrowed(workspace, "tag", 'a "b", c') == odd
    assert narrowed(workspace, "tag", "vi") == set()
    assert narrowed(workspace, "tag", "vip", negated=True) == {
        f"L{n}" for n in range(23) if n % 2 == 0
    }


def test_amounts_have_a_lowest_and_a_highest(leads, workspace):
    high = {f"L{n}" for n in range(23) if n % 6 in (4, 5)}
    assert narrowed(workspace, "amount_min", "400") == high
    assert narrowed(workspace, "amount_min", "399,99") == high
    assert narrowed(workspace, "amount_min", "0.400") == {f"L{n}" for n in range(23) if n % 3}
    assert narrowed(workspace, "amount_min", "1,000") == set()


def test_times_are_within_days_or_since_a_date(leads, workspace, time_machine):
    time_machine.move_to(DAY + timedelta(days=8, hours=5))

    assert narrowed(workspace, "created_since", "today") == set()
    assert narrowed(workspace, "created_since", "7d") == {f"L{n}" for n in range(3, 23)}
    assert narrowed(workspace, "created_since", "2026-04-07") == {f"L{n}" for n in range(18, 23)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("amount_min", "much"),
        ("amount_min", "NaN"),
        ("amount_min", "1e400"),
        ("amount_max", "9" * 30),
        ("created_since", "yesterday"),
        ("created_since", "2026-02-31"),
        ("created_since", "0001-01-01"),
        ("connection", "x"),
        ("connection", "9" * 30),
        ("connection", "²"),
    ],
)
def test_a_value_that_means_nothing_is_refused(name, text):
    with pytest.raises(ValueError):  # noqa: PT011
        tables.LEADS.filters[name].read(text)


def test_the_words_in_use_are_counted_in_one_query(leads, workspace, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = tables.facets(tables.LEADS, workspace)

    assert found.counts("stage") == {"new": 8, "lost": 8, "won back": 7}
    assert found.whole


def test_no_table_shows_the_rows_of_another_workspace(leads, workspace, stranger):
    for table in (tables.LEADS, tables.CONTACTS, tables.CONVERSATIONS):
        assert not table.rows(stranger.workspace).exists()
