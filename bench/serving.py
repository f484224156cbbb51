"""
T9: requests a second of the real server, 16 connections at a time.

The load comes from a process of its own with 16 threads over kept connections (wrk is not
needed); the server is gunicorn with two processes, as `make run` starts it.
"""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from django.db import connection

from bench.pages import LEADS_PAGE, signed_in
from bench.timing import Line, Report

TARGETS = {"postgresql": 25, "sqlite": 5}
CONNECTIONS = 16


def run(report: Report, *, length: float) -> None:
    cookie = signed_in().cookies["session"].value
    with served() as port:
        ours, theirs = 0.0, 0.0
        for _ in range(2):  # in turns; the second round counts
            ours = _rate(port, LEADS_PAGE, cookie, length)
            theirs = _rate(port, "/admin/portal/lead/", cookie, length * 2)
    report.add(Line("T9", f"requests a second, {CONNECTIONS} connections, against the admin's",
                    f"{ours:.0f}/s", f"{theirs:.1f}/s", ours / max(theirs, 0.01),
                    least=TARGETS[connection.vendor]))  # fmt: skip


@contextlib.contextmanager
def served(**environment: str) -> Iterator[int]:
    """The port of the portal, and of what it is measured against, in processes of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "portal.wsgi", "-b", f"127.0.0.1:{port}",
               "-w", "2", "--threads", "16", "--timeout", "120"]  # fmt: skip
    server = subprocess.Popen(
        command, env=os.environ | environment | {"DJANGO_SETTINGS_MODULE": "bench.settings"}
    )
    try:
        for _ in range(150):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _rate(port: int, path: str, cookie: str, length: float) -> float:
    """Answers of 200 in a second, from all connections."""
    counts, until = [0] * CONNECTIONS, time.monotonic() + length
    started = time.monotonic()

    def ask(n: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while time.monotonic() < until:
            client.request("GET", path, headers={"Cookie": f"session={cookie}"})
            answer = client.getresponse()
            answer.read()
            counts[n] += answer.status == 200
        client.close()

    threads = [threading.Thread(target=ask, args=[n]) for n in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - started)
