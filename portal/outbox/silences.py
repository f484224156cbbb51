"""
Writes whose handler fell silent: its lease ran out, because it was killed or sleeps.

It may have been sent, so it is never simply queued again. Who ends whoever handles it, again
and again, is left alone (reliability C29).
"""

from typing import Any

from django.db.models import F
from django.utils import timezone

from portal.outbox.models import Write
from portal.outbox.store import settle_time

MOST = 3


def silent() -> list[Write]:
    """Writes whose sender's lease ran out. A look-up that fell silent is free again."""
    over = Write.objects.filter(lease_until__lt=timezone.now())
    for looked in over.filter(status=Write.Status.UNKNOWN):
        mine = over.filter(pk=looked.pk, attempt=looked.attempt)
        mine.update(lease_until=None, evidence=_once_more(looked))
    rows = over.filter(status=Write.Status.IN_FLIGHT)
    return list(rows.select_related("entry").order_by("id"))


def _once_more(write: Write) -> dict[str, Any]:
    """Its evidence, in which is counted how often who handled it fell silent."""
    return {**write.evidence, "silent": write.evidence.get("silent", 0) + 1}


def kills(write: Write) -> bool:
    """Whether who handles it falls silent again and again: then it is left alone (C29)."""
    return bool(write.evidence.get("silent", 0) >= MOST)


def doubt(write: Write) -> bool:
    """
    It may have been sent, up to the end of its lease: unknown, to be looked up when that is
    long enough ago. False if its sender settled it meanwhile.
    """
    mine = Write.objects.filter(
        pk=write.pk, attempt=write.attempt, status=Write.Status.IN_FLIGHT
    ).filter(lease_until__lt=timezone.now())
    return bool(
        mine.update(
            status=Write.Status.UNKNOWN,
            not_before=F("lease_until") + settle_time(),
            lease_until=None,
            reason="silent",
            evidence=_once_more(write),
        )
    )
