"""
Everything at once, to try: sandbox, portal, worker, and a filled demo workspace.

`make run` calls it. Keys, data and passwords are kept under VAR_DIR, so that a second run
goes on where the first one stopped.
"""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

SLUG, OWNER = "demo", "demo@crossdesk.example"
READY_SECONDS = 60


class Command(BaseCommand):
    help = "Run the sandbox, the portal and the worker with a filled demo workspace."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--sandbox-port", type=int, default=0, help="0: any free one")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo makes its own keys: set PORTAL_DEMO=1 for it.")
        self.running: list[subprocess.Popen[bytes]] = []
        port = _free(options["port"])
        environment = self._environment(port, _free(options["sandbox_port"]))
        signal.signal(signal.SIGTERM, _stop)
        try:
            self._start(port, environment)
            self._watch()
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        finally:
            self._end()

    def _start(self, port: int, environment: dict[str, str]) -> None:
        self.stdout.write("Preparing the database and the static files ...")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self._spawn(["manage.py", "sandbox", *_sandbox_arguments(environment)], environment)
        _wait_for(int(environment["DEMO_SANDBOX_PORT"]), "the sandbox", self.running[-1])
        self._fill(environment)
        self._spawn(["-m", "gunicorn", *_gunicorn_arguments(port)], environment)
        self._spawn(["manage.py", "worker"], environment)
        _wait_for(port, "the portal", self.running[-2])
        self.stdout.write(
            f"\nCrossdesk is running.\n"
            f"  Address:  http://127.0.0.1:{port}/\n"
            f"  E-mail:   {OWNER}\n"
            f"  Password: {_kept('demo_password')}\n"
            f"Records come from a sandbox of both services on this machine. Ctrl-C stops it all.\n"
        )
        self.stdout.flush()

    def _fill(self, environment: dict[str, str]) -> None:
        """The demo workspace and its two connections, the first time only."""
        made = ["--name", "Northwind", "--owner", OWNER, "--password-env", "DEMO_PASSWORD"]
        script = [
            ["create_workspace", SLUG, *made],
            ["connect", SLUG, "nexadesk", "--key-env", "DEMO_NEXADESK_KEY"],
            ["connect", SLUG, "dexra", "--key-env", "DEMO_DEXRA_KEY"],
        ]
        marker = settings.VAR_DIR / "demo_filled"
        for done, step in enumerate(script):
            if marker.exists() and int(marker.read_text()) > done:
                continue
            result = subprocess.run(  # noqa: S603 - our own commands
                [sys.executable, "manage.py", *step],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                cwd=settings.BASE_DIR,
            )
            if result.returncode:
                raise CommandError(f"The demo workspace could not be made: {result.stderr}")
            marker.write_text(str(done + 1))

    def _environment(self, port: int, sandbox_port: int) -> dict[str, str]:
        base = f"http://127.0.0.1:{sandbox_port}"
        return os.environ | {
            "PORTAL_DEMO": "1",
            "VAR_DIR": str(settings.VAR_DIR),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "NEXADESK_BASE_URL": f"{base}/api/v1/external",
            "DEXRA_BASE_URL": f"{base}/v1",
            "DEMO_SANDBOX_PORT": str(sandbox_port),
            "DEMO_PASSWORD": _kept("demo_password"),
            "DEMO_NEXADESK_KEY": _kept("demo_nexadesk_key", "fc_live_"),
            "DEMO_DEXRA_KEY": _kept("demo_dexra_key"),
        }

    def _spawn(self, arguments: list[str], environment: dict[str, str]) -> None:
        log = (settings.VAR_DIR / "demo.log").open("ab")
        self.running.append(
            subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, *arguments], env=environment, cwd=settings.BASE_DIR,
                stdout=log, stderr=log, start_new_session=True,
            )
        )  # fmt: skip

    def _watch(self) -> None:
        """Until somebody stops us, or one of the three dies."""
        while all(process.poll() is None for process in self.running):
            time.sleep(0.5)
        raise CommandError(f"A part of the demo stopped. See {settings.VAR_DIR / 'demo.log'}.")

    def _end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _kept(name: str, prefix: str = "") -> str:
    """A secret of the demo: made once, kept under VAR_DIR, readable by its owner only."""
    path: Path = settings.VAR_DIR / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(prefix + secrets.token_hex(12))
    return path.read_text()


def _free(port: int) -> int:
    """The port, if nobody listens there; a free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is taken. Choose another one: make run PORT={port + 1}"
            ) from error
        return int(probe.getsockname()[1])


def _sandbox_arguments(environment: dict[str, str]) -> list[str]:
    return [
        "--port", environment["DEMO_SANDBOX_PORT"],
        "--leads", "1204", "--contacts", "800", "--conversations", "300",
        "--state", str(settings.VAR_DIR / "sandbox.json"),
        "--nexadesk-key", environment["DEMO_NEXADESK_KEY"],
        "--dexra-key", environment["DEMO_DEXRA_KEY"],
    ]  # fmt: skip


def _gunicorn_arguments(port: int) -> list[str]:
    return [
        "portal.wsgi", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
        "--workers", "2", "--threads", "64", "--worker-tmp-dir", str(settings.VAR_DIR),
    ]  # fmt: skip


def _wait_for(port: int, what: str, process: subprocess.Popen[bytes]) -> None:
    """Until anything answers at this port, whatever its status."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as asked:
                asked.request("GET", "/healthz")
                asked.getresponse()
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    raise CommandError(f"{what} did not start. See {settings.VAR_DIR / 'demo.log'}.")
