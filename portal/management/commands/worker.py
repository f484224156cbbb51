"""The background worker: Huey's consumer with the project's settings."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from portal.jobs import deliveries, live, sync


class Command(BaseCommand):
    help = "Run the jobs: synchronise each minute, send what waits in the outbox."

    def handle(self, *args: Any, **options: Any) -> None:
        sync.wake_all()
        deliveries.wake_all()
        live.every_hour.call_local()
        call_command("run_huey")
