"""NexaDesk and Dexra emulated on one port of this machine, filled with made-up data."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.sandbox import Sandbox, serve, statefile
from portal.sandbox.data import Amounts, fill


class Command(BaseCommand):
    """Run until stopped by Ctrl+C or SIGTERM."""

    help = "Emulate the APIs of NexaDesk and Dexra on a real socket, filled with made-up data."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Amounts()
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--leads", type=int, default=usual.leads)
        parser.add_argument("--contacts", type=int, default=usual.contacts)
        parser.add_argument("--conversations", type=int, default=usual.conversations)
        parser.add_argument("--dexra-conversations", type=int, default=usual.dexra_conversations)
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same data")
        parser.add_argument("--state", type=Path, help="file that keeps the data over a restart")
        parser.add_argument("--nexadesk-key", default="", help="use this key instead of a new one")
        parser.add_argument("--dexra-key", default="", help="use this key instead of a new one")
        parser.add_argument(
            "--rate", type=int, help="calls a minute for each key (100), 0 for no limit"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sandbox = Sandbox()
        with contextlib.ExitStack() as stack:
            # A call that comes while the data is still being made waits for the lock: no false 401.
            with sandbox.lock:
                try:
                    stack.enter_context(serve(sandbox, options["host"], options["port"]))
                except OSError as problem:
                    raise CommandError(_taken(problem, options), returncode=2) from None
                self._furnish(sandbox, options)
            if options["state"]:
                stack.enter_context(statefile.kept(sandbox, options["state"]))
            self._introduce(sandbox)
            _wait_for_the_end()

    def _furnish(self, sandbox: Sandbox, options: dict[str, Any]) -> None:
        """Data and keys: from the state file, or made up."""
        path = options["state"]
        try:
            loaded = path is not None and statefile.load(sandbox, path)
        except ValueError as broken:
            raise CommandError(f"{broken}: move it away or name another --state") from None
        if not loaded:
            fill(sandbox, _amounts(options), seed=options["seed"])
        self._make_keys(sandbox, options, new=not loaded)

    def _make_keys(self, sandbox: Sandbox, options: dict[str, Any], *, new: bool) -> None:
        """The keys given, else new ones: the same for the same seed."""
        seed = f"keys {options['seed']}"
        chance = random.Random(seed)  # noqa: S311 - keys to made-up data
        for provider in ("nexadesk", "dexra"):
            given = options[f"{provider}_key"]
            if given or new:
                sandbox.key(provider, value=given, randomness=chance)
        if new:
            sandbox.key("nexadesk", ("read",), randomness=chance)
        if options["rate"] is not None:
            for key in sandbox.keys:
                key.rate = options["rate"] or None

    def _introduce(self, sandbox: Sandbox) -> None:
        """Say where everything is."""
        self.stdout.write(f"NEXADESK_BASE_URL={sandbox.nexadesk_url}")
        self.stdout.write(f"DEXRA_BASE_URL={sandbox.dexra_url}")
        for row in sandbox.keys.dump():
            scopes = "" if len(row["scopes"]) > 1 else f" ({row['scopes'][0]} only)"
            self.stdout.write(f"{row['provider']} key{scopes}: {row['key']}")
        self.stdout.write(f"Controls: {sandbox.base_url}/_sandbox/")
        self.stdout.flush()


def _amounts(options: dict[str, Any]) -> Amounts:
    names = ("leads", "contacts", "conversations", "dexra_conversations")
    return Amounts(**{name: options[name] for name in names})


def _taken(problem: OSError, options: dict[str, Any]) -> str:
    """One clear sentence."""
    where, why = f"{options['host']}:{options['port']}", os.strerror(problem.errno or 0)
    return f"The sandbox cannot listen on {where} ({why}): choose another --port."


def _wait_for_the_end() -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
