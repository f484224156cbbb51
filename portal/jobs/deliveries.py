"""Webhook deliveries without a browser: applied when they come, and by the minute's sweep."""

import logging
import threading
import time

from django.tasks import Task, task
from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task

from portal.deliveries import store
from portal.jobs.sync import sync_soon
from portal.services.applying import apply_due
from portal.services.silence import ask_for_checks
from portal.vault import store as vault

log = logging.getLogger(__name__)

# A burst is a few jobs, not hundreds: each takes all that waits.
PAUSE_SECONDS = 0.3


@task
def apply_deliveries(connection_id: int) -> None:
    """Apply what waits for one connection; nothing if it is gone or somebody is at it."""
    connection = vault.by_id(connection_id)
    if connection is not None and apply_due(connection).sync_wanted:
        sync_soon(connection_id)


_lock = threading.Lock()
# By connection: when its last job was made; and those for which one more is made soon.
_woken: dict[int, float] = {}
_put_off: set[int] = set()


def apply_soon(connection_id: int) -> None:
    """
    Have a worker apply what has just been stored for a connection.

    Within the pause after a job was made, one more is made at its end, so that nothing waits
    for the sweep; the ones between need none. A timer of this process makes it: the queue's own
    clock ticks once a second, which an open page would notice.
    """
    with _lock:
        wait = _woken.get(connection_id, -PAUSE_SECONDS) + PAUSE_SECONDS - time.monotonic()
        if wait > 0 and connection_id in _put_off:
            return
        if wait > 0:
            _put_off.add(connection_id)
        else:
            _woken[connection_id] = time.monotonic()
    if wait <= 0:
        _wake(apply_deliveries, connection_id)
        return
    timer = threading.Timer(wait, _wake_now, (connection_id,))
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:  # the process has no thread left: rather one job more than one too late
        _wake_now(connection_id)


def _wake_now(connection_id: int) -> None:
    with _lock:
        _put_off.discard(connection_id)
        _woken[connection_id] = time.monotonic()
    # No request and no transaction here, nor a connection to the database to ask for one.
    _wake(apply_deliveries.using(backend="at_once"), connection_id)


def _wake(job: "Task[..., None]", connection_id: int) -> None:
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
