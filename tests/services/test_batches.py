"""A batch changes what it froze, each row once, and tells what became of every one of them."""

import pytest

from portal.batches import store
from portal.batches.models import Batch
from portal.models import Entry, Lead, Write
from portal.records import Kind
from portal.sandbox import Fault
from portal.services import batches, bulk
from portal.services.leads import update_lead
from portal.vault import store as vault


@pytest.fixture
def leads(sandbox, nexadesk, synced):
    """Ten leads of the copy, oldest first; the sandbox's are in step."""
    for number in range(10):
        sandbox.add_lead(id=f"lead-{number}", visitor_name=f"Lead {number}", tags=["retail"])
    synced(nexadesk)
    sandbox.requests.clear()
    return list(Lead.objects.order_by("upstream_id"))


@pytest.fixture
def stage_of(sandbox):
    return lambda: {lead["id"]: lead["pipeline_stage"] for lead in sandbox.leads}


def prepared(actor, leads, verb="stage", value="qualified", **more):
    ids = [lead.pk for lead in leads]
    made = {"form_id": f"{verb}-{value}", "title": f"{verb}: {value}"} | more
    return bulk.prepare(Kind.LEADS, verb, value, ids, actor=actor, **made)


def run_to_the_end(batch, turns=20):
    for _ in range(turns):
        if batches.run(batch.pk) is None:
            break
    batch.refresh_from_db()
    return batch


def test_every_row_is_changed_once_and_logged(leads, agent, sandbox, stage_of):
    batch = prepared(agent, leads)
    assert sandbox.requests.count("PATCH /leads") == 0  # a draft sends nothing

    batches.start(batch, actor=agent)
    run_to_the_end(batch)

    assert batch.status == Batch.Status.DONE
    assert set(stage_of().values()) == {"qualified"}
    assert sandbox.requests.count("PATCH /leads") == 10
    assert store.counts(batch).done == 10
    assert Entry.objects.filter(batch=batch, action="lead.update", outcome="done").count() == 10
    assert {w.lane for w in Write.objects.all()} == {"background"}
