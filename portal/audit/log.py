"""Entries of the audit log: opened before an attempt, ended once."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from portal.audit.models import Entry
from portal.team.models import User, Workspace


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
    return Entry.objects.create(
        workspace=workspace,
        actor=actor,
        action=action,
        subject=subject[:200],
        subject_kind=subject_kind,
        subject_id=subject_id,
        before=dict(before or {}),
        after=dict(after or {}),
        batch=batch,
    )


def end(entry: Entry, outcome: str, *, reason: str = "", subject_id: int | None = None) -> None:
    """How it ended. An entry that ended stays as it is."""
    changes: dict[str, Any] = {
        "outcome": outcome,
        "reason": reason[:500],
        "ended_at": timezone.now(),
    }
    if subject_id is not None:
        changes["subject_id"] = subject_id
    Entry.objects.filter(
        pk=entry.pk, outcome__in=[Entry.Outcome.PENDING, Entry.Outcome.UNKNOWN]
    ).update(**changes)


def record(
    workspace: Workspace, action: str, *, actor: User | None, subject: str = "", **what: Any
) -> None:
    """Something that is done already (a sign-in, a key replaced)."""
    entry = open_entry(workspace, action, actor=actor, subject=subject, **what)
    end(entry, Entry.Outcome.DONE)


def entries(workspace: Workspace) -> QuerySet[Entry]:
    """The workspace's log, newest first."""
    return Entry.objects.filter(workspace=workspace).select_related("actor").order_by("-at", "-id")
