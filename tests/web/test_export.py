"""An export is the screen as a file: the same rows, columns and order, and nothing that acts."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.utils import timezone

from portal.batches.files.reading import opened
from portal.models import Entry, Lead
from portal.sandbox.data.fill import Amounts, fill
from tests.batches.naughty import NAUGHTY
from tests.web.test_leads_list import pipeline

__all__ = ["pipeline"]

EXPORT = "/w/acme/leads/export/"


@pytest.fixture
def desk(agent, client_of):
    return client_of(agent)


def body(response):
    return b"".join(response)


def leave(response):
    """The person goes away before the first byte; the test keeps its database."""
    request_finished.disconnect(close_old_connections)
    try:
        response.close()
    finally:
        request_finished.connect(close_old_connections)


def read_csv(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def taken(client, query="", path=EXPORT, form="csv"):
    response = client.get(f"{path}?format={form}&{query}")
    assert response.status_code == 200, response.content
    if form == "csv":
        return read_csv(body(response))
    with opened([body(response)]) as sheet:
        return [sheet.columns, *(cells for _, cells in sheet.rows())]


def screen(client, query="", path="/w/acme/leads/"):
    """The titles and the names on every page of the list."""
    titles, names, address = [], [], f"{path}?{query}"
    while address:
        html = client.get(address).content.decode()
        heads = re.search(r"<thead>(.*?)</thead>", html, re.DOTALL)
        titles = re.findall(r"<th [^>]*>(?:<a [^>]*>)?([^<]+)", heads[1]) if heads else titles
        names += re.findall(r'<td class="name"><a [^>]*>([^<]*)<', html)
        found = re.search(r'id="page-next" rel="next" href="([^"]+)"', html)
        address = unescape(found[1]) if found else ""
    return titles, [unescape(name) for name in names]


@pytest.mark.parametrize(
    "query",
    ["", "stage=new", "sort=amount&per=25", "sort=-name", "q=lead+1", "tag=vip&sort=company",
     "stage!=new&sort=-updated_at", "amount_min=1000&rep=none", "q=company+3&source=api"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_rows_columns_and_order_are_those_of_the_screen(query, form, pipeline, desk):
    titles, names = screen(desk, query)

    head, *rows = taken(desk, query, form=form)

    assert head == titles
    assert [row[0] for row in rows] == names
    assert names


def test_cells_are_what_the_columns_hold(pipeline, desk):
    lead = Lead.objects.get(name="Lead 50")

    row = next(row for row in taken(desk) if row[0] == "Lead 50")

    assert row[1:6] == ["Company 1", "demo booked", "widget", "Jo Silva", ""]
    assert row[6] == lead.created_at.isoformat()
    assert taken(desk, "q=lead+01")[1][5] == "100"


def test_the_page_says_how_many_rows_before_it_starts(pipeline, desk):
    page = unescape(desk.get(f"{EXPORT}?stage=new&sort=name").content.decode())

    assert "20 leads" in page
    assert "Export 20 leads" in page
    assert '<input type="hidden" name="stage" value="new">' in page
    assert '<input type="hidden" name="sort" value="name">' in page
    assert Entry.objects.filter(action="leads.export").count() == 0


def test_the_list_leads_there_with_what_it_is_asked(pipeline, desk):
    page = unescape(desk.get("/w/acme/leads/?stage=new&sort=name&per=25").content.decode())
    assert f'href="{EXPORT}?stage=new&sort=name&per=25"' in page


def test_one_entry_tells_who_took_what(pipeline, desk, agent):
    taken(desk, "stage=new&sort=name")

    entry = Entry.objects.get(action="leads.export")
    assert entry.actor == agent.user
    assert entry.outcome == Entry.Outcome.DONE
    assert entry.after == {
        "rows": 20, "format": "csv", "columns": "screen", "filters": "stage=new&sort=name"
    }  # fmt: skip


def test_who_goes_away_in_between_leaves_an_entry_that_says_so(pipeline, desk):
    response = desk.get(f"{EXPORT}?format=csv")
    leave(response)

    entry = Entry.objects.get(action="leads.export")
    assert (entry.outcome, entry.reason) == (Entry.Outcome.DONE, "Stopped after 0 rows.")
    assert len(taken(desk)) == 61


def test_one_export_at_a_time_for_each_person(pipeline, desk, owner, client_of):
    running = desk.get(f"{EXPORT}?format=csv")
    try:
        second = desk.get(f"{EXPORT}?format=xlsx")
        assert second.status_code == 409
        assert "still running" in second.content.decode()
        assert len(taken(client_of(owner))) == 61
    finally:
        leave(running)
    assert len(taken(desk)) == 61


def test_an_export_that_was_killed_blocks_for_ten_minutes_only(pipeline, desk):
    running = desk.get(f"{EXPORT}?format=csv")
    Entry.objects.filter(action="leads.export").update(at=timezone.now() - timedelta(minutes=11))
    assert len(taken(desk)) == 61
    leave(running)


def test_no_cell_begins_a_formula(sandbox, nexadesk, synced, desk):
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "＝1", "'=1"):
        sandbox.add_lead(visitor_name=text, visitor_company=text)
    synced(nexadesk)

    rows = taken(desk)[1:]

    assert len(rows) == 7
    assert {cell[:1] for row in rows for cell in row[:2]} == {"'"}
    assert {row[0] for row in taken(desk, form="xlsx")[1:]} == {
        "=1+1", "+1", "-1", "@x", "\t=1", "＝1", "'=1"
    }  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_every_field_keeps_every_character(form, sandbox, nexadesk, synced, desk):
    """503 naughty texts in each text field of a lead; what no database holds is not among them."""
    assert len(NAUGHTY) >= 503
    fields = ("visitor_name", "visitor_phone", "visitor_company", "need_summary", "pipeline_stage",
              "source", "assigned_rep_id")  # fmt: skip
    texts = [text for text in NAUGHTY if text.strip()]
    for text in texts:
        sandbox.add_lead(**dict.fromkeys(fields, text), tags=[text, "b"])
    synced(nexadesk)

    path = f"{EXPORT}?format={form}&columns=all&sort=created_at"
    with opened([body(desk.get(path))]) as sheet:
        rows = [dict(zip(sheet.columns, cells, strict=False)) for _, cells in sheet.rows()]

    raws = {lead.upstream_id: lead.raw for lead in Lead.objects.all()}
    titles = ("Name", "Phone", "Company", "Need", "Stage", "Source", "Representative")
    changed = [
        (row[title], raws[row["Id"]][field])
        for row in rows
        for title, field in zip(titles, fields, strict=True)
        if row[title] != raws[row["Id"]][field]
    ]
    assert changed == []
    assert len(rows) == len(texts)


def test_contacts_and_conversations_go_out_as_they_stand(sandbox, nexadesk, dexra, synced, desk):
    fill(sandbox, Amounts(contacts=60, conversations=55, dexra_conversations=10))
    synced(nexadesk)
    synced(dexra)
    titles, names = screen(desk, "sort=company", "/w/acme/contacts/")
    head, *rows = taken(desk, "sort=company", "/w/acme/contacts/export/")
    assert head == titles
    assert [row[0] for row in rows] == names

    page = desk.get("/w/acme/conversations/?state=open&per=100").content.decode()
    names = [unescape(n) for n in re.findall(r'<span class="who" dir="auto">([^<]*)</span>', page)]
    head, *rows = taken(desk, "state=open", "/w/acme/conversations/export/")
    assert head == [
        "Name", "Subject", "Last message", "Active", "State", "Channel", "Service", "Tags"
    ]  # fmt: skip
    assert [row[0] for row in rows] == names
    assert names


def test_more_than_a_read_is_exported_in_order(nexadesk, sandbox, synced, desk):
    """Several keyset pages of the export itself, rows without a value last."""
    fill(sandbox, Amounts(leads=1203))
    synced(nexadesk)
    rows = taken(desk, "sort=-amount")[1:]
    assert len(rows) == len({tuple(row) for row in rows}) == 1203
    amounts = [float(row[5]) for row in rows if row[5]]
    assert amounts == sorted(amounts, reverse=True)
    assert [bool(row[5]) for row in rows] == sorted((bool(row[5]) for row in rows), reverse=True)


def test_a_large_workbook_is_refused_in_words(pipeline, desk, monkeypatch):
    monkeypatch.setattr("portal.web.exports.MOST_IN_A_WORKBOOK", 10)
    response = desk.get(f"{EXPORT}?format=xlsx")
    assert response.status_code == 422
    assert "Choose CSV" in unescape(response.content.decode())


@pytest.mark.parametrize(
    "query", ["format=pdf", "columns=x", "format=csv&after=broken", "q=%00", "stage=nope&x=y"]
)
def test_no_address_is_an_error(query, pipeline, desk):
    response = desk.get(f"{EXPORT}?{query}")
    assert response.status_code == 200
    leave(response)


def test_filters_of_an_odd_name_survive_the_page(sandbox, nexadesk, synced, desk):
    stage = 'a"b&c=d <x>'
    sandbox.add_lead(visitor_name="Odd", pipeline_stage=stage)
    sandbox.add_lead(visitor_name="Even")
    synced(nexadesk)
    page = desk.get(f"{EXPORT}?{urlencode({'stage': stage})}").content.decode()
    hidden = re.search(r'type="hidden" name="stage" value="([^"]*)"', page)
    rows = taken(desk, urlencode({"stage": unescape(hidden[1])}))[1:]
    assert [row[0] for row in rows] == ["Odd"]


def test_viewers_see_no_way_there(pipeline, viewer, client_of):
    client = client_of(viewer)
    assert "leads/export/" not in client.get("/w/acme/leads/").content.decode()
    assert client.get(f"{EXPORT}?format=csv").status_code == 403
    assert Entry.objects.filter(action="leads.export").count() == 0


def test_rows_of_another_workspace_are_not_in_it(pipeline, stranger, client_of):
    response = client_of(stranger).get("/w/other/leads/export/?format=csv")
    assert read_csv(body(response))[1:] == []
