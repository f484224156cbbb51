"""
Webhooks under load: signed deliveries at a steady rate to the real server with its worker.

    .venv/bin/python bench/webhooks.py [--rate 100] [--seconds 60] [--database-url URL]

Starts a sandbox, gunicorn (2 x 16, as `make run` does) and a worker on free ports with data of
their own, and prints how long answers took. Then it does the same for a few seconds and kills
the server with SIGKILL in the middle: what was acknowledged must be in the table.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from portal.sandbox import Sandbox, serve  # noqa: E402
from portal.sandbox.webhooks import SIGNATURE, signature  # noqa: E402

SECRET, SLUG = "whsec_bench", "bench"


class Portal:
    """The server and the worker, with a workspace that is connected to the sandbox."""

    def __init__(self, sandbox, folder, database_url):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = os.environ | {
            "PORTAL_DEMO": "1",
            "VAR_DIR": folder,
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "NEXADESK_BASE_URL": sandbox.nexadesk_url,
            "DEXRA_BASE_URL": sandbox.dexra_url,
            "BENCH_KEY": sandbox.key("nexadesk", rate=None),
            "BENCH_SECRET": SECRET,
            "LOG_LEVEL": "WARNING",
        }
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        self.log = (Path(folder) / "server.log").open("ab")
        self.running = []

    def manage(self, *arguments):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment,
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout

    def prepare(self):
        self.manage("migrate", "-v", "0")
        self.manage(
            "create_workspace",
            SLUG,
            "--name",
            "Bench",
            "--owner",
            "b@bench.example",
            "--password-env",
            "BENCH_KEY",
        )
        told = self.manage(
            "connect", SLUG, "nexadesk",
            "--key-env", "BENCH_KEY", "--webhook-secret-env", "BENCH_SECRET",
        )  # fmt: skip
        self.manage("sync", SLUG)
        return told.split("Webhook address: ")[1].split()[0]

    def start(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, *arguments], env=self.environment, cwd=ROOT,
            stdout=self.log, stderr=self.log, start_new_session=True,
        )  # fmt: skip
        self.running.append(process)
        return process

    def serve(self):
        server = self.start(
            "-m", "gunicorn", "portal.wsgi", "--bind", f"127.0.0.1:{self.port}",
            "--worker-class", "gthread", "--workers", "2", "--threads", "16",
            "--worker-tmp-dir", "/tmp",
        )  # fmt: skip
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return server
            time.sleep(0.1)
        raise SystemExit("the server did not start")

    def stop(self):
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def cpu_seconds(self, process):
        """CPU time of a process and its children so far."""
        total = 0.0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[2]) == process.pid:
                    total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total

    def rows(self):
        """(stored marks, how many still wait), as the database says."""
        script = (
            "from portal.models import Delivery\n"
            "print(Delivery.objects.filter(status='waiting').count())\n"
            "print('\\n'.join(Delivery.objects.values_list('once', flat=True)))"
        )
        waiting, *marks = self.manage("shell", "-v", "0", "-c", script).split()
        return set(marks), int(waiting)


def event(lead, number):
    """A change of a lead that never was before, whole as NexaDesk documents it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {**lead, "need_summary": f"change {number}", "updated_at": now}
    told = {"event": "lead.updated", "timestamp": now, "workspace_id": "ws_7h2k9p4d", "data": data}
    return json.dumps(told).encode()


def post(url, body):
    """(seconds, status or 0): one delivery over a connection of its own."""
    started = time.perf_counter()
    try:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        headers = {"Content-Type": "application/json", SIGNATURE: signature(SECRET, body)}
        connection.request("POST", url.path, body, headers)
        status = connection.getresponse().status
        connection.close()
    except (OSError, http.client.HTTPException):
        status = 0
    return time.perf_counter() - started, status


def load(address, leads, rate, seconds, stop=None):
    """Send at a steady rate; [(seconds, status, mark)]. Late starts count as waiting time."""
    url, sent, lock = urlsplit(address), [], threading.Lock()
    chance = random.Random(1)

    def one(number, due):
        body = event(chance.choice(leads), number)
        _, status = post(url, body)
        took = time.perf_counter() - due
        with lock:
            sent.append((took, status, hashlib.sha256(body).hexdigest()))

    began = time.perf_counter()
    with ThreadPoolExecutor(64) as pool:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            if stop is not None and stop.is_set():
                break
            pool.submit(one, number, due)
    return sent


class Disk(threading.Thread):
    """How long this disk takes for an fsync of its own meanwhile: no commit can be faster."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.path, self.ended, self.took = Path(folder) / "fsync", threading.Event(), []

    def run(self):
        with self.path.open("wb", buffering=0) as file:
            while not self.ended.wait(0.05):
                file.write(b"x" * 8192)
                started = time.perf_counter()
                os.fsync(file.fileno())
                self.took.append(1000 * (time.perf_counter() - started))

    def tell(self):
        self.ended.set()
        self.join()
        print(
            f"an fsync of this disk meanwhile: p50 {statistics.median(self.took):.0f} ms,"
            f" p95 {percentile(self.took, 0.95):.0f} ms, max {max(self.took):.0f} ms"
        )


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def tell(sent, title):
    good = [took * 1000 for took, status, _ in sent if status == 200]
    others = sorted({status for _, status, _ in sent if status != 200})
    print(
        f"{title}: {len(good)} of {len(sent)} answered 200"
        f" (others: {others or 'none'}), p50 {statistics.median(good):.0f} ms,"
        f" p95 {percentile(good, 0.95):.0f} ms, p99 {percentile(good, 0.99):.0f} ms,"
        f" max {max(good):.0f} ms"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--leads", type=int, default=200)
    parser.add_argument("--database-url", default="")
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder,
        serve(Sandbox()) as sandbox,
    ):
        leads = [sandbox.add_lead(visitor_name=f"Lead {n}") for n in range(options.leads)]
        portal = Portal(sandbox, folder, options.database_url)
        try:
            run(portal, leads, options, load_before)
        finally:
            portal.stop()


def run(portal, leads, options, load_before):
    address = portal.prepare()
    server = portal.serve()
    worker = portal.start("manage.py", "worker")
    load(address, leads, 20, 3)
    before = [portal.cpu_seconds(process) for process in (server, worker)]
    print(f"load of this machine before: {load_before:.1f}, cores: {os.cpu_count()}")
    disk = Disk(portal.environment["VAR_DIR"])
    disk.start()
    sent = load(address, leads, options.rate, options.seconds)
    tell(sent, f"{options.rate:.0f} a second for {options.seconds:.0f} s, worker running")
    spent = [portal.cpu_seconds(process) for process in (server, worker)]
    each = [1000 * (after - start) / len(sent) for after, start in zip(spent, before, strict=True)]
    print(f"CPU for each delivery: server {each[0]:.1f} ms, worker {each[1]:.1f} ms")
    disk.tell()
    ended = time.perf_counter()
    marks, waiting = portal.rows()
    while waiting and time.perf_counter() - ended < 120:
        time.sleep(1)
        _, waiting = portal.rows()
    print(f"applied {time.perf_counter() - ended:.0f} s after the last one; {waiting} still wait")
    missing = {mark for _, status, mark in sent if status == 200} - marks
    print(f"acknowledged and not stored: {len(missing)}")
    killed = threading.Event()

    def kill():
        os.killpg(server.pid, signal.SIGKILL)
        killed.set()

    threading.Timer(4, kill).start()
    sent = load(address, leads, options.rate, 6, killed)
    tell(sent, "kill -9 of the server after 4 s")
    marks, _ = portal.rows()
    missing = {mark for _, status, mark in sent if status == 200} - marks
    print(f"acknowledged and not stored: {len(missing)}")


if __name__ == "__main__":
    main()
