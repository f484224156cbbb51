"""A write that a person takes back before it is sent, or after it was not accepted."""

from django.db import transaction

from portal.audit import log
from portal.audit.models import Entry
from portal.outbox import decisions
from portal.outbox.models import Write
from portal.services.keeping import write_moved


def take_back(write: Write) -> None:
    """
    Not to be sent any more. Raises `MovedOn` if it is being sent or was sent already.

    The log says "taken back" only where nothing can have arrived: one that nobody confirmed
    stays "not confirmed" there.
    """
    may_have_arrived = write.status == Write.Status.UNDECIDED
    with transaction.atomic():
        decisions.withdraw(write)
        if may_have_arrived:
            log.doubt(write.entry, "")
        else:
            log.end(write.entry, Entry.Outcome.WITHDRAWN)
        write_moved(write)
