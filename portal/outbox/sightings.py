"""Whether what is seen at a service may be the work of a write of ours."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from portal.outbox.models import Write

NEWEST = 100
# It may have arrived, or is about to.
_MAY_HAVE = (Write.Status.IN_FLIGHT, Write.Status.UNKNOWN, Write.Status.UNDECIDED)


def lately(
    connection_id: int, kind: str, upstream_ids: Sequence[str], *, since: datetime
) -> list[tuple[str, Mapping[str, Any]]]:
    """What writes of these records that were sent since then, or may be there, set."""
    rows = Write.objects.filter(
        Q(status__in=_MAY_HAVE) | Q(status=Write.Status.SENT, settled_at__gte=since),
        connection_id=connection_id,
        kind=kind,
        upstream_id__in=upstream_ids,
    )
    return list(rows.values_list("upstream_id", "changes"))


def deleted(connection_id: int, kind: str, upstream_ids: Sequence[str]) -> set[str]:
    """Those of these records that a write of ours deleted, or may have."""
    rows = Write.objects.filter(
        connection_id=connection_id,
        kind=kind,
        upstream_id__in=upstream_ids,
        action__endswith=".delete",
    )
    rows = rows.exclude(status__in=[Write.Status.REFUSED, Write.Status.QUEUED])
    return set(rows.values_list("upstream_id", flat=True))


def said(connection_id: int, upstream_id: str) -> list[str]:
    """The words of the newest messages that were written here into this conversation."""
    rows = Write.objects.filter(
        connection_id=connection_id,
        kind="conversations",
        upstream_id=upstream_id,
        action__startswith="message.",
    )
    newest = rows.order_by("-id").values_list("changes", flat=True)[:NEWEST]
    return [str(changes.get("text", "")) for changes in newest]
