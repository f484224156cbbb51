"""What somebody changed while a batch ran is skipped, and then decided by a person."""

import re
from html import unescape

import pytest

from portal.batches import store
from portal.models import Batch, Lead, Write
from portal.records import Kind
from portal.services import batches, bulk


@pytest.fixture
def leads(sandbox, nexadesk, synced):
    for number in range(5):
        sandbox.add_lead(
            id=f"lead-{number}", visitor_name=f"Lead {number}", pipeline_stage="new", tags=["a"]
        )
    synced(nexadesk)
    return list(Lead.objects.order_by("upstream_id"))


def run(batch, actor):
    batches.start(batch, actor=actor)
    while batches.run(batch.pk) is not None:
        pass
    batch.refresh_from_db()
    return batch


def prepared(actor, leads, verb, value):
    ids = [lead.pk for lead in leads]
    made = {"form_id": f"{verb}-{value}", "title": f"{verb}: {value}"}
    return bulk.prepare(Kind.LEADS, verb, value, ids, actor=actor, **made)


@pytest.fixture
def clashed(leads, agent, sandbox):
    """All to be qualified; a colleague set two of them otherwise before their turn came."""
    batch = prepared(agent, leads, "stage", "qualified")
    sandbox.edit_lead("lead-1", pipeline_stage="lost")
    sandbox.edit_lead("lead-3", pipeline_stage="contacted")
    run(batch, agent)
    counts = store.counts(batch)
    assert (counts.done, counts.skipped) == (3, 2)
    return batch


def page_of(as_agent, batch, query=""):
    return as_agent.get(f"/w/acme/batches/{batch.pk}/{query}").content.decode()


def text_of(html):
    main = html.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def links(html):
    """Where the skipped rows are decided, in their order."""
    return re.findall(r'id="decide-\d+" href="([^"]+)"', html)


def stage_of(sandbox, number):
    return sandbox.lead(f"lead-{number}")["pipeline_stage"]


@pytest.mark.parametrize(
    ("choice", "stage", "calls"),
    [("mine", "qualified", 1), ("theirs", "lost", 0), ("before", "new", 1)],
)
def test_each_one_is_decided_by_itself(choice, stage, calls, clashed, as_agent, sandbox):
    there = links(page_of(as_agent, clashed, "?status=skipped"))[0]
    page = as_agent.get(there).content.decode()
    for version in ("qualified", "lost", "new"):
        assert re.search(rf"data-version[^>]*>{version}<", page)
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    sandbox.requests.clear()

    chosen = dict(hidden) | {"choice-pipeline_stage": choice, "pipeline_stage": "qualified"}
    assert (
        as_agent.post(there, chosen)["Location"] == f"/w/acme/batches/{clashed.pk}/?status=skipped"
    )

    assert stage_of(sandbox, 1) == stage
    assert sandbox.requests.count("PATCH /leads") == calls
    html = page_of(as_agent, clashed)
    assert len(links(html)) == 1
    assert "It was decided by itself since." in text_of(html)


def test_all_of_them_are_changed_nevertheless_after_a_look(clashed, as_agent, agent, sandbox):
    assert "Change these 2 nevertheless" in text_of(page_of(as_agent, clashed))
    sandbox.requests.clear()

    there = as_agent.post(f"/w/acme/batches/{clashed.pk}/again/")["Location"]
    again = Batch.objects.latest("pk")
    assert as_agent.post(f"/w/acme/batches/{clashed.pk}/again/")["Location"] == there
    said = text_of(as_agent.get(there).content.decode())

    assert "2 records will change" in said
    assert "lost → becomes qualified" in said
    assert "contacted → becomes qualified" in said
    assert not sandbox.requests
    run(again, agent)
    assert {stage_of(sandbox, n) for n in range(5)} == {"qualified"}
    assert not Write.objects.filter(undoes=None, status="queued").exists()


def test_a_tag_is_added_to_those_that_the_colleague_left(leads, as_agent, agent, sandbox):
    batch = prepared(agent, leads, "tag-add", "vip")
    sandbox.edit_lead("lead-2", tags=["b"])
    run(batch, agent)
    as_agent.post(f"/w/acme/batches/{batch.pk}/again/")

    run(Batch.objects.latest("pk"), agent)

    assert sandbox.lead("lead-2")["tags"] == ["b", "vip"]
    assert sandbox.lead("lead-0")["tags"] == ["a", "vip"]


def test_what_an_undo_left_is_put_back_after_a_look(leads, as_agent, agent, sandbox):
    batch = run(prepared(agent, leads, "stage", "qualified"), agent)
    back = batches.undo(batch, actor=agent, form_id="undo-form", title="Undo")
    sandbox.edit_lead("lead-4", pipeline_stage="lost")
    run(back, agent)
    assert stage_of(sandbox, 4) == "lost"
    html = page_of(as_agent, back)
    assert "Change 1 nevertheless" not in text_of(html)
    [there] = links(html)

    asked = as_agent.post(there)
    assert "Somebody changed this since" in asked.content.decode()
    seen = unescape(re.search(r'name="seen" value="([^"]+)"', asked.content.decode())[1])
    as_agent.post(there, {"seen": seen})

    assert stage_of(sandbox, 4) == "new"


@pytest.mark.parametrize("place", ["//evil.example/", "/w/other/", "https://evil.example/w/acme/"])
def test_the_way_back_leads_nowhere_else(place, clashed, as_agent):
    there = links(page_of(as_agent, clashed))[0].partition("?")[0]

    answer = as_agent.post(f"{there}?next={place}", {"pipeline_stage": "qualified"})

    assert answer["Location"] == "/w/acme/outbox/"


def test_where_nothing_is_to_be_decided_nothing_is_offered(
    leads, as_agent, agent, viewer, client_of
):
    batch = run(prepared(agent, leads, "stage", "qualified"), agent)
    assert b'id="again"' not in as_agent.get(f"/w/acme/batches/{batch.pk}/").content
    said = as_agent.post(f"/w/acme/batches/{batch.pk}/again/", follow=True)
    assert "Nothing is left to be decided here." in said.content.decode()
    assert Batch.objects.count() == 1


def test_a_viewer_only_reads_it(clashed, viewer, client_of):
    html = page_of(client_of(viewer), clashed)
    assert links(html) == []
    assert 'id="again"' not in html
    assert "Somebody changed this record meanwhile" in html
