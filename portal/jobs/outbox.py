"""Wakes writes that wait. Their rows hold the truth: a lost job only means a minute more."""

import logging
from datetime import datetime, timedelta

from django.tasks import Task, task
from django.utils import timezone
from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task

from portal.outbox.models import Write
from portal.services.recovery import look_up_due, look_up_one
from portal.services.sending import send_due, send_one

log = logging.getLogger(__name__)

# What waits longer is found by the minute's sweep.
SWEEP = timedelta(minutes=2)
BEHIND_ANOTHER = timedelta(seconds=2)


@task
def send_write(write_id: int) -> None:
    """Send a queued write; if the answer is lost, have it looked up in time."""
    write = send_one(write_id)
    if write is not None:
        follow_up(write)


@task
def look_up_write(write_id: int) -> None:
    """Look up an unknown write."""
    look_up_one(write_id)


def follow_up(write: Write) -> None:
    """What a write needs from a worker after it was tried: nothing, if it is settled."""
    now = timezone.now()
    if write.status == Write.Status.QUEUED:
        _wake(send_write, write.pk, write.not_before or now + BEHIND_ANOTHER)
    elif write.status == Write.Status.UNKNOWN:
        _wake(look_up_write, write.pk, write.not_before)


def _wake(job: "Task[[int], None]", write_id: int, at: datetime | None) -> None:
    now = timezone.now()
    if at is not None and at > now + SWEEP:
        return
    try:
        job.using(run_after=at if at and at > now else None).enqueue(write_id)
    except Exception:
        # The row is committed: the sweep finds it. The person must not hear of our queue.
        log.exception("no job could be made for write %s", write_id)


@task
def sweep() -> None:
    """Look up what is in doubt, send what is due: the first may free the second."""
    look_up_due()
    send_due()


@db_periodic_task(crontab(minute="*"))  # type: ignore[untyped-decorator, no-untyped-call]
def every_minute() -> None:
    """Whoever lost a job: what is due now is done."""
    sweep.enqueue()
