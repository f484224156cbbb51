"""One pass of synchronisation in the foreground."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.mirror.models import SyncState
from portal.services.sync import Report, sync_connection
from portal.vault import store as vault


class Command(BaseCommand):
    help = "Bring the copy up to date: one pass over every connection, or a workspace's."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="only this workspace")
        parser.add_argument("--full", action="store_true", help="walk everything again")
        parser.add_argument("--json", action="store_true", help="print the reports as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = vault.to_sync(options["slug"])
        if options["slug"] and not found:
            raise CommandError(f"Nothing is connected in a workspace {options['slug']}.")
        watch = self._progress if sys.stderr.isatty() and not options["json"] else None
        rows: list[dict[str, Any]] = []
        for connection in found:
            for report in sync_connection(connection, full=options["full"], watch=watch):
                about = {
                    "workspace": connection.workspace.slug,
                    "provider": connection.provider,
                }
                rows.append(about | asdict(report))
                if not options["json"]:
                    self.stdout.write(self._line(report))
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=1))
        if any(row["error"] for row in rows):
            raise SystemExit(1)

    def _line(self, report: Report) -> str:
        done = (
            f"{report.connection} {report.kind}: {report.rows} rows in {report.requests} requests,"
            f" {report.created} new, {report.updated} changed, {report.seconds:.1f} s"
        )
        return f"{done}. Stopped: {report.error}" if report.error else done

    def _progress(self, state: SyncState) -> None:
        total = state.told_total or state.rows or 1
        width = 30 * min(state.rows, total) // total
        bar = "#" * width + "." * (30 - width)
        end = "\n" if state.phase == SyncState.Phase.FOLLOW else ""
        self.stderr.write(f"\r{state.kind:14} [{bar}] {state.rows}/{total}", ending=end)
        self.stderr.flush()
