"""All rows that a list's address asks for, in its order: what an export takes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from portal.mirror import keyset
from portal.mirror.search import Hits, holds, needles
from portal.team.models import Workspace
from portal.web.list_state import State
from portal.web.lists import narrowed

AT_ONCE = 500


def every_row(state: State, workspace: Workspace, *, raw: bool = False) -> Iterator[Any]:
    """The rows of every page, read a page at a time by keyset; with `raw` if it is wanted."""
    rows = narrowed(state, workspace)
    if raw:
        rows = rows.defer(None).defer("search_text")
    wanted = needles(state.q, state.values("tag"))
    reader: keyset.Reader | None = keyset.Sift(rows) if state.filters else None
    if wanted:
        reader = Hits(workspace.pk, rows, wanted, filtered=bool(state.filters))
    after, begun = "", False
    while after or not begun:
        page = keyset.page(rows, state.sort, after=after, limit=AT_ONCE, reader=reader, total=0)
        if page.lost:
            return
        yield from page.rows
        after, begun = page.after, True


def how_many(state: State, workspace: Workspace) -> int:
    """How many rows those are, counted to the last one."""
    rows = narrowed(state, workspace)
    wanted = needles(state.q, state.values("tag"))
    return int((rows.filter(holds(wanted)) if wanted else rows).count())


def whole_list(state: State) -> State:
    """The same list from its beginning, whatever page the address shows."""
    return replace(state, after="", before="", start=1)
