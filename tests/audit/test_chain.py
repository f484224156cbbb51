"""The log cannot be changed past the portal without the chain telling."""

import json
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db import connections as databases
from django.utils import timezone

from portal.audit import log, retention
from portal.audit.log import Note
from portal.audit.models import Chain, Entry, Link
from portal.audit.verify import Broken, verify
from portal.models import Workspace

OUTCOME = Entry.Outcome


def write_down(workspace, number, actor=None, outcome=OUTCOME.DONE):
    entry = log.open_entry(
        workspace,
        "lead.update",
        actor=actor.user if actor else None,
        subject=f"Lead {number}",
        subject_kind="leads",
        subject_id=number,
        before={"stage": "new", "amount": 12.5},
        after={"stage": "won", "tags": ["a", "\ud800", "\x00"]},
    )
    log.end(entry, outcome, reason="said so")
    return entry


@pytest.fixture
def story(workspace, agent):
    """Ten changes by a person, one of them refused, a sign-in, and three changes elsewhere."""
    entries = [write_down(workspace, number, agent) for number in range(9)]
    entries.append(write_down(workspace, 9, agent, OUTCOME.REFUSED))
    entries.append(log.record(workspace, "session.start", actor=agent.user, subject="x"))
    notes = [Note("lead.outside", f"Lead {n}", "leads", n, {"a": 1}, {"a": 2}) for n in range(3)]
    log.note(workspace.pk, notes)
    return entries


def where(workspace):
    with pytest.raises(Broken) as broken:
        verify(workspace)
    return broken.value.entry, broken.value.message


def test_a_log_that_nobody_touched_is_whole(workspace, story):
    found = verify(workspace)

    assert (found.entries, found.number) == (14, 22)
    assert len(found.digest) == 64


def test_an_empty_log_is_whole(workspace):
    assert verify(workspace).entries == 0


@pytest.mark.parametrize(
    "lie",
    [
        {"after": {"stage": "lost"}},
        {"before": {}},
        {"subject": "Somebody else"},
        {"action": "lead.delete"},
        {"actor_id": None},
        {"actor_id": 999_999},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"subject_id": 77},
        {"outcome": "refused"},
        {"reason": "nothing to see"},
        {"batch_id": 12},
        {"ended_at": None},
    ],
    ids=lambda lie: next(iter(lie)),
)
@pytest.mark.parametrize("which", [3, 10, 12], ids=["a change", "a sign-in", "elsewhere"])
def test_an_entry_that_was_changed_is_named(lie, which, workspace, story):
    entry = Entry.objects.order_by("pk")[which]
    if all(getattr(entry, name) == value for name, value in lie.items()):
        lie = {"reason": "another lie"}
    Entry.objects.filter(pk=entry.pk).update(**lie)

    found, message = where(workspace)

    first_of_link = Entry.objects.order_by("pk")[11].pk if which == 12 else entry.pk
    assert found == first_of_link
    assert "changed" in message


@pytest.mark.parametrize("which", [0, 5, 9, 10, 11, 13])
def test_an_entry_that_was_removed_is_named(which, workspace, story):
    entry = Entry.objects.order_by("pk")[which]
    Entry.objects.filter(pk=entry.pk).delete()

    found, message = where(workspace)

    assert found == entry.pk
    assert "removed" in message


def test_one_removed_from_among_changes_elsewhere_is_found(workspace, story):
    Entry.objects.filter(pk=Entry.objects.order_by("pk")[12].pk).delete()

    assert where(workspace)[0] == Entry.objects.order_by("pk")[11].pk


def test_an_entry_with_its_links_removed_is_found(workspace, story):
    Link.objects.filter(last=story[4].pk).delete()
    Entry.objects.filter(pk=story[4].pk).delete()

    assert where(workspace) == (
        story[5].pk,
        "A link of the chain is missing before this entry.",
    )


@pytest.mark.parametrize("place", ["before", "within", "after"])
def test_an_entry_that_was_added_is_named(place, workspace, story):
    last = story[-1].pk
    pk = {"before": -7, "within": None, "after": last + 1_000}[place]
    if pk is None:
        # A hole in the ids, as a transaction that failed leaves one.
        write_down(workspace, 20)
        hole = Entry.objects.order_by("-pk").first().pk + 1
        later = Entry.objects.create(workspace=workspace, action="x", pk=hole + 1)
        Entry.objects.filter(pk=later.pk).delete()
        if database.vendor == "postgresql":
            with database.cursor() as cursor:
                cursor.execute("SELECT setval('portal_entry_id_seq', %s)", [hole])
        else:
            with database.cursor() as cursor:
                cursor.execute(
                    "UPDATE sqlite_sequence SET seq = %s WHERE name = 'portal_entry'", [hole]
                )
        write_down(workspace, 21)
        assert verify(workspace).entries == 16
        pk = hole
    Entry.objects.create(
        pk=pk, workspace=workspace, action="lead.update", outcome="done", ended_at=timezone.now()
    )

    found, message = where(workspace)

    assert found == pk
    assert "added" in message


def test_links_that_changed_places_are_found(workspace, story):
    one, other = Link.objects.order_by("number")[4], Link.objects.order_by("number")[6]
    Link.objects.filter(pk=one.pk).update(number=-1)
    Link.objects.filter(pk=other.pk).update(number=one.number)
    Link.objects.filter(pk=one.pk).update(number=other.number)

    assert where(workspace)[0] == other.first


def test_entries_that_changed_places_are_found(workspace, story):
    mine, theirs = story[2], story[3]
    names = ["subject", "subject_id"]
    Entry.objects.filter(pk=mine.pk).update(**{n: getattr(theirs, n) for n in names})
    Entry.objects.filter(pk=theirs.pk).update(**{n: getattr(mine, n) for n in names})

    assert where(workspace)[0] == mine.pk


def test_an_end_that_was_cut_off_is_found(workspace, story):
    last = Link.objects.order_by("-number").first()
    Entry.objects.filter(pk__gte=last.first).delete()
    last.delete()

    assert where(workspace) == (None, "The end of the chain was cut off.")


def test_a_link_that_was_made_anew_does_not_fit_the_next(workspace, story):
    from portal.audit.chain import digest_of, image

    Entry.objects.filter(pk=story[5].pk).update(subject="A lie")
    link = Link.objects.get(first=story[5].pk, what="opened")
    digest = digest_of(link, [image(Entry.objects.get(pk=story[5].pk))])
    Link.objects.filter(pk=link.pk).update(digest=digest)

    assert where(workspace)[0] == story[5].pk


def test_an_ending_without_its_link_is_found(workspace):
    entry = log.open_entry(workspace, "lead.update", actor=None)
    assert verify(workspace).entries == 1
    Entry.objects.filter(pk=entry.pk).update(outcome="done", ended_at=timezone.now())

    assert where(workspace) == (entry.pk, "How this entry ended was changed.")


def test_what_was_not_confirmed_may_end_again(workspace):
    entry = write_down(workspace, None, outcome=OUTCOME.UNKNOWN)
    log.end(entry, OUTCOME.DONE, subject_id=7)
    log.end(entry, OUTCOME.REFUSED)

    assert Entry.objects.get().outcome == "done"
    assert verify(workspace).number == 3


def test_a_record_that_is_known_only_at_the_end_fits(workspace):
    entry = log.open_entry(workspace, "lead.create", actor=None)
    log.end(entry, OUTCOME.DONE, subject_id=7)

    assert verify(workspace).entries == 1


def test_an_entry_keeps_who_it_was_after_the_person_is_gone(workspace, agent, story):
    agent.user.delete()

    assert Entry.objects.first().actor_id is not None
    assert log.entries(workspace).first() is not None
    assert verify(workspace).entries == 14


def test_other_workspaces_do_not_matter(workspace, story):
    other = Workspace.objects.create(slug="other", name="Other")
    mine = [write_down(other, 1), write_down(workspace, 2), write_down(other, 3)]
    Entry.objects.filter(pk=mine[0].pk).update(subject="A lie")

    assert verify(workspace).entries == 15
    assert where(other)[0] == mine[0].pk


@pytest.mark.django_db(transaction=True)
def test_four_threads_make_one_chain(workspace):
    def write_some():
        for number in range(8):
            write_down(workspace, number)
            log.note(workspace.pk, [Note("lead.outside", "x", "leads", n) for n in range(3)])
        databases.close_all()

    threads = [threading.Thread(target=write_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = verify(workspace)
    assert (found.entries, found.number) == (4 * 8 * 4, 4 * 8 * 3)


class TestCommand:
    def run(self, *arguments):
        out = StringIO()
        call_command("verify_audit", *arguments, stdout=out)
        return out.getvalue()

    def test_says_that_it_is_whole_and_the_last_digest(self, workspace, story):
        said = self.run("acme")

        assert "acme: 14 entries, chain whole" in said
        assert Chain.objects.get().digest in said

    def test_says_it_to_programs(self, workspace, story):
        told = json.loads(self.run("--json"))

        assert (told["workspace"], told["whole"], told["entries"]) == ("acme", True, 14)

    def test_names_the_first_entry_that_is_wrong_and_ends_with_1(self, workspace, story):
        Entry.objects.filter(pk=story[6].pk).update(subject="A lie")
        out = StringIO()
        with pytest.raises(CommandError) as failed:
            call_command("verify_audit", stdout=out)

        assert failed.value.returncode == 1
        assert f"BROKEN at entry {story[6].pk}" in out.getvalue()

    def test_knows_only_workspaces_there_are(self, db):
        with pytest.raises(CommandError, match="no workspace"):
            self.run("nowhere")


class TestRetention:
    def age(self, entries, days):
        """As if they had been written then; the chain is made of what was written."""
        Entry.objects.filter(pk__in=[e.pk for e in entries]).update(
            at=timezone.now() - timedelta(days=days)
        )
        Link.objects.all().delete()
        Chain.objects.all().delete()
        from importlib import import_module

        from django.apps import apps

        import_module("portal.migrations.0006_audit_chain").make_chains(apps, None)

    def test_the_old_end_goes_and_the_chain_holds(self, workspace, story):
        self.age(story[:6], 800)
        before = timezone.now() - timedelta(days=730)

        assert retention.forget(workspace, before) == 6
        assert retention.forget(workspace, before) == 0

        found = verify(workspace)
        assert found.entries == 8
        assert Entry.objects.order_by("pk").first().pk == story[6].pk
        write_down(workspace, 30)
        assert verify(workspace).entries == 9

    def test_after_that_a_lie_is_still_found(self, workspace, story):
        self.age(story[:6], 800)
        retention.forget(workspace, timezone.now() - timedelta(days=730))
        Entry.objects.create(workspace=workspace, action="x", pk=story[2].pk)

        assert where(workspace) == (story[2].pk, "This entry was added past the log.")

    def test_one_that_ended_late_waits_for_what_stands_between(self, workspace):
        entry = log.open_entry(workspace, "lead.update", actor=None)
        young = write_down(workspace, 2)
        log.end(entry, OUTCOME.DONE)
        before = timezone.now() - timedelta(days=730)
        Entry.objects.filter(pk=entry.pk).update(at=before - timedelta(days=9))

        assert retention.oldest(workspace, before) == []
        assert retention.forget(workspace, before) == 0
        assert Entry.objects.filter(pk=young.pk).exists()
