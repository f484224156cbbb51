"""The rows of a batch that were not done, as a file: to be mended elsewhere and imported again."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal.batches import drafts, store
from portal.batches.files.writing import csv_pieces
from portal.batches.models import Batch, BatchRow
from portal.mirror.ranges import LARGEST_ID
from portal.services import exports
from portal.services.import_plan import MENDED, MORE_CELLS
from portal.web.access import MemberRequest, member_required, role_required


@require_GET
@member_required
@role_required("agent")
def rejects(request: MemberRequest, batch_id: int) -> Any:
    """An import's rows in the columns of its file, any other batch's by record; with reasons."""
    workspace = request.member.workspace
    batch = store.one(workspace, batch_id) if batch_id <= LARGEST_ID else None
    if batch is None:
        raise Http404
    exports.rejects(batch, actor=request.member)
    titles, rows = _table(batch)
    response = StreamingHttpResponse(csv_pieces(titles, rows), "text/csv; charset=utf-8")
    name = f"{workspace.slug}-batch-{batch.pk}-not-done.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _table(batch: Batch) -> tuple[list[str], Iterator[Sequence[Any]]]:
    if batch.kind != Batch.Kind.IMPORT:
        titles = [_("Record"), _("Id"), _("Reason")]
        return titles, ([row.title, row.upstream_id, _why(row)] for row in _not_done(batch))
    columns, width = list(batch.options["columns"]), len(batch.options["columns"])
    return [*columns, _("Reason")], (
        [*_cells(batch, row, columns)[:width], _why(row)] for row in _not_done(batch)
    )


def _not_done(batch: Batch) -> Iterator[BatchRow]:
    for rows in drafts.slices(batch):
        for row in rows:
            if row.status in (store.FAILED, store.SKIPPED):
                yield row


def _cells(batch: Batch, row: BatchRow, columns: Sequence[str]) -> list[str]:
    """The row's texts in the order of the file, what was typed since in their place."""
    mapping = batch.options.get("map", {})
    cells = []
    for place, name in enumerate(columns):
        typed = row.cells.get(f"{MENDED}{mapping.get(name) or '-'}")
        cells.append(str(row.cells.get(str(place), "") if typed is None else typed))
    return [*cells, *map(str, row.cells.get(MORE_CELLS, []))]


def _why(row: BatchRow) -> str:
    return _(row.reason) if row.reason else str(row.get_status_display())
