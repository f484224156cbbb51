"""
What becomes of writes whose answer was lost: looked up after the settle time, and decided by
proof alone. An error in a look-up decides nothing.
"""

import time
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from portal.audit import log
from portal.budget.store import Lane
from portal.crash import crash
from portal.errors import PortalError
from portal.outbox import doubts, silences
from portal.outbox import store as outbox
from portal.outbox.models import Write
from portal.providers.errors import NotFound, ProviderError, TryLater
from portal.services.actions import ACTIONS
from portal.services.errors import NotConnected
from portal.services.keeping import write_moved
from portal.services.lookups import Finding, Proof
from portal.services.sending import expire_silent
from portal.services.upstream import connect, source_of
from portal.services.writes import keep_answer, settle_refusal
from portal.texts import gettext_noop

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 15.0, 600.0
# What no waiting mends (a key that may not read, a list of another form) is left to a person.
HOPELESS_AFTER = 5
ENDS_US = gettext_noop(
    "The program ended each of the three times that it handled this, so it is left alone. "
    "Look whether it arrived, then decide."
)


def look_up_due(seconds: float = 45) -> int:
    """Look up the unknown writes whose settle time is over; return how many were."""
    expire_silent()
    until, looked = time.monotonic() + seconds, 0
    down: set[int] = set()
    for write_id in doubts.due():
        if time.monotonic() > until:
            break
        write = doubts.claim(write_id, but_not=down)
        if write is not None:
            looked += 1
            if not look_up(write):
                down.add(write.connection_id)
    return looked


def look_up_one(write_id: int) -> None:
    """Look this write up, if it is unknown and its time has come."""
    expire_silent()
    write = doubts.claim(write_id)
    if write is not None:
        look_up(write)


def look_up(write: Write) -> bool:
    """
    Settle a write that is claimed for a look-up by what is found there. False if the service
    does not answer now.
    """
    action, source = ACTIONS[write.action], source_of(write.connection)
    try:
        if silences.kills(write):
            _leave_to_person(write, {"why": ENDS_US})
            return True
        crash("lookup.claimed")
        with connect(write.connection, Lane(write.lane)) as client:
            finding = action.look(client, source, write)
        crash("lookup.found")
        _conclude(write, finding)
    except NotFound as gone:
        _refuse(write, gone)
    except (ProviderError, NotConnected) as error:
        return _failed(write, error)
    except outbox.LostClaim:
        """Somebody else looks it up by now."""
    return True


def _conclude(write: Write, finding: Finding) -> None:
    if finding.proof is Proof.ARRIVED:
        keep_answer(write, ACTIONS[write.action], finding.answer)
    elif finding.proof is Proof.ABSENT:
        with transaction.atomic():
            outbox.put_off(write, 0, reason="absent")
            write_moved(write)
    else:
        _leave_to_person(write, finding.evidence)


def _leave_to_person(write: Write, evidence: Mapping[str, Any]) -> None:
    with transaction.atomic():
        log.doubt(write.entry, str(evidence.get("why", "")))
        doubts.leave_to_person(write, evidence)
        write_moved(write)


def _refuse(write: Write, error: PortalError) -> None:
    """The record that it was to change is gone: it can never be made."""
    try:
        settle_refusal(write, error)
    except outbox.LostClaim:
        """Somebody else looks it up by now."""


def _failed(write: Write, error: PortalError) -> bool:
    passing = isinstance(error, TryLater | NotConnected)
    try:
        if not passing and write.lookups >= HOPELESS_AFTER:
            _leave_to_person(write, {"why": error.message})
        else:
            doubts.look_again(write, _wait_seconds(write, error), reason=type(error).__name__)
    except outbox.LostClaim:
        """Somebody else looks it up by now."""
    return not passing


def _wait_seconds(write: Write, error: PortalError) -> float:
    told: float | None = getattr(error, "retry_after", None)
    waited = FIRST_WAIT_SECONDS * 2.0 ** min(write.lookups, 10)
    return told or min(waited, LONGEST_WAIT_SECONDS)
