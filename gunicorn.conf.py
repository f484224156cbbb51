"""What gunicorn does beside its arguments: on a stop, open streams end at once."""

import os
from typing import Any


def post_worker_init(worker: Any) -> None:
    from portal.live.stream import hub

    # The second half: whoever started us was killed, and we are about to go, too.
    hub.serving = lambda: bool(worker.alive) and worker.ppid == os.getppid()
