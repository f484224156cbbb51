"""Writes are forgotten with their entries in the log, never before they are settled."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Min

from portal.outbox.models import Write
from portal.outbox.store import OPEN
from portal.team.models import Workspace


def oldest_open(workspace: Workspace) -> datetime | None:
    """When the oldest write that is not settled was written down, None if all are."""
    rows = Write.objects.filter(workspace=workspace, status__in=OPEN)
    found: datetime | None = rows.aggregate(at=Min("entry__at"))["at"]
    return found


def forget(entry_ids: Sequence[int]) -> None:
    """Forget the writes of these entries."""
    Write.objects.filter(entry_id__in=entry_ids).delete()
