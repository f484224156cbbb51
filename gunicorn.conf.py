"""What gunicorn does beside its arguments: it lends its lines to streams, and ends them."""

import os
from typing import Any


def post_worker_init(worker: Any) -> None:
    from portal.live.stream import hub

    # The second half: whoever started us was killed, and we are about to go, too.
    hub.serving = lambda: bool(worker.alive) and worker.ppid == os.getppid()
    worker.streams, cfg = hub, worker.cfg
    hub.takes_lines = not cfg.is_ssl and cfg.protocol == "http" and "h2" not in cfg.http_protocols


def worker_exit(server: Any, worker: Any) -> None:
    """Their lines are ours: gunicorn does not wait for the streams that took them."""
    if hasattr(worker, "streams"):
        worker.streams.end_all()
