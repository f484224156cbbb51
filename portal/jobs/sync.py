"""Wakes what is due. The truth is in our own rows: a lost job only means a minute more."""

import logging

from django.tasks import task
from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task

from portal.errors import PortalError
from portal.services.read_ahead import read_ahead
from portal.services.sync import How, sync_connection
from portal.vault import store as vault

log = logging.getLogger(__name__)

# A worker's thread belongs to everybody: a long walk gives it back and goes on later.
IN_TURN = How(seconds=45, patience_seconds=5)


@task
def sync_one(connection_id: int) -> None:
    """
    One pass over one connection; nothing if it is gone or a pass is under way.

    A long walk that made room goes on at once, behind what waits; one that stands for want
    of calls goes on with the next minute.
    """
    connection = vault.by_id(connection_id)
    if connection is None:
        return
    reports = sync_connection(connection, how=IN_TURN)
    for report in reports:
        if report.error and not report.waiting:
            log.warning("sync of connection %s: %s", connection_id, report.error)
    if any(report.waiting for report in reports):
        return
    if any(report.more for report in reports):
        sync_one.enqueue(connection_id)
    elif reports and not any(report.error for report in reports):
        _read_ahead(connection_id)


def sync_soon(connection_id: int) -> None:
    """Have a worker sync this connection now, once the transaction around us is committed."""
    sync_one.enqueue(connection_id)


@db_periodic_task(crontab(minute="*"))  # type: ignore[untyped-decorator, no-untyped-call]
def every_minute() -> None:
    """Each connection that works is synced."""
    wake_all()


def wake_all() -> None:
    """Look for what is due now, without waiting for the minute."""
    for connection_id in vault.working_ids():
        sync_one.enqueue(connection_id)


def _read_ahead(connection_id: int) -> None:
    connection = vault.by_id(connection_id)
    if connection is None:
        return
    try:
        read_ahead(connection)
    except PortalError as error:
        log.warning("reading ahead for connection %s: %s", connection_id, error.message)
