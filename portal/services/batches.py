"""What people do with batches: start, pause, resume, cancel, take back."""

from collections.abc import Iterator

from portal.audit import log
from portal.batches import store
from portal.batches.models import Batch, BatchRow
from portal.errors import PortalError
from portal.services.batch_runs import follow_all, follow_writes, run
from portal.services.batch_time import Estimate, estimate, seconds_left
from portal.team.models import Membership

__all__ = [
    "Estimate",
    "NothingToTakeBack",
    "cancel",
    "estimate",
    "follow_all",
    "follow_writes",
    "pause",
    "resume",
    "run",
    "seconds_left",
    "start",
    "undo",
]

CANNOT_BE_TAKEN_BACK = "This cannot be taken back."


class NothingToTakeBack(PortalError):
    """No row of the batch was done, or none that can be taken back."""

    message = "Nothing of this can be taken back."
    http_status = 409


def start(batch: Batch, *, actor: Membership) -> bool:
    """Begin what was confirmed; False if it was begun already. The door wakes the worker."""
    actor.require(Membership.Role.AGENT)
    return _told(batch, "batch.start", actor, store.start(batch))


def pause(batch: Batch, *, actor: Membership) -> bool:
    """Stand still between two rows."""
    actor.require(Membership.Role.AGENT)
    return _told(batch, "batch.pause", actor, store.pause(batch))


def resume(batch: Batch, *, actor: Membership) -> bool:
    """Go on; from now on the rows are written in this member's name."""
    actor.require(Membership.Role.AGENT)
    return _told(batch, "batch.resume", actor, store.resume(batch, actor.user))


def cancel(batch: Batch, *, actor: Membership) -> bool:
    """End it between two rows; what was done stays done. A draft is forgotten."""
    actor.require(Membership.Role.AGENT)
    if batch.status == Batch.Status.DRAFT and store.discard(batch):
        return True
    return _told(batch, "batch.cancel", actor, store.cancel(batch))


def _told(batch: Batch, action: str, actor: Membership, changed: bool) -> bool:
    if changed:
        log.record(actor.workspace, action, actor=actor.user, subject=batch.title, batch=batch)
    return changed


def undo(batch: Batch, *, actor: Membership, form_id: str, title: str) -> Batch:
    """
    A draft that takes back every row that was done, the last one first. What cannot be taken
    back stands in it as left out, with the reason.

    Raises `NothingToTakeBack` if no row was done.
    """
    actor.require(Membership.Role.AGENT)
    if not store.counts(batch).done:
        raise NothingToTakeBack(batch.pk)
    return store.create(
        actor.workspace,
        kind=Batch.Kind.UNDO,
        action=batch.action,
        connection=batch.connection,
        actor=actor.user,
        form_id=form_id,
        title=title,
        rows=_inverses(batch),
        undoes=batch,
    )


def _inverses(batch: Batch) -> Iterator[BatchRow]:
    for row in store.each_done(batch):
        yield _inverse(batch, row)


def _inverse(batch: Batch, row: BatchRow) -> BatchRow:
    """The row that brings the fields back to what they were before."""
    action = row.action or batch.action
    inverse = BatchRow(
        action=action,
        connection_id=row.connection_id or batch.connection_id,
        upstream_id=row.upstream_id,
        title=row.title,
        before=dict(row.changes),
        changes={name: row.before.get(name) for name in row.changes},
        cells={"undoes": row.write_id},
    )
    if not row.upstream_id or not row.changes:
        inverse.status, inverse.reason = store.SKIPPED, CANNOT_BE_TAKEN_BACK
    return inverse
