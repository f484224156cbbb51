"""One pass of synchronisation in the foreground."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.mirror.models import SyncState
from portal.services.sync import Report, sync_connection
from portal.vault import store as vault

# What a report says only to the worker.
INNER = ("more", "waiting")


class Command(BaseCommand):
    help = "Bring the copy up to date: one pass over every connection, or a workspace's."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="only this workspace")
        parser.add_argument(
            "--full", action="store_true", help="read everything again and take away what is gone"
        )
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
                told = {k: v for k, v in asdict(report).items() if k not in INNER}
                rows.append(about | told)
                if not options["json"]:
                    self.stdout.write(self._line(report))
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=1))
        if any(row["error"] for row in rows):
            raise SystemExit(1)

    def _line(self, report: Report) -> str:
        done = (
            f"{report.connection} {report.kind}: {report.rows} rows in {report.requests} requests,"
            f" {report.created} new, {report.updated} changed, {report.gone} gone,"
            f" {report.seconds:.1f} s"
        )
        if report.missing:
            done += f". {report.missing} are missing there: confirm or dismiss that in Settings"
        return f"{done}. Stopped: {report.error}" if report.error else done

    def _progress(self, state: SyncState) -> None:
        """A bar for the walks that read everything."""
        pages = state.check_notes.get("pages")
        if state.phase == SyncState.Phase.FOLLOW and not pages and state.rows != state.told_total:
            return
        total = state.told_total or state.rows or 1
        done = min(pages * 100 if pages else state.rows, total)
        width = 30 * done // total
        bar = "#" * width + "." * (30 - width)
        end = "\n" if done == total else ""
        self.stderr.write(f"\r{state.kind:14} [{bar}] {done}/{total}", ending=end)
        self.stderr.flush()
