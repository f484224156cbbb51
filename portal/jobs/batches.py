"""Batches without a browser: a turn of the rows at a time; a job only wakes a row."""

from datetime import timedelta

from django.conf import settings
from django.tasks import task
from django.utils import timezone
from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task

from portal.batches import forgetting, turns
from portal.services import batches


@task
def run_batch(batch_id: int) -> None:
    """One turn; where another one is wanted it stands behind what waits by then."""
    wait = batches.run(batch_id)
    if wait is not None:
        later = timezone.now() + timedelta(seconds=wait)
        run_batch.using(run_after=later if wait else None).enqueue(batch_id)


def run_soon(batch_id: int) -> None:
    """Have a worker go on with this batch, once the transaction around us is committed."""
    run_batch.enqueue(batch_id)


@db_periodic_task(crontab(minute="*"))  # type: ignore[untyped-decorator, no-untyped-call]
def sweep() -> None:
    """Wake what lost its job; see what became of rows that were on their way."""
    wake_all()
    batches.follow_all()


def wake_all() -> None:
    """A job for every running batch that nobody holds."""
    for batch_id in turns.due():
        run_soon(batch_id)


@db_periodic_task(crontab(hour="4", minute="23"))  # type: ignore[untyped-decorator, no-untyped-call]
def forget_old() -> None:
    """What nobody confirmed, and the rows of what ended longer than BATCH_KEEP_DAYS ago."""
    forgetting.forget_drafts()
    forgetting.forget_rows(timedelta(days=settings.BATCH_KEEP_DAYS))
