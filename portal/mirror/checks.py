"""What `manage.py check --database default` says of the mirror."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from portal.mirror import search_index

FROM = ("portal", "0004_search")
"""The migration that makes the search index."""
_HINTS = {
    "postgresql": "`manage.py migrate` makes it; if it cannot, let a superuser run "
    "`CREATE EXTENSION pg_trgm` in this database before.",
    "sqlite": "`manage.py migrate` makes it with a SQLite of 3.34 or newer that has FTS5.",
}


def search_indexed(alias: str) -> bool:
    """Whether the search index of a migrated database stands (or there is none to be yet)."""
    migrated = FROM in MigrationRecorder(connections[alias]).applied_migrations()
    return not migrated or search_index.exists(alias)


@register(Tags.database)
def search_is_indexed(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Without its index the search still finds everything, but reads every row for it."""
    return [
        checks.Warning(
            f"The search of database “{alias}” has no index: it is right, but slow.",
            hint=_HINTS.get(connections[alias].vendor),
            id="portal.W001",
        )
        for alias in databases or ()
        if not search_indexed(alias)
    ]
