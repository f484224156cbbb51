"""A backup put in the place of the database. It opens safely: nothing is sent a second time."""

import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from portal.management.commands.backup import postgres_environment
from portal.services.restoring import open_safely


class Command(BaseCommand):
    help = (
        "Put the backup FILE in the place of the database. Stop the portal and the worker first. "
        "Afterwards nothing is sent until an admin of each workspace releases its outbox."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"].absolute()
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        made = datetime.fromtimestamp(file.stat().st_mtime, tz=UTC)
        if connection.vendor == "sqlite":
            self._replace_sqlite(file)
        else:
            _replace_postgres(file)
        call_command("migrate", verbosity=0)
        found = open_safely(f"Restored from a backup of {made:%Y-%m-%d %H:%M} UTC.")
        self.stdout.write(
            f"Restored. {found.workspaces} workspaces are held: nothing is sent until an admin "
            f"releases each under Outbox. {found.writes} writes are in doubt and looked up first, "
            f"{found.batches} batches were ended. Everybody has to sign in again."
        )

    def _replace_sqlite(self, file: Path) -> None:
        """The old database is kept beside, in case the wrong backup was named."""
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copy:
            try:
                found = copy.execute("PRAGMA integrity_check").fetchone()[0]
            except sqlite3.DatabaseError as error:
                raise CommandError(f"{file} is no backup of this portal: {error}") from None
        if found != "ok":
            raise CommandError(f"{file} is damaged: {found}")
        place = Path(str(connection.settings_dict["NAME"]))
        connection.close()
        if place.exists():
            kept = place.with_name(f"{place.name}.before-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}")
            with closing(sqlite3.connect(place)) as old, closing(sqlite3.connect(kept)) as new:
                old.backup(new)
            self.stdout.write(f"The database as it was is kept: {kept}")
        with closing(sqlite3.connect(file)) as copy, closing(sqlite3.connect(place)) as ours:
            copy.backup(ours)


def _replace_postgres(file: Path) -> None:
    """In one transaction: all of it, or nothing."""
    name = str(connection.settings_dict["NAME"])
    connection.close()
    command = ["pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction"]
    try:
        done = subprocess.run(  # noqa: S603 - our own settings
            [*command, f"--dbname={name}", str(file)],
            env=postgres_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        message = "pg_restore is not installed here (package postgresql-client)."
        raise CommandError(message) from None
    if done.returncode:
        raise CommandError(f"Nothing was restored: {done.stderr.strip()}")
