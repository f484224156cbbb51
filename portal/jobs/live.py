"""What open pages need no more is forgotten."""

from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task

from portal.live import store


@db_periodic_task(crontab(minute="41"))  # type: ignore[untyped-decorator, no-untyped-call]
def every_hour() -> None:
    """Changes are kept for a day: a page that slept longer reads itself anew."""
    store.prune()
