"""Wakes writes that are held for some seconds. A lost job only means the minute's sweep."""

import logging
from datetime import datetime

from django.tasks import task
from django.utils import timezone

from portal.services.writes import send_one

log = logging.getLogger(__name__)


@task
def send_held(write_id: int) -> None:
    """Send this write, unless it was taken back, sent, or waits for something else by now."""
    send_one(write_id)


def send_later(write_id: int, at: datetime | None) -> None:
    """Have a worker send this write at its time; at once where it names none."""
    job = send_held
    if at is not None and at > timezone.now():
        job = job.using(run_after=at)
    try:
        job.enqueue(write_id)
    except Exception:
        # The row is what counts: the sweep finds it. Who wrote it must not lose it to our queue.
        log.exception("no job could be made for write %s", write_id)
