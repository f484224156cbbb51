"""
What people decide about writes, and which ones wait for them.

Every change is fenced: it is made only while the row stands as the person saw it (its status
and its attempt), so that no press of an old page's button does anything.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection as database
from django.db import models
from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from portal.errors import PortalError
from portal.outbox.models import LISTED, LISTED_SQL, WITHDRAWN, Held, Write
from portal.outbox.store import HELD, ORDER
from portal.team.models import Workspace
from portal.texts import gettext_noop

DECIDED = "decided"
_MARKS = f"""
COALESCE((
  SELECT %s(kind || '.' || COALESCE(CAST(
    (SELECT subject_id FROM portal_entry WHERE portal_entry.id = entry_id) AS TEXT
  ), '') || '.' || status, ' ')
  FROM portal_write
  WHERE workspace_id = portal_connection.workspace_id AND connection_id = portal_connection.id
    AND {LISTED_SQL} AND NOT (status = 'in_flight') AND NOT (
      status = 'queued' AND reason = %%s AND not_before IS NOT NULL AND not_before > %%s
    )
), '')
"""  # noqa: S608


class MovedOn(PortalError):
    """The write does not stand any more as it was shown."""

    message = gettext_noop(
        "This has moved on meanwhile, so nothing was done. Look at how it stands now."
    )
    http_status = 409


class HeldBack(MovedOn):
    """The whole workspace sends nothing until an admin releases it."""

    message = gettext_noop("This workspace sends nothing until an admin releases it.")


class Behind(MovedOn):
    """An earlier change of the same record is not settled."""

    message = gettext_noop(
        "An earlier change of the same record goes first; this one follows by itself."
    )


def listed(workspace: Workspace) -> QuerySet[Write]:
    """What waits, is not confirmed, or was refused while nobody looked, newest first."""
    rows = Write.objects.filter(LISTED, workspace=workspace)
    return rows.select_related("actor", "entry", "connection").order_by("-id")


def listed_of(connection_id: int, kind: str, upstream_id: str) -> QuerySet[Write]:
    """The same of one record, newest first."""
    rows = Write.objects.filter(
        LISTED, connection_id=connection_id, kind=kind, upstream_id=upstream_id
    )
    return rows.select_related("actor", "entry").order_by("-id")


def wanted(workspace: Workspace, kind: str, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """
    What the listed writes of these records of ours would change, by our ids: the provider's
    field names with what is to stand there, the latest write's where several name a field.
    """
    found: dict[int, dict[str, Any]] = {}
    rows = Write.objects.filter(LISTED, workspace=workspace, kind=kind)
    rows = rows.filter(entry__subject_id__in=list(ids)).order_by("id")
    for pk, changes in rows.values_list("entry__subject_id", "changes"):
        found.setdefault(int(pk or 0), {}).update(changes)
    return found


def find(workspace: Workspace, write_id: int) -> Write | None:
    """The workspace's write of that id, None for a foreign one as for none."""
    rows = Write.objects.select_related("workspace", "connection", "entry", "actor")
    return rows.filter(workspace=workspace, pk=write_id).first()


def held(workspace: Workspace) -> Held | None:
    """Why this workspace sends nothing, None if it does."""
    return Held.objects.filter(workspace=workspace).first()


def release(workspace: Workspace) -> bool:
    """Let the workspace send again; False if it did already."""
    return Held.objects.filter(workspace=workspace).delete()[0] > 0


def marks_of() -> RawSQL:
    """
    The listed writes of a connection, in one text for an annotation of connections:
    "leads.12.queued contacts..unknown". The middle is our record's id, "" if there is none.
    What is being sent this second, or may still be taken back, is not worth a mark.

    Every page asks, and this is written out because Django takes two milliseconds to say it.
    """
    joined = "GROUP_CONCAT" if database.vendor == "sqlite" else "STRING_AGG"
    now = database.ops.adapt_datetimefield_value(timezone.now())
    return RawSQL(_MARKS % joined, [HELD, now], output_field=models.TextField())  # noqa: S611


def confirm(write: Write) -> None:
    """A person found that it arrived."""
    _move(
        write,
        {Write.Status.UNDECIDED},
        status=Write.Status.SENT,
        reason=DECIDED,
        settled_at=timezone.now(),
    )


def requeue(write: Write, *, actor_id: int, entry_id: int) -> None:
    """
    To be sent once more, as if written now by who wants it so: what arrived in the conversation
    before this decision does not stop it.
    """
    _move(
        write,
        {Write.Status.UNDECIDED, Write.Status.REFUSED},
        status=Write.Status.QUEUED,
        attempt=F("attempt") + 1,
        actor_id=actor_id,
        entry_id=entry_id,
        created_at=timezone.now(),
        reason="",
        said="",
        not_before=None,
        lease_until=None,
        tried_at=None,
        settled_at=None,
        tries=0,
        lookups=0,
        evidence={},
    )


def hurry(write: Write) -> None:
    """Nothing is waited for any more: neither seconds of grace nor the next try's time."""
    reason = ORDER if write.reason == ORDER else ""
    _move(write, {Write.Status.QUEUED}, not_before=None, reason=reason)


def withdraw(write: Write) -> None:
    """It is not sent (any more). Never one that is being sent, or that may still arrive."""
    _move(
        write,
        {Write.Status.QUEUED, Write.Status.UNDECIDED, Write.Status.REFUSED},
        status=Write.Status.REFUSED,
        reason=WITHDRAWN,
        not_before=None,
        settled_at=timezone.now(),
        evidence={**write.evidence, "dismissed": True, "was": f"{write.status} {write.reason}"},
    )


def _move(write: Write, allowed: set[Write.Status], **values: Any) -> None:
    """Raises `MovedOn` if the row is not (any more) as `write` has it, or may not go there."""
    changed = 0
    if write.status in allowed:
        rows = Write.objects.filter(pk=write.pk, status=write.status, attempt=write.attempt)
        changed = rows.update(**values)
    if changed != 1:
        raise MovedOn(write.pk)
    write.refresh_from_db()
