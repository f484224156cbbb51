"""Exports: who took what out, one at a time for each person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.audit import log
from portal.audit.models import Entry
from portal.batches.models import Batch
from portal.errors import PortalError
from portal.records import Kind
from portal.team.models import Membership, User
from portal.texts import gettext_noop

LONGEST = timedelta(minutes=10)
"""An export that has not ended by then was killed with its process."""


class OneAtATime(PortalError):
    """The same person's last export has not ended."""

    message = gettext_noop(
        "Your last export is still running. Wait until it has ended, then try again."
    )
    http_status = 409


def begin(kind: Kind, *, actor: Membership, what: Mapping[str, Any]) -> Entry:
    """
    Write down that this member takes records out; `what` tells how many, which, how written.

    The entry is open as long as the export runs: end it by `end`. Raises `NotAllowed`,
    `OneAtATime`.
    """
    actor.require(Membership.Role.AGENT)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=actor.user_id)
        running = Entry.objects.filter(
            actor=user,
            action__endswith=".export",
            outcome=Entry.Outcome.PENDING,
            at__gt=timezone.now() - LONGEST,
        )
        if running.exists():
            raise OneAtATime(user.pk)
        return log.open_entry(
            actor.workspace, f"{kind.value}.export", actor=user, subject_kind=kind.value, after=what
        )


def rejects(batch: Batch, *, actor: Membership) -> None:
    """
    Write down that this member takes out the rows of a batch that were not done: they are
    somebody's data, too. Raises `NotAllowed`.
    """
    actor.require(Membership.Role.AGENT)
    log.record(
        actor.workspace, "rejects.export", actor=actor.user, subject=batch.title, batch=batch
    )


def end(entry: Entry, *, rows: int, whole: bool) -> None:
    """The last row was handed over, or the person went away before it."""
    if whole:
        log.end(entry, Entry.Outcome.DONE)
    else:
        log.end(entry, Entry.Outcome.DONE, reason=f"Stopped after {rows} rows.")
