"""Wakes what is due. The truth is in our own rows: a lost job only means a minute more."""

import logging

from django.tasks import task
from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task

from portal.services.sync import sync_connection
from portal.services.writes import send_due
from portal.vault import store as vault

log = logging.getLogger(__name__)


@task
def sync_one(connection_id: int) -> None:
    """One pass over one connection; nothing if it is gone or a pass is under way."""
    connection = vault.by_id(connection_id)
    if connection is None:
        return
    for report in sync_connection(connection):
        if report.error:
            log.warning("sync of connection %s: %s", connection_id, report.error)


def sync_soon(connection_id: int) -> None:
    """Have a worker sync this connection now, once the transaction around us is committed."""
    sync_one.enqueue(connection_id)


@db_periodic_task(crontab(minute="*"))  # type: ignore[untyped-decorator, no-untyped-call]
def every_minute() -> None:
    """Each connection that works is synced; what waits in the outbox is sent."""
    wake_all()


def wake_all() -> None:
    """Look for what is due now, without waiting for the minute."""
    for connection_id in vault.working_ids():
        sync_one.enqueue(connection_id)
    send_due()
