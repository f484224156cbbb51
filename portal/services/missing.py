"""The question to an admin about records that a check did not find, and when it is settled."""

from django.db import transaction

from portal.mirror import gone, progress
from portal.mirror.models import SyncState
from portal.mirror.store import Source
from portal.records import Kind


def count_speaks_against(state: SyncState, source: Source, kind: Kind) -> bool:
    """
    Whether the provider counts more than would be left without the missing ones. A few more may
    be new ones that did not come here yet.
    """
    absent = gone.missing(source, kind, state).count()
    left = gone.live(source, kind) - absent
    new = min(max(5, left // 20), max(0, absent - 1) // 2)
    return state.told_total is not None and state.told_total > left + new


def withdraw_if_back(state: SyncState, source: Source, kind: Kind, *, shown: bool) -> None:
    """
    After a pass: nobody is asked any more about records that the service lists again, be it
    that the pass was `shown` one of them or that the count tells. What is left of them the next
    check finds. A count that is as odd as it was when the question was put tells nothing.
    """
    asked, told = state.check_notes.get("told"), state.told_total
    grown = asked is not None and told is not None and told > asked
    if state.missing and (shown or (grown and count_speaks_against(state, source, kind))):
        withdraw(state)


def withdraw(state: SyncState) -> None:
    """Ask no longer, take nothing away, and check anew before long."""
    ours = SyncState.objects.filter(
        pk=state.pk, check_started_at=state.check_started_at, missing__gt=0
    )
    with transaction.atomic():
        # An admin may have decided meanwhile.
        if ours.update(missing=0, check_started_at=None):
            gone.forget(state)
            progress.want_check(state)
    state.missing, state.check_started_at = 0, None
