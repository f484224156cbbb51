"""The real server, as a process with a database of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Gunicorn:
    """One worker of few threads over a new SQLite database; `errors` is what it wrote."""

    def __init__(self, folder, *, threads, **environment):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = os.environ | {
            "PORTAL_DEMO": "1",
            "VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder}/wire.sqlite3",
            **environment,
        }
        self.threads, self.process, self.errors = threads, None, folder / "errors"
        self.manage("migrate", "-v", "0")

    def manage(self, *arguments):
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def shell(self, script):
        return self.manage("shell", "-v", "0", "-c", script)

    def start(self, crash_at=""):
        """`crash_at` names the point at which it dies."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "portal.wsgi", "--workers", "1"),
                *("--worker-class", "gthread", "--threads", str(self.threads)),
                *("--bind", f"127.0.0.1:{self.port}", "--worker-tmp-dir", "/tmp"),
            ],
            env=self.environment | {"CROSSDESK_CRASH_AT": crash_at},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=self.errors.open("w"),
            start_new_session=True,
        )
        for _ in range(300):
            try:
                return socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("gunicorn did not start")

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None
