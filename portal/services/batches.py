"""What people do with batches: start, pause, resume, cancel, take back."""

from collections.abc import Iterator
from itertools import batched

from django.db.models import Exists, OuterRef

from portal.audit import log
from portal.batches import store
from portal.batches.models import Batch, BatchRow
from portal.errors import PortalError
from portal.outbox.models import Write
from portal.services.batch_runs import follow_all, follow_writes, run
from portal.services.batch_time import Estimate, estimate, seconds_left
from portal.services.errors import CannotUndo
from portal.services.undo import Inverse, inverses
from portal.team.models import Membership
from portal.texts import gettext_noop

__all__ = [
    "WORKED_ON",
    "Estimate",
    "NothingToTakeBack",
    "cancel",
    "estimate",
    "follow_all",
    "follow_writes",
    "left_to_undo",
    "pause",
    "resume",
    "run",
    "seconds_left",
    "start",
    "undo",
]

CANNOT_BE_TAKEN_BACK = gettext_noop("This cannot be taken back.")
WORKED_ON = gettext_noop(
    "It was changed since it was made: it is left. Delete it by itself if it shall go."
)
# Rows whose inverses are looked up together.
_AT_ONCE = 200


class NothingToTakeBack(PortalError):
    """No row of the batch was done, or none that can be taken back."""

    message = gettext_noop("Nothing of this can be taken back.")
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


def left_to_undo(batch: Batch) -> int:
    """How many of its rows were done and not taken back: by no batch, and by nobody singly."""
    taken_back = Write.objects.filter(undoes=OuterRef("write_id"))
    done = BatchRow.objects.filter(batch=batch, status=store.DONE, write__isnull=False)
    return done.filter(~Exists(taken_back.exclude(status=Write.Status.REFUSED))).count()


def _inverses(batch: Batch) -> Iterator[BatchRow]:
    for rows in batched(store.each_done(batch), _AT_ONCE):
        writes = [row.write for row in rows if row.write is not None]
        told = {write.pk: one for write, one in zip(writes, inverses(writes), strict=True)}
        yield from (_inverse(batch, row, told.get(row.write_id or 0)) for row in rows)


def _inverse(batch: Batch, row: BatchRow, told: Inverse | CannotUndo | None) -> BatchRow:
    """The row that takes another one back, or that is left out with the reason."""
    inverse = BatchRow(
        action=row.action or batch.action,
        connection_id=row.connection_id or batch.connection_id,
        upstream_id=row.upstream_id,
        title=row.title,
        cells={"undoes": row.write_id},
    )
    if not isinstance(told, Inverse):
        inverse.status = store.SKIPPED
        inverse.reason = told.message if told else CANNOT_BE_TAKEN_BACK
        return inverse
    ask = told.ask
    inverse.action, inverse.before, inverse.changes = ask.action, ask.before, ask.changes
    inverse.upstream_id = ask.subject.upstream_id if ask.subject else ""
    if told.spoils:
        # Of one record a page tells what would be lost; nobody reads that of hundreds.
        inverse.status, inverse.reason = store.SKIPPED, WORKED_ON
    return inverse
