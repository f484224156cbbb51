"""
What an open page's stream costs while nothing happens, and how soon it hears of a change.

    python bench/live_streams.py [--streams 200]

Starts gunicorn (one process, threads) on a database of its own under a temporary directory,
or on an empty one that DATABASE_URL names; prints memory and database connections per idle
stream, and the seconds from a committed change to the last stream that heard of it.
"""

import argparse
import base64
import os
import re
import secrets
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    count = parser.parse_args().streams
    with tempfile.TemporaryDirectory() as directory:
        prepare(directory, count)
        server, port = start()
        try:
            measure(server.pid, port, count)
        finally:
            server.terminate()
            stopping = time.monotonic()
            server.wait()
            print(f"stopped in {time.monotonic() - stopping:.1f} s with streams open")


def prepare(directory: str, count: int) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "VAR_DIR": directory,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PORTAL_KEYRING": "bench:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "LIVE_STREAMS_PER_PROCESS": str(count + 50),
        "LIVE_STREAMS_PER_PERSON": str(count + 50),
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def start() -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", f"127.0.0.1:{port}",
         "--worker-class", "gthread", "--workers", "1", "--threads", "64",
         "--log-level", "error"], cwd=ROOT,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    return server, port


def sign_in() -> str:
    """A session's cookie of a member of the workspace `bench`."""
    from django.conf import settings
    from django.test import Client

    from portal.models import User
    from portal.services.workspaces import by_slug, create_workspace

    if by_slug("bench") is None:
        create_workspace("bench", name="Bench", owner_email="a@b.example", password=None)
    client = Client()
    client.force_login(User.objects.get(email="a@b.example"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def listen(port: int, cookie: str) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), 60)
    line.sendall(
        f"GET /w/bench/live/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        f"Accept: text/event-stream\r\n\r\n".encode()
    )
    heard = b""
    while b"retry:" not in heard:
        piece = line.recv(4096)
        if not piece:
            raise SystemExit(f"A stream was refused: {heard[:200]!r}")
        heard += piece
    return line


def measure(pid: int, port: int, count: int) -> None:
    cookie = sign_in()
    close([listen(port, cookie) for _ in range(10)])  # everything is imported and warm
    before = memory(pid)
    lines = [listen(port, cookie) for _ in range(count)]
    time.sleep(5)
    after = memory(pid)
    print(
        f"{count} idle streams on {database_name()}: {before / 1024:.1f} MB before, "
        f"{after / 1024:.1f} MB with them: {(after - before) / count:.1f} KB a stream; "
        f"{connections(pid)}"
    )
    waits = [told_after(lines) for _ in range(10)]
    print(f"a change reached all {count} streams in {statistics.median(waits):.2f} s "
          f"(median of 10; worst {max(waits):.2f} s)")  # fmt: skip
    print(f"processor time while idle: {idle_cost(pid):.1%} of one core")


def close(lines: list[socket.socket]) -> None:
    """Hang up, and wait until the server has noticed."""
    for line in lines:
        line.close()
    time.sleep(4)


def memory(pid: int) -> int:
    """KB that the server's processes hold (proportional: shared pages are shared out)."""
    total = 0
    for process in [pid, *children(pid)]:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])  # type: ignore[index]
    return total


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def database_name() -> str:
    from django.db import connection

    return str(connection.vendor)


def connections(pid: int) -> str:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
            return f"{cursor.fetchone()[0]} database connections in the server's pool"
    name = str(connection.settings_dict["NAME"])
    opened = [
        link
        for process in children(pid)
        for file in Path(f"/proc/{process}/fd").iterdir()
        if (link := str(file.readlink())) == name
    ]
    return f"{len(opened)} open connections to the database"


def told_after(lines: list[socket.socket]) -> float:
    from portal.live import store
    from portal.services.workspaces import by_slug

    workspace = by_slug("bench")
    assert workspace is not None
    store.note(workspace.pk, "leads", [int(time.time())])
    started, silent = time.monotonic(), set(lines)
    while silent and time.monotonic() - started < 10:
        readable, _, _ = select.select(list(silent), [], [], 1)
        for line in readable:
            if b"changes" in line.recv(65536):
                silent.discard(line)
    if silent:
        raise SystemExit(f"{len(silent)} streams heard nothing.")
    return time.monotonic() - started


def idle_cost(pid: int) -> float:
    def spent() -> float:
        ticks = 0
        for process in children(pid):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    before, started = spent(), time.monotonic()
    time.sleep(10)
    return (spent() - before) / (time.monotonic() - started)


if __name__ == "__main__":
    main()
