"""
After a backup was restored nothing may be done a second time: what waited in it may have been
sent since (reliability C24).
"""

from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from portal.batches.models import Batch
from portal.outbox import doubts
from portal.team.models import Workspace
from portal.texts import gettext_noop

BATCH_REASON = gettext_noop(
    "A backup was restored while this was under way: see what was done, and start anew."
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restored copy held: writes now in doubt, batches ended, workspaces held."""

    writes: int
    batches: int
    workspaces: int


def open_safely(reason: str) -> Restored:
    """
    Hold every workspace's outbox until an admin releases it. What was queued or in flight is
    in doubt and looked up first; what ran row by row ends, for its next rows may be done;
    everybody signs in again.
    """
    with transaction.atomic(durable=True):
        writes = doubts.doubt_all(reason)
        running = Batch.objects.filter(status__in=[Batch.Status.RUNNING, Batch.Status.PAUSED])
        batches = running.update(
            status=Batch.Status.CANCELLED,
            reason=BATCH_REASON,
            finished_at=timezone.now(),
            lease_until=None,
        )
        Session.objects.all().delete()
    return Restored(writes, batches, Workspace.objects.count())
