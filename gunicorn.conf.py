"""What gunicorn does beside its arguments: on a stop, open streams end at once."""

from typing import Any


def post_worker_init(worker: Any) -> None:
    from portal.live.stream import hub

    hub.serving = lambda: bool(worker.alive)
