"""The log as a team reads it: newest first, what a batch did as one line, with what undoes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from portal.audit import log
from portal.audit.models import Entry
from portal.mirror import store
from portal.outbox.models import Write
from portal.records import Kind
from portal.team.models import Membership, Workspace

PER_PAGE = 50
# Entries of one query of an export.
_AT_ONCE = 500
OUTSIDE = "outside"
FAMILIES: dict[str, tuple[str, ...]] = {
    "lead": ("lead.",),
    "contact": ("contact.", "user."),
    "conversation": ("conversation.",),
    "message": ("message.",),
    "outbox": ("write.", "outbox."),
    "batch": ("batch.",),
    "export": (
        "leads.export",
        "contacts.export",
        "conversations.export",
        "audit.export",
        "rejects.export",
    ),
    "settings": ("connection.", "webhook.", "sync.", "delivery.", "workspace.", "member."),
    "session": ("session.",),
}
"""Kinds of actions people filter by, and how their names begin."""
BY_NOBODY = 0
"""As a person: what nobody here did."""


@dataclass(frozen=True, slots=True)
class Filter:
    """
    What part of the log is asked for. `person` is a user's id, `BY_NOBODY` or None; `family`
    one of `FAMILIES` or `OUTSIDE`; `record` a kind with our id; `batch` a batch's id.
    """

    person: int | None = None
    family: str = ""
    outcome: str = ""
    since: datetime | None = None
    record: tuple[str, int] | None = None
    batch: int | None = None
    text: str = ""

    @property
    def grouped(self) -> bool:
        """Whether a batch is one line: not where only some of its rows may be asked for."""
        return not (self.family or self.outcome or self.record or self.batch or self.text)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries newest first, and whether there are newer and older ones."""

    entries: list[Entry]
    newer: bool
    older: bool


def page(
    workspace: Workspace, asked: Filter, *, older_than: int | None, newer_than: int | None
) -> Page:
    """One page of the log, each entry with what `_with_more` tells, in one query."""
    rows = _with_more(_grouped(workspace, asked))
    if newer_than is not None:
        found = list(rows.filter(pk__gt=newer_than).order_by("pk")[: PER_PAGE + 1])
    elif older_than is not None:
        found = list(rows.filter(pk__lt=older_than)[: PER_PAGE + 1])
    else:
        found = list(rows[: PER_PAGE + 1])
    more, found = len(found) > PER_PAGE, found[:PER_PAGE]
    if newer_than is not None:
        return Page(found[::-1], newer=more, older=True)
    return Page(found, newer=older_than is not None, older=more)


def one(workspace: Workspace, pk: int) -> Entry | None:
    """One entry of the workspace with all that its page shows, or None."""
    return _with_more(log.entries(workspace)).filter(pk=pk).first()


def of_record(workspace: Workspace, kind: str, pk: int, most: int) -> list[Entry]:
    """The last entries of one record."""
    rows = log.entries(workspace).filter(subject_kind=kind, subject_id=pk)
    return list(_with_more(rows)[:most])


def people(workspace: Workspace) -> list[Any]:
    """The members, to filter by."""
    members = Membership.objects.filter(workspace=workspace).select_related("user")
    return [member.user for member in members.order_by("user__name", "user__email")]


def export(workspace: Workspace, asked: Filter, *, actor: Membership) -> Iterator[Entry]:
    """
    Every entry that is asked for, newest first, read some hundreds at a time; that it was
    exported is in the log itself. Raises `NotAllowed`.
    """
    actor.require(Membership.Role.ADMIN)
    log.record(workspace, "audit.export", actor=actor.user, after=_told(asked))
    return _each(workspace, asked)


def _each(workspace: Workspace, asked: Filter) -> Iterator[Entry]:
    rows = _narrowed(log.entries(workspace), workspace, asked).select_related("batch")
    found = list(rows[:_AT_ONCE])
    while found:
        yield from found
        found = list(rows.filter(pk__lt=found[-1].pk)[:_AT_ONCE])


def _told(asked: Filter) -> dict[str, Any]:
    told = {
        "person": asked.person,
        "family": asked.family,
        "outcome": asked.outcome,
        "since": asked.since.isoformat() if asked.since else "",
        "record": ":".join(map(str, asked.record)) if asked.record else "",
        "batch": asked.batch,
        "text": asked.text,
    }
    return {name: value for name, value in told.items() if value not in ("", None)}


def _grouped(workspace: Workspace, asked: Filter) -> "QuerySet[Entry]":
    """The first entry of a batch, of those that are asked for, stands for all of it."""
    rows = _narrowed(log.entries(workspace), workspace, asked)
    if not asked.grouped:
        return rows
    same = Entry.objects.filter(batch_id=OuterRef("batch_id"), pk__lt=OuterRef("pk"))
    return rows.filter(Q(batch=None) | ~Exists(_narrowed(same, workspace, asked)))


def _narrowed(rows: "QuerySet[Entry]", workspace: Workspace, asked: Filter) -> "QuerySet[Entry]":
    if asked.person is not None:
        rows = rows.filter(actor_id=asked.person or None)
    if asked.outcome:
        rows = rows.filter(outcome=asked.outcome)
    if asked.record is not None:
        rows = rows.filter(subject_kind=asked.record[0], subject_id=asked.record[1])
    if asked.batch is not None:
        rows = rows.filter(batch_id=asked.batch)
    if asked.text:
        rows = rows.filter(subject__icontains=asked.text)
    if asked.since is not None:
        rows = rows.filter(pk__gte=_first_since(workspace, asked.since))
    return rows.filter(_of_family(asked.family)) if asked.family else rows


def _first_since(workspace: Workspace, since: datetime) -> int:
    """The first entry that is no older: ids rise with the time."""
    rows = Entry.objects.filter(workspace=workspace, at__gte=since)
    return rows.order_by("at", "pk").values_list("pk", flat=True).first() or 2**63 - 1


def _of_family(family: str) -> Q:
    elsewhere = Q(action__endswith=".outside") | Q(action__endswith=".gone")
    if family == OUTSIDE:
        return elsewhere
    found = Q()
    for prefix in FAMILIES.get(family, ()):
        found |= Q(action__startswith=prefix)
    return found & ~elsewhere


def _with_more(rows: "QuerySet[Entry]") -> "QuerySet[Entry]":
    """
    With the batch, `write_id`, `undoes_id` and `redoes_id` (what the write it speaks of took
    back, and what that had taken back), `was_undone`, and `is_here`: whether the record can be
    looked at.
    """
    writes = Write.objects.filter(entry_id=OuterRef("pk"))
    taken_back = Write.objects.filter(undoes__entry_id=OuterRef("pk"))
    here: Any = Q()
    for kind in Kind:
        model = store.MODELS[kind]
        copy = model._default_manager.filter(pk=OuterRef("subject_id"), gone_at=None)
        here |= Q(Exists(copy), subject_kind=kind.value)
    return (
        rows.select_related("actor", "batch")
        .annotate(
            write_id=Subquery(writes.values("pk")[:1]),
            undoes_id=Subquery(writes.values("undoes_id")[:1]),
            redoes_id=Subquery(writes.values("undoes__undoes_id")[:1]),
            was_undone=Exists(taken_back.exclude(status=Write.Status.REFUSED)),
            is_here=models.ExpressionWrapper(here, output_field=models.BooleanField()),
        )
        .fetch_mode(models.FETCH_RAISE)
    )
