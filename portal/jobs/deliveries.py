"""Webhook deliveries without a browser: applied when they come, and by the minute's sweep."""

import logging
import threading
import time
from datetime import timedelta

from django.tasks import task
from django.utils import timezone
from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task

from portal.deliveries import store
from portal.jobs.sync import sync_soon
from portal.services.applying import apply_due
from portal.services.silence import ask_for_checks
from portal.vault import store as vault

log = logging.getLogger(__name__)

# A burst is one job, not a hundred: jobs take all that waits.
PAUSE_SECONDS = 0.5


@task
def apply_deliveries(connection_id: int) -> None:
    """Apply what waits for one connection; nothing if it is gone or somebody is at it."""
    connection = vault.by_id(connection_id)
    if connection is not None and apply_due(connection).sync_wanted:
        sync_soon(connection_id)


_lock = threading.Lock()
# By connection: when its last job was made, and when the last one put off will start.
_woken: dict[int, float] = {}
_put_off_until: dict[int, float] = {}


def apply_soon(connection_id: int) -> None:
    """
    Have a worker apply what has just been stored for a connection.

    Within the pause after a job was made, one more is made for its end, so that nothing
    waits for the sweep; the ones between need none.
    """
    with _lock:
        now = time.monotonic()
        wake = now - _woken.get(connection_id, -PAUSE_SECONDS) >= PAUSE_SECONDS
        if wake:
            _woken[connection_id] = now
        elif _put_off_until.get(connection_id, 0.0) > now:
            return
        else:
            _put_off_until[connection_id] = now + PAUSE_SECONDS
    job = apply_deliveries
    if not wake:
        job = job.using(run_after=timezone.now() + timedelta(seconds=PAUSE_SECONDS))
    try:
        job.enqueue(connection_id)
    except Exception:
        # It is stored: the sweep finds it. Who sent it must not hear of our queue.
        log.exception("no job could be made for deliveries of connection %s", connection_id)


@db_periodic_task(crontab(minute="*"))  # type: ignore[untyped-decorator, no-untyped-call]
def sweep() -> None:
    """Wake what is due, whoever lost it; see whether webhooks that should come do come."""
    wake_all()
    for connection_id in ask_for_checks():
        sync_soon(connection_id)


def wake_all() -> None:
    """A job for every connection that has deliveries to apply now."""
    for connection_id in store.connections_due():
        apply_deliveries.enqueue(connection_id)


@db_periodic_task(crontab(hour="3", minute="17"))  # type: ignore[untyped-decorator, no-untyped-call]
def forget_old() -> None:
    """Bodies after 30 days, rows after 180."""
    store.prune()
