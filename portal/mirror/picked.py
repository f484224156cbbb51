"""Records that somebody picked: whole, in the order they were picked, some at a time."""

from collections.abc import Iterable, Iterator
from itertools import batched

from django.db.models import FETCH_RAISE

from portal.mirror.models import Upstream
from portal.mirror.store import MODELS
from portal.records import Kind
from portal.team.models import Workspace

_AT_ONCE = 500


def picked(workspace: Workspace, kind: Kind, ids: Iterable[int]) -> Iterator[Upstream]:
    """The workspace's live records of these ids, with `raw`; all other ids are left out."""
    rows = MODELS[kind]._default_manager.filter(workspace=workspace, gone_at=None)
    rows = rows.defer("search_text").fetch_mode(FETCH_RAISE)
    for some in batched(dict.fromkeys(ids), _AT_ONCE):
        found = {row.pk: row for row in rows.filter(pk__in=some)}
        yield from (found[pk] for pk in some if pk in found)


def ours_of(
    workspace: Workspace, kind: Kind, upstream_ids: Iterable[str]
) -> dict[tuple[int, str], int]:
    """Our ids of the workspace's live records, by connection and upstream id, in one query."""
    rows = MODELS[kind]._default_manager.filter(
        workspace=workspace, gone_at=None, upstream_id__in=list(upstream_ids)
    )
    found = rows.values_list("connection_id", "upstream_id", "pk")
    return {(connection_id, upstream_id): pk for connection_id, upstream_id, pk in found}
