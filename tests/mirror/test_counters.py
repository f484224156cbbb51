"""Counters equal what a count would say, after whatever happened to the rows."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.mirror import counters, store
from portal.mirror.counts import tallies
from portal.mirror.models import Counter, Lead
from portal.mirror.store import Source
from portal.records import ContactRecord, ConversationRecord, Kind, LeadRecord, State
from portal.services.keeping import keep_gone
from portal.vault import store as vault
from portal.vault.seal import Secret

DAY = datetime(2026, 4, 1, tzinfo=UTC)
AMOUNTS = [None, Decimal(0), Decimal("12.3456"), Decimal("-3.5"), Decimal("1e14"), Decimal("9e10")]
WORDS = st.sampled_from(["", "new", "lost", "Ärger\x1f", "x" * 300])


def connected(workspace, key="x"):
    return vault.create(workspace, provider="nexadesk", key=Secret("fc_live_" + key * 20))


@pytest.fixture
def source(workspace):
    return Source(connected(workspace).pk, workspace.pk)


def lead(n, stage="new", **values):
    return LeadRecord(f"L{n}", name=f"Lead {n}", stage=stage, **values)


def test_a_lead_that_changes_its_stage_is_counted_there(source, workspace):
    store.save_records(source, Kind.LEADS, [lead(1), lead(2), lead(3)])
    store.save_records(source, Kind.LEADS, [lead(2, "lost")])

    assert counters.facets(workspace, Kind.LEADS).counts("stage") == {"new": 2, "lost": 1}
    assert counters.totals(workspace, Kind.LEADS) == 3
    assert counters.live(source.connection_id, Kind.LEADS) == 3


def test_what_the_leads_of_a_stage_are_worth_moves_with_them(source, workspace):
    worth = Decimal("0.1")
    store.save_records(source, Kind.LEADS, [lead(n, amount=worth) for n in range(3)])
    store.save_records(source, Kind.LEADS, [lead(1, "won", amount=Decimal("99999999999.9999"))])
    store.save_records(source, Kind.LEADS, [lead(2, amount=Decimal(7))])

    sums = counters.facets(workspace, Kind.LEADS).sums["stage"]
    assert sums == {"new": Decimal("7.1"), "won": Decimal("99999999999.9999")}
    store.save_records(source, Kind.LEADS, [lead(1, "won", amount=Decimal("1e14"))])
    assert counters.facets(workspace, Kind.LEADS).sums["stage"]["won"] == 0
    keep_gone(Lead.objects.get(upstream_id="L2"), Kind.LEADS)
    assert counters.facets(workspace, Kind.LEADS).sums["stage"]["new"] == worth
    assert counters.drift(workspace) == {}


def test_a_gone_lead_is_not_counted_and_counts_again_when_it_is_back(source, workspace):
    store.save_records(source, Kind.LEADS, [lead(1), lead(2)])
    row = Lead.objects.get(upstream_id="L1")
    keep_gone(row, Kind.LEADS)
    keep_gone(row, Kind.LEADS)
    assert counters.totals(workspace, Kind.LEADS) == 1

    store.save_records(source, Kind.LEADS, [lead(1, "won")])

    assert counters.facets(workspace, Kind.LEADS).counts("stage") == {"new": 1, "won": 1}


def test_a_connection_that_is_removed_takes_its_counters_along(source, workspace):
    other = connected(workspace, "y")
    store.save_records(source, Kind.LEADS, [lead(1), lead(2)])
    store.save_records(Source(other.pk, workspace.pk), Kind.LEADS, [lead(1)])

    other.delete()

    assert counters.totals(workspace, Kind.LEADS) == 2
    assert counters.drift(workspace) == {}


def test_an_owner_is_called_by_the_newest_name(source, workspace):
    store.save_records(source, Kind.LEADS, [lead(1, rep_id="7", rep_name="Ada")])
    store.save_records(source, Kind.LEADS, [lead(2, rep_id="7", rep_name="Ada L.")])
    store.save_records(source, Kind.LEADS, [lead(3, rep_id="7")])

    found = counters.facets(workspace, Kind.LEADS)

    assert found.pairs("rep_id") == {"7": "Ada L."}
    assert found.counts("rep_id") == {"7": 3}


def test_nobody_sees_the_numbers_of_another_workspace(source, stranger):
    store.save_records(source, Kind.LEADS, [lead(1)])

    assert counters.totals(stranger.workspace, Kind.LEADS) == 0
    assert counters.facets(stranger.workspace, Kind.LEADS).total == 0
    assert tallies(stranger.workspace) == []


def test_more_words_than_are_read_do_not_change_the_total(source, workspace, monkeypatch):
    monkeypatch.setattr(counters, "SHOWN", 5)
    store.save_records(source, Kind.LEADS, [lead(n, f"stage {n % 9}") for n in range(30)])

    found = counters.facets(workspace, Kind.LEADS)

    assert found.total == 30
    assert not found.whole
    assert len(found.counts("stage")) <= 5


def test_a_page_of_records_moves_all_counters_in_one_statement(source, workspace):
    store.save_records(source, Kind.LEADS, [lead(n, f"s{n}") for n in range(50)])
    with CaptureQueriesContext(database) as queries:
        store.save_records(source, Kind.LEADS, [lead(n, f"t{n}") for n in range(50)])

    assert sum("portal_counter" in query["sql"] for query in queries) == 1
    assert counters.drift(workspace) == {}


def test_mending_brings_wrong_counters_back(source, workspace):
    store.save_records(source, Kind.LEADS, [lead(n, rep_id="7", rep_name="Ada") for n in range(3)])
    Counter.objects.filter(facet="stage").update(number=99)
    key = (source.connection_id, "leads", "stage", "new")
    assert counters.drift(workspace) == {key: ((99, 0), (3, 0))}

    counters.mend(workspace)

    assert counters.drift(workspace) == {}
    assert counters.facets(workspace, Kind.LEADS).pairs("rep_id") == {"7": "Ada"}


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["lead", "contact", "conversation", "gone", "batch"]),
        st.integers(0, 6),
        WORDS,
        WORDS,
        st.integers(0, 5),
    ),
    max_size=25,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=ACTIONS)
def test_whatever_is_saved_or_goes_the_counters_equal_a_count(source, workspace, actions):
    for action in actions:
        act(source, action, DAY + timedelta(days=action[-1]))

    assert counters.drift(workspace) == {}
    rows = Lead.objects.filter(workspace=workspace, gone_at=None).count()
    assert counters.totals(workspace, Kind.LEADS) == rows


def act(source, action, at):
    what, n, one, other, _ = action
    if what == "lead":
        names = {"source": other, "rep_id": other, "rep_name": one}
        record = lead(n, one, **names, amount=AMOUNTS[action[-1]], updated_at=at)
        store.save_records(source, Kind.LEADS, [record])
    elif what == "contact":
        store.save_records(source, Kind.CONTACTS, [ContactRecord(f"C{n}", first_name=one)])
    elif what == "conversation":
        state = list(State)[n % 5]
        record = ConversationRecord(f"V{n}", status=one, state=state, source=other, updated_at=at)
        store.save_records(source, Kind.CONVERSATIONS, [record])
    elif what == "gone":
        for row in Lead.objects.filter(upstream_id=f"L{n}"):
            store.mark_gone(row)
    else:
        store.save_records(source, Kind.LEADS, [lead(i, one) for i in range(n + 1)])
        rows = Lead.objects.filter(upstream_id__in=["L0", "L1"])
        live = set(rows.filter(gone_at=None).values_list("pk", flat=True))
        ids = rows.values_list("pk", flat=True)
        assert set(store.mark_all_gone(source, Kind.LEADS, ids)) == live
