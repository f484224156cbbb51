"""With reads only: which assumptions about the APIs hold for a workspace's keys."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.errors import PortalError
from portal.services.probe import Finding, probe
from portal.vault import store as vault


class Command(BaseCommand):
    help = "Say which assumptions about the providers' APIs hold, with reads only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        found = vault.to_sync(options["slug"])
        if not found:
            raise CommandError(f"Nothing is connected in a workspace {options['slug']}.")
        for connection in found:
            self.stdout.write(f"{connection} ({connection.provider})")
            try:
                for finding in probe(connection):
                    self.stdout.write(self._line(finding))
            except PortalError as error:
                raise CommandError(error.message) from error

    def _line(self, finding: Finding) -> str:
        mark = {True: "holds     ", False: "DOES NOT  ", None: "not told  "}[finding.holds]
        return f"  {mark} {finding.name}: {finding.seen} [{finding.source}]"
