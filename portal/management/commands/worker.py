"""The background worker: Huey's consumer with the project's settings."""

import sqlite3
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

import portal.jobs.audit  # noqa: F401 - its job is known by the import
from portal.jobs import batches, deliveries, live, outbox, sync

# Fixed in 3.51.3: one connection checkpoints while another commits (reliability, facts).
SAFE_SQLITE = (3, 51, 3)


class Command(BaseCommand):
    help = "Run the jobs: synchronise each minute, send what waits in the outbox."

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor == "sqlite" and sqlite3.sqlite_version_info < SAFE_SQLITE:
            self.stderr.write(
                f"SQLite {sqlite3.sqlite_version} has a rare bug that can damage a database in "
                "WAL mode (fixed in 3.51.3). For a team use PostgreSQL, or a newer SQLite."
            )
        sync.wake_all()
        deliveries.wake_all()
        outbox.sweep.enqueue()
        batches.wake_all()
        live.every_hour.call_local()
        call_command("run_huey")
