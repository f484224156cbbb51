"""
Django's migrate, after which the search index stands.

SQLite drops a table's triggers when a migration rewrites the table; PostgreSQL's extension
may have been allowed since. Whatever was the reason, a missing index is made then.
"""

from typing import Any

from django.core.management.commands.migrate import Command as Migrate
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from portal.mirror import checks, search_index


class Command(Migrate):
    def handle(self, *args: Any, **options: Any) -> None:
        alias = options["database"]
        if connections[alias].vendor == "postgresql":
            with connections[alias].cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
        super().handle(*args, **options)
        if checks.FROM in MigrationRecorder(connections[alias]).applied_migrations():
            search_index.ensure(alias)
