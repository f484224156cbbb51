"""A search finds what holds its words, no more and no less, in every order, on every page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection as database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.mirror import columns, keyset, search, search_index, store, tables, threads
from portal.mirror.models import Conversation, Lead
from portal.mirror.search import Hits, needles
from portal.mirror.store import Source
from portal.records import (
    ContactRecord,
    ConversationRecord,
    Kind,
    LeadRecord,
    MessageRecord,
    SentMessage,
)
from portal.services.keeping import keep_gone
from portal.vault import store as vault
from portal.vault.seal import Secret

DAY = datetime(2026, 4, 1, 12, tzinfo=UTC)
NAMES = [
    "Ada Lovelace",
    "Grace Hopper",
    "Hedy Lamarr",
    "Ærø Ødegård",
    'Ann "The" O\'Neil',
    "100% _x_",
]


@pytest.fixture
def source(workspace):
    connection = vault.create(workspace, provider="nexadesk", key=Secret("fc_live_" + "x" * 20))
    return Source(connection.pk, workspace.pk)


def lead(n, **values):
    values = {
        "name": NAMES[n % 6],
        "email": f"p{n}@mail.example",
        "company": f"Firm {n % 4}",
    } | values
    return LeadRecord(f"L{n}", **values)


@pytest.fixture
def leads(source):
    """60 leads; times repeat within a second, some have none, a third no amount."""
    store.save_records(
        source,
        Kind.LEADS,
        [
            lead(
                n,
                phone=f"+49 30 {n:04}",
                stage=["new", "lost", "won"][n % 3],
                tags=("vip",) if n % 2 else ("V I P", "cold"),
                amount=None if n % 3 == 0 else Decimal(n % 7),
                created_at=None if n % 11 == 0 else DAY + timedelta(seconds=n // 3, milliseconds=n),
            )
            for n in range(60)
        ],
    )


def find(workspace, text, *, sort="-created_at", limit=7, tags=(), rows=None, back=False):
    """The upstream ids of all pages of a search, and the total that the pages tell."""
    rows = store.leads(workspace) if rows is None else rows
    hits = Hits(workspace.pk, rows, needles(text, tags), filtered=rows.query.where.children != [])
    order = tables.LEADS.sort(sort)
    page = keyset.page(rows, order, limit=limit, reader=hits, total=hits.total())
    total, pages = page.total, [page]
    while page.after:
        page = keyset.page(
            rows, order, limit=limit, after=page.after, reader=hits, total=hits.total()
        )
        assert page.total == total
        assert not page.lost
        assert len(pages) < 70
        pages.append(page)
    if back:
        pages = [page]
        while page.before:
            page = keyset.page(
                rows, order, limit=limit, before=page.before, reader=hits, total=hits.total()
            )
            pages.insert(0, page)
    return [row.upstream_id for p in pages for row in p.rows], total


def having(text):
    """What a plain look at every lead finds."""
    said = (
        (row.upstream_id, f"{row.name}\n{row.email}\n{row.phone}\n{row.company}".casefold())
        for row in Lead.objects.filter(gone_at=None)
    )
    return {key for key, everything in said if text.casefold() in everything}


@pytest.fixture(params=["index", "no index", "always near", "always far"])
def way(request, monkeypatch):
    """Every way to the hits must find the same."""
    if request.param == "no index":
        monkeypatch.setattr(search_index, "ready", lambda: False)
    elif request.param == "always near":
        monkeypatch.setattr(search, "FEW", 0)
    elif request.param == "always far":
        monkeypatch.setattr(search, "NEAR", 1)


@pytest.mark.parametrize(
    "text",
    ["ada", "LOVE", "a l", "y l", "e n", "rø ø", '"The"', "o'neil", "100%", "_x_", "@mail.",
     "p12", "30 00", "firm 2", "nothing like it", "mail.example", "%%%", "***", "AND",
     "NEAR(", "-ada", "n o'", "o'n", "% _", "9@m", "l.e", "l-e", "l_e", "l%e"],
)  # fmt: skip
@pytest.mark.parametrize("sort", ["-created_at", "name"])
def test_a_search_finds_what_a_look_at_every_row_finds(way, leads, workspace, text, sort):
    found, total = find(workspace, text, sort=sort)

    assert len(found) == len(set(found)) == total
    assert set(found) == having(text)


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "name", "-amount", "score"])
def test_the_pages_of_a_search_are_the_same_backwards(way, leads, workspace, sort):
    forwards, _ = find(workspace, "ada", sort=sort, limit=3)
    backwards, _ = find(workspace, "ada", sort=sort, limit=3, back=True)

    assert len(forwards) == 10
    assert backwards == forwards


@pytest.mark.parametrize("few", [0, 20_000])
@pytest.mark.parametrize("narrowed", [False, True])
@pytest.mark.parametrize("sort", ["-created_at", "created_at", "name", "-amount", "score"])
def test_many_hits_come_in_the_order_of_few(leads, workspace, monkeypatch, sort, few, narrowed):
    rows = store.leads(workspace)
    if narrowed:
        rows = tables.LEADS.filters["stage"].narrow(rows, ["won", "new"])

    def pages():
        hits = Hits(workspace.pk, rows, needles("mail"), filtered=narrowed)
        order, found, there = tables.LEADS.sort(sort), [], {}
        while True:
            page = keyset.page(rows, order, limit=7, reader=hits, total=hits.total(), **there)
            found.append([row.pk for row in page.rows])
            there = {"after": page.after}
            if not page.after:
                return found, page.capped

    few_hits, capped = pages()
    assert not capped
    monkeypatch.setattr(search, "LOOKED_AT", 3)
    monkeypatch.setattr(search, "FEW", few)
    many_hits, capped = pages()
    assert many_hits == few_hits
    assert capped or database.vendor == "postgresql"


def test_the_newest_come_first_and_those_without_a_time_last(leads, workspace):
    found, _ = find(workspace, "mail.example")

    by_second = sorted(
        Lead.objects.all(),
        key=lambda row: (row.created_at.replace(microsecond=0) if row.created_at else DAY, row.pk),
        reverse=True,
    )
    valued = [row.upstream_id for row in by_second if row.created_at]
    assert set(found[-6:]) == {f"L{n}" for n in range(0, 60, 11)}
    if database.vendor == "sqlite":
        assert found[:-6] == valued


def test_one_or_two_characters_are_found_where_words_begin(way, leads, workspace):
    assert set(find(workspace, "l")[0]) == {f"L{n}" for n in range(60) if n % 6 in (0, 2)}
    assert set(find(workspace, "LA")[0]) == {f"L{n}" for n in range(60) if n % 6 == 2}
    assert set(find(workspace, "ve")[0]) == set()
    assert set(find(workspace, "ø")[0]) == {f"L{n}" for n in range(60) if n % 6 == 3}
    assert find(workspace, "@")[0] == []


def test_a_filter_narrows_a_search(way, leads, workspace):
    rows = tables.LEADS.filters["stage"].narrow(store.leads(workspace), ["won"])

    found, total = find(workspace, "ada", rows=rows)
    assert set(found) == having("ada") & {f"L{n}" for n in range(60) if n % 3 == 2}
    assert total == len(found)
    found, total = find(workspace, "mail", rows=rows, sort="name")
    assert set(found) == {f"L{n}" for n in range(60) if n % 3 == 2}
    assert total == 20


def test_a_tag_is_looked_up_in_the_same_index(way, leads, workspace):
    rule = tables.LEADS.filters["tag"]
    rows = rule.narrow(store.leads(workspace), ["V I P"])

    found, total = find(workspace, "", tags=("V I P",), rows=rows)
    assert set(found) == {f"L{n}" for n in range(0, 60, 2)}
    assert total == 30
    rows = rule.narrow(store.leads(workspace), ["vip", "cold"])
    assert find(workspace, "ada", tags=("vip", "cold"), rows=rows)[1] == 10


def test_what_changes_goes_or_comes_back_is_found_as_it_is_now(way, leads, workspace, source):
    store.save_records(source, Kind.LEADS, [lead(0, name="Rózsa Péter")])
    keep_gone(Lead.objects.get(upstream_id="L6"), Kind.LEADS)
    Lead.objects.filter(upstream_id="L12").delete()

    assert find(workspace, "rózsa")[0] == ["L0"]
    assert set(find(workspace, "ada")[0]) == {f"L{n}" for n in range(18, 60, 6)}

    store.save_records(source, Kind.LEADS, [lead(6)], whole=True)
    assert "L6" in find(workspace, "ada")[0]


def test_nothing_of_another_workspace_is_found(way, leads, workspace, stranger):
    assert find(stranger.workspace, "ada") == ([], 0)
    assert find(stranger.workspace, "a") == ([], 0)


def test_many_hits_are_told_as_so_many_or_more(leads, workspace, monkeypatch):
    monkeypatch.setattr(search, "LOOKED_AT", 10)
    monkeypatch.setattr(search, "NEAR", 20)
    monkeypatch.setattr(search, "ENOUGH", 8)
    rows = store.leads(workspace)
    hits = Hits(workspace.pk, rows, needles("mail"))

    page = keyset.page(
        rows, tables.LEADS.sort("-created_at"), limit=5, reader=hits, total=hits.total()
    )

    assert page.capped
    assert 8 <= page.total <= 20


def test_a_page_of_a_search_costs_one_query(leads, workspace, django_assert_num_queries):
    rows = store.leads(workspace)
    hits = Hits(workspace.pk, rows, needles("mail"))
    for sort in ("-created_at", "name"):
        with django_assert_num_queries(1):
            keyset.page(rows, tables.LEADS.sort(sort), limit=20, reader=hits, total=hits.total())


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(min_size=1, max_size=12).filter(columns.search_term))
def test_no_text_is_an_error(leads, workspace, text):
    found, _ = find(workspace, text, limit=50)
    folded = columns.folded(text, 200)
    if len(folded) >= 3:
        assert set(found) == having(folded)


def test_conversations_are_found_by_what_is_said_in_them(source, workspace):
    record = ConversationRecord("V1", subject="Order 7", updated_at=DAY)
    store.save_records(source, Kind.CONVERSATIONS, [record])
    row = Conversation.objects.get()
    said = [
        MessageRecord("m1", text="Where is my  PARCEL?"),
        MessageRecord("m2", text="On its way"),
    ]
    threads.save_history(row, said)
    store.save_records(
        source, Kind.CONVERSATIONS, [ConversationRecord("V1", subject="Order 8", updated_at=DAY)]
    )

    def found(text):
        rows = store.conversations(workspace)
        hits = Hits(workspace.pk, rows, needles(text))
        return keyset.page(rows, tables.CONVERSATIONS.sort("-active_at"), reader=hits).rows

    assert found("my parcel")
    assert found("order 8")
    assert not found("order 7")
    threads.save_history(row, said[1:])
    assert not found("my parcel")
    sent = SentMessage("m9", "V1")
    threads.save_sent(
        row, sent, text="Arrived Monday", private=False, author_name="", write_id=None
    )
    assert found("monday")


def test_last_messages_stay_findable_after_newer_ones(source, workspace):
    for n, text in enumerate(["the first thing", "a second matter", "third and last"]):
        record = ConversationRecord(
            "V1", last_message=text, last_message_id=f"m{n}", updated_at=DAY + timedelta(hours=n)
        )
        store.save_records(source, Kind.CONVERSATIONS, [record])
        threads.note_last_messages(source, [record])

    text = Conversation.objects.get().search_text
    assert all(said in text for said in ("first thing", "second matter", "third and last"))


def test_a_thread_is_searched_only_so_far(source):
    text = columns.with_thread("subject", ["ab " * 50_000, "never reached"])
    assert len(text) < columns.THREAD_LIMIT + 50
    assert "never" not in text


def test_contacts_are_found_by_both_names(source, workspace):
    record = ContactRecord("C1", first_name="Ada", last_name="Lovelace", phone="+49 30 1234")
    store.save_records(source, Kind.CONTACTS, [record])
    rows = store.contacts(workspace)
    for text in ("ada love", "30 12", "lo"):
        hits = Hits(workspace.pk, rows, needles(text))
        assert len(keyset.page(rows, tables.CONTACTS.sort("-created_at"), reader=hits).rows) == 1


def test_a_lost_index_is_noticed_and_made_again(leads, workspace):
    database.check_constraints()
    search_index.drop()
    try:
        assert not search_index.ready()
        assert set(find(workspace, "ada")[0]) == having("ada")
    finally:
        assert search_index.ensure()
    assert search_index.ready()
    assert set(find(workspace, "ada")[0]) == having("ada")


@given(text=st.text(alphabet=st.characters(codec="ascii", exclude_characters="\x00")))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_index_holds_of_a_text_is_what_is_looked_for(db, text):
    if database.vendor != "postgresql":
        return  # SQLite's index holds the text itself
    with database.cursor() as cursor:
        loose = search_index.LOOSE.replace("%", "%%").replace("search_text", "%s::text")
        cursor.execute(f"SELECT {loose}", [text])
        assert cursor.fetchone() == (search_index.loosened(text),)
