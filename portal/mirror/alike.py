"""Records of one connection that a row of a file may mean."""

from collections.abc import Iterable
from typing import Any

from portal.mirror import columns
from portal.mirror.models import Upstream
from portal.mirror.store import MODELS, Source, copies
from portal.records import Kind


def by_email(source: Source, kind: Kind, emails: Iterable[str]) -> dict[str, Upstream]:
    """The live record of each e-mail, by `columns.email_key`; of several the newest one."""
    keys = {key for email in emails if (key := columns.email_key(email))}
    rows: Any = MODELS[kind]._default_manager
    found = rows.filter(
        workspace_id=source.workspace_id,
        connection_id=source.connection_id,
        gone_at=None,
        email_key__in=keys,
    )
    return {row.email_key: row for row in found.defer("search_text").order_by("created_at", "id")}


def by_id(source: Source, kind: Kind, upstream_ids: Iterable[str]) -> dict[str, Upstream]:
    """The live records of these ids of the provider."""
    found = copies(source, kind, filter(None, upstream_ids))
    return {id_: row for id_, row in found.items() if row.gone_at is None}
