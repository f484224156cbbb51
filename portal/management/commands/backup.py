"""A whole and consistent copy of the database, taken while the portal runs."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection


class Command(BaseCommand):
    help = (
        "Write the whole database to FILE: leads, messages and sealed keys, but not the key ring, "
        "which is kept apart. The file is not encrypted: keep it as safe as the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"].absolute()
        if file.exists():
            raise CommandError(f"{file} exists already: name another file.")
        part = file.with_name(f".{file.name}.part")
        part.unlink(missing_ok=True)
        os.umask(0o077)
        if connection.vendor == "sqlite":
            _copy_sqlite(part)
        else:
            _dump_postgres(part)
        part.rename(file)
        self.stdout.write(
            f"{file}: {file.stat().st_size:,} bytes. Keep the key ring apart from it."
        )


def _copy_sqlite(file: Path) -> None:
    """One snapshot, whatever is written meanwhile; a copied file could be torn."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])
    with closing(sqlite3.connect(file)) as copy:
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise CommandError(f"The copy is damaged ({found}): the database needs a look first.")


def _dump_postgres(file: Path) -> None:
    command = ["pg_dump", "--format=custom", "--no-owner", f"--file={file}"]
    try:
        done = subprocess.run(  # noqa: S603 - our own settings
            command, env=postgres_environment(), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CommandError("pg_dump is not installed here (package postgresql-client).") from None
    if done.returncode:
        raise CommandError(f"pg_dump could not copy the database: {done.stderr.strip()}")


def postgres_environment() -> dict[str, str]:
    """How PostgreSQL's own programs reach our database; no password on a command line."""
    told = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    ours = {variable: str(told[name]) for variable, name in names.items() if told[name]}
    return os.environ | ours | {"PGDATABASE": str(told["NAME"])}
