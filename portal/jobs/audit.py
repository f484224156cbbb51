"""The log's nightly work."""

import logging

from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task

from portal.services.audit import forget_old

log = logging.getLogger(__name__)


@db_periodic_task(crontab(hour="3", minute="37"))  # type: ignore[untyped-decorator, no-untyped-call]
def forget_old_entries() -> None:
    """What is older than AUDIT_KEEP_DAYS."""
    if number := forget_old():
        log.info("%d entries of the log were older than it is kept", number)
