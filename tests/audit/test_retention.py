"""The log is kept as long as the setting says, and what waits for a decision is kept longer."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.audit import log
from portal.audit.models import Chain, Entry, Link
from portal.audit.verify import verify
from portal.models import Lead, Write
from portal.services.audit import forget_old
from portal.services.leads import update_lead


@pytest.fixture
def changes(sandbox, nexadesk, synced, agent):
    """Three changes of a lead, each with its write."""
    sandbox.add_lead(visitor_name="Ada", pipeline_stage="0")
    synced(nexadesk)
    lead = Lead.objects.select_related("connection", "workspace").get()
    return [
        update_lead(
            lead,
            {"pipeline_stage": str(n + 1)},
            before={"pipeline_stage": str(n)},
            actor=agent,
            form_id=f"form-{n}",
        ).write
        for n in range(3)
    ]


def written_long_ago(days, writes):
    """As if they had been written down then; the chain is made of what was written."""
    from importlib import import_module

    from django.apps import apps

    at = timezone.now() - timedelta(days=days)
    for entry in Entry.objects.filter(pk__lte=writes[-1].entry_id):
        Entry.objects.filter(pk=entry.pk).update(at=at + timedelta(seconds=entry.pk))
    Link.objects.all().delete()
    Chain.objects.all().delete()
    import_module("portal.migrations.0006_audit_chain").make_chains(apps, None)


def test_old_entries_go_with_their_writes(changes, workspace):
    young = log.record(workspace, "session.start", actor=None)
    written_long_ago(731, changes[:2])

    assert forget_old() == 3, "the two changes, and the connection that was added before"

    assert list(Write.objects.values_list("pk", flat=True)) == [changes[2].pk]
    assert list(Entry.objects.order_by("pk").values_list("pk", flat=True)) == [
        changes[2].entry_id,
        young.pk,
    ]
    assert verify(workspace).entries == 2
    assert forget_old() == 0


def test_as_long_as_the_setting_says(changes, settings):
    written_long_ago(20, changes[:2])
    assert forget_old() == 0

    settings.AUDIT_KEEP_DAYS = 10
    assert forget_old() == 3


def test_what_is_not_settled_stays_with_all_after_it(changes, workspace):
    written_long_ago(900, changes)
    Write.objects.filter(pk=changes[1].pk).update(status="undecided")

    assert forget_old() == 2
    assert Write.objects.count() == 2
    assert verify(workspace).entries == 2


def test_thousands_go_in_one_night(workspace):
    for _ in range(8):
        log.note(workspace.pk, [log.Note("lead.outside", "x", "leads", n) for n in range(150)])
    entries = [log.record(workspace, "session.start", actor=None) for _ in range(520)]
    Entry.objects.update(at=timezone.now() - timedelta(days=800))

    assert forget_old() == 1200 + len(entries)
    assert Entry.objects.count() == 0
    assert verify(workspace).entries == 0
