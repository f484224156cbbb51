"""Entries of the audit log: opened before an attempt, ended once, chained in both moments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.audit import chain
from portal.audit.models import Entry
from portal.team.models import User, Workspace

LONGEST_SUBJECT = 200
# Entries of one statement.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened elsewhere to one of our records, to be noted with others."""

    action: str
    subject: str
    subject_kind: str
    subject_id: int
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def open_entry(
    workspace: Workspace,
    action: str,
    *,
    actor: User | None,
    subject: str = "",
    subject_kind: str = "",
    subject_id: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    batch: Any = None,
) -> Entry:
    """Write down that `actor` is about to do `action`, as a part of `batch` if it is one."""
    with transaction.atomic():
        chain.begin(workspace.pk)
        entry = Entry.objects.create(
            workspace=workspace,
            actor=actor,
            action=action,
            subject=subject[:LONGEST_SUBJECT],
            subject_kind=subject_kind,
            subject_id=subject_id,
            before=dict(before or {}),
            after=dict(after or {}),
            batch=batch,
        )
        chain.opened(entry)
    return entry


def end(entry: Entry, outcome: str, *, reason: str = "", subject_id: int | None = None) -> None:
    """How it ended. An entry that ended stays as it is."""
    changes: dict[str, Any] = {
        "outcome": outcome,
        "reason": reason[:500],
        "ended_at": timezone.now(),
    }
    if subject_id is not None:
        changes["subject_id"] = subject_id
    with transaction.atomic():
        chain.begin(entry.workspace_id)
        rows = Entry.objects.filter(pk=entry.pk)
        open_ones = rows.filter(outcome__in=[Entry.Outcome.PENDING, Entry.Outcome.UNKNOWN])
        if open_ones.update(**changes):
            chain.ended(entry, chain.ending(rows.get()))


def doubt(entry: Entry, reason: str) -> None:
    """Nobody knows how it ended. One of which that is said already, or that ended, stays so."""
    if Entry.objects.filter(pk=entry.pk, outcome=Entry.Outcome.PENDING).exists():
        end(entry, Entry.Outcome.UNKNOWN, reason=reason)


def record(
    workspace: Workspace,
    action: str,
    *,
    actor: User | None,
    subject: str = "",
    subject_kind: str = "",
    subject_id: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    batch: Any = None,
) -> Entry:
    """Something that is done already (a sign-in, a key replaced)."""
    now = timezone.now()
    with transaction.atomic():
        chain.begin(workspace.pk)
        entry = Entry.objects.create(
            workspace=workspace,
            actor=actor,
            action=action,
            subject=subject[:LONGEST_SUBJECT],
            subject_kind=subject_kind,
            subject_id=subject_id,
            before=dict(before or {}),
            after=dict(after or {}),
            batch=batch,
            outcome=Entry.Outcome.DONE,
            ended_at=now,
        )
        chain.noted([entry])
    return entry


def note(workspace_id: int, notes: Iterable[Note]) -> None:
    """What happened elsewhere, by nobody we know: all of it in one statement and one link."""
    now = timezone.now()
    entries = [
        Entry(
            workspace_id=workspace_id,
            action=one.action,
            subject=one.subject[:LONGEST_SUBJECT],
            subject_kind=one.subject_kind,
            subject_id=one.subject_id,
            before=dict(one.before),
            after=dict(one.after),
            outcome=Entry.Outcome.DONE,
            ended_at=now,
        )
        for one in notes
    ]
    if not entries:
        return
    with transaction.atomic():
        chain.begin(workspace_id)
        Entry.objects.bulk_create(entries, batch_size=_AT_ONCE)
        chain.noted(entries)


def entries(workspace: Workspace) -> QuerySet[Entry]:
    """The workspace's log, newest first."""
    return Entry.objects.filter(workspace=workspace).select_related("actor").order_by("-id")


def worked_on_since(workspace_id: int, kind: str, since: Mapping[int, int]) -> set[int]:
    """
    Of these records (our id -> the id of an entry) those to which anything was or may have been
    done after that entry, here or elsewhere.
    """
    ended_in_nothing = [Entry.Outcome.REFUSED, Entry.Outcome.WITHDRAWN]
    rows = Entry.objects.filter(
        workspace_id=workspace_id,
        subject_kind=kind,
        subject_id__in=list(since),
        pk__gt=min(since.values(), default=0),
    )
    found = rows.exclude(outcome__in=ended_in_nothing).values_list("subject_id", "pk")
    return {record for record, pk in found if record is not None and pk > since[record]}


def of_record(workspace: Workspace, kind: str, pk: int, most: int = 10) -> list[Entry]:
    """What was done to one record, here and elsewhere, newest first."""
    rows = entries(workspace).filter(subject_kind=kind, subject_id=pk)
    return list(rows.fetch_mode(models.FETCH_RAISE)[:most])
