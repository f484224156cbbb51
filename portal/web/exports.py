"""A list taken out as a file: the same rows, columns and order as on the screen."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.http import FileResponse, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.audit.models import Entry
from portal.batches.files.writing import csv_pieces, write_workbook
from portal.records import Kind
from portal.services import exports as service
from portal.web import contact_list, inbox_list, lead_list
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.export_columns import FORMS, Column, every_column, shown_columns
from portal.web.frame import connections_of
from portal.web.list_rows import every_row, how_many, whole_list
from portal.web.lists import Asked, show_list
from portal.web.progress import KINDS

CSV, XLSX = "csv", "xlsx"
MOST_IN_A_WORKBOOK = 100_000
ALL = "all"


@dataclass(frozen=True, slots=True)
class Subject:
    """A list that can be exported; `place` is the name of its address."""

    kind: Kind
    place: str
    asked: Callable[[MemberRequest, QueryDict, str], Asked]


LEADS = Subject(Kind.LEADS, "lead-list", lead_list.asked)
CONTACTS = Subject(Kind.CONTACTS, "contact-list", contact_list.asked)
CONVERSATIONS = Subject(Kind.CONVERSATIONS, "conversation-list", inbox_list.asked)


@require_safe
@member_required
@role_required("agent")
def leads(request: MemberRequest) -> Any:
    return _export(request, LEADS)


@require_safe
@member_required
@role_required("agent")
def contacts(request: MemberRequest) -> Any:
    return _export(request, CONTACTS)


@require_safe
@member_required
@role_required("agent")
def conversations(request: MemberRequest) -> Any:
    return _export(request, CONVERSATIONS)


def _export(request: MemberRequest, subject: Subject) -> Any:
    """The page that says what would be taken out; with a format, the file itself."""
    told = request.GET.copy()
    form, columns = told.pop("format", [""])[-1], told.pop("columns", [""])[-1]
    path = reverse(subject.place, args=[request.member.workspace.slug])
    asked = subject.asked(request, told, path)
    asked = asked._replace(state=whole_list(asked.state))
    every = columns == ALL and subject.kind in FORMS
    if form not in (CSV, XLSX):
        return _page(request, subject, asked)
    total = how_many(asked.state, request.member.workspace)
    if form == XLSX and total > MOST_IN_A_WORKBOOK:
        return _page(request, subject, asked, too_many=True)
    if request.method == "HEAD":
        return HttpResponse()
    what = {"rows": total, "format": form, "columns": ALL if every else "screen"}
    what["filters"] = asked.state.query
    entry = service.begin(subject.kind, actor=request.member, what=what)
    rows = _Rows(_cells(request, subject, asked, every=every), entry)
    titles = [column.title for column in _columns(request, subject, asked, every=every)]
    return _file(request, subject, form, titles, rows)


def _page(
    request: MemberRequest, subject: Subject, asked: Asked, *, too_many: bool = False
) -> HttpResponse:
    state, words, counted = asked
    noun = str(KINDS[subject.kind])
    listing = show_list(
        replace(state, per=1), request.member.workspace, noun=noun, words=words, counted=counted
    )
    context = {
        "list": listing,
        "noun": noun,
        "back_href": state.url,
        "fields": subject.kind in FORMS,
        "too_many": too_many,
        "most": MOST_IN_A_WORKBOOK,
        "hidden": QueryDict(state.query).lists(),
        "columns": [column.title for column in _columns(request, subject, asked, every=False)],
        "section": subject.kind.value,
    }
    return render(request, "exports/export.html", context, status=422 if too_many else 200)


def _columns(
    request: MemberRequest, subject: Subject, asked: Asked, *, every: bool
) -> list[Column]:
    mine = connections_of(request)
    if every:
        return every_column(subject.kind, mine)
    several = len(asked.counted.counts("connection_id")) > 1
    if subject.kind is Kind.CONVERSATIONS:
        several = len(mine) > 1
    return shown_columns(subject.kind, mine, several=several)


def _cells(
    request: MemberRequest, subject: Subject, asked: Asked, *, every: bool
) -> Iterator[Sequence[Any]]:
    columns = _columns(request, subject, asked, every=every)
    for record in every_row(asked.state, request.member.workspace, raw=every):
        yield [column.value(record) for column in columns]


class _Rows:
    """
    The rows on their way out. However it ends, also when the person went away before the
    first one, the export is ended in the log.
    """

    def __init__(self, rows: Iterator[Sequence[Any]], entry: Entry) -> None:
        self._rows, self._entry = rows, entry
        self._count, self._whole = 0, False

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self._rows:
            self._count += 1
            yield row
        self._whole = True

    def close(self) -> None:
        service.end(self._entry, rows=self._count, whole=self._whole)


class _Pieces:
    """The file's pieces; closed with the answer, whether they were asked for or not."""

    def __init__(self, titles: Sequence[str], rows: _Rows) -> None:
        self._pieces, self._rows = csv_pieces(titles, rows), rows

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        self._rows.close()


def _file(
    request: MemberRequest, subject: Subject, form: str, titles: Sequence[str], rows: _Rows
) -> Any:
    name = f"{request.member.workspace.slug}-{subject.kind.value}-{timezone.localdate()}.{form}"
    if form == CSV:
        return _attached(_Pieces(titles, rows), name)
    try:
        with tempfile.TemporaryDirectory(prefix="crossdesk-") as folder:
            path = Path(folder, name)
            write_workbook(path, titles, rows)
            # Open, it stays readable when the folder is gone.
            return FileResponse(path.open("rb"), as_attachment=True, filename=name)
    finally:
        rows.close()


def _attached(pieces: _Pieces, name: str) -> Any:
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
