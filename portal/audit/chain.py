"""
What is written in the log is chained: each step seals all before it, one chain a workspace.

A digest is the SHA-256 over the canonical JSON of what was written and the digest before it.
Who changes, removes, adds or moves an entry later breaks the chain from there on; who makes
a new chain cannot make the last digest that was kept elsewhere (`manage.py verify_audit`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from portal.audit.models import Chain, Entry, Link
from portal.team.holding import hold

OPENED, ENDED, NOTED = Link.What.OPENED, Link.What.ENDED, Link.What.NOTED


def begin(workspace_id: int) -> None:
    """
    Before an entry is made, in its transaction: entries are made one after the other, so that
    their ids rise along the chain.
    """
    hold(workspace_id)


def opened(entry: Entry) -> None:
    """An attempt was written down."""
    _append(entry.workspace_id, OPENED, [entry.pk], images=[image(entry)])


def ended(entry: Entry, told: Mapping[str, Any]) -> None:
    """How an attempt ended: `told` is `ending` of it."""
    _append(entry.workspace_id, ENDED, [entry.pk], told=told)


def noted(entries: Sequence[Entry]) -> None:
    """Entries of one workspace that were done when they were written, all in one link."""
    images = [image(entry) | ending(entry) for entry in entries]
    _append(entries[0].workspace_id, NOTED, [entry.pk for entry in entries], images=images)


def image(entry: Any) -> dict[str, Any]:
    """What an entry says from the moment it is opened."""
    return {
        "id": entry.pk,
        "actor": entry.actor_id,
        "action": entry.action,
        "subject": entry.subject,
        "kind": entry.subject_kind,
        "record": entry.subject_id,
        "before": entry.before,
        "after": entry.after,
        "batch": entry.batch_id,
        "at": moment(entry.at),
    }


def ending(entry: Any) -> dict[str, Any]:
    """What an entry says once it ended."""
    return {
        "outcome": str(entry.outcome),
        "reason": entry.reason,
        "ended_at": moment(entry.ended_at),
        "record": entry.subject_id,
    }


def moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else ""


def digest_of(link: Any, images: Sequence[Mapping[str, Any]]) -> str:
    """The digest of a link over these images of its entries and all before it."""
    told = [
        link.workspace_id,
        link.number,
        str(link.what),
        link.first,
        link.last,
        link.told,
        [sorted(image.items()) for image in images],
        link.previous,
    ]
    return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()


def _append(
    workspace_id: int,
    what: str,
    ids: Sequence[int],
    *,
    images: Sequence[Mapping[str, Any]] = (),
    told: Mapping[str, Any] | None = None,
) -> None:
    """The next link, and the chain's end moved to it. In the caller's transaction."""
    hold(workspace_id)
    rows = Chain.objects.select_for_update()
    chain, _made = rows.get_or_create(workspace_id=workspace_id)
    link = Link(
        workspace_id=workspace_id,
        number=chain.number + 1,
        what=what,
        first=min(ids),
        last=max(ids),
        told=told,
        previous=chain.digest,
    )
    link.digest = digest_of(link, images)
    link.save(force_insert=True)
    Chain.objects.filter(pk=chain.pk).update(number=link.number, digest=link.digest)
