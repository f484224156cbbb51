"""The log as it is kept: its old end is forgotten."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.audit import retention
from portal.outbox import forgetting
from portal.team.models import Workspace


def forget_old() -> int:
    """
    Forget what is older than the log is kept, in every workspace; return how many entries.

    A write that is not settled keeps its entry, and all that came after it.
    """
    before = timezone.now() - timedelta(days=settings.AUDIT_KEEP_DAYS)
    return sum(_forget(workspace, before) for workspace in Workspace.objects.order_by("pk"))


def _forget(workspace: Workspace, before: datetime) -> int:
    before = min(before, forgetting.oldest_open(workspace) or before)
    total = 0
    while ids := retention.oldest(workspace, before):
        with transaction.atomic():
            forgetting.forget(ids)
            total += retention.forget(workspace, before)
    return total
