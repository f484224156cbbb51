"""Leads and contacts from a file: upload it, say what its columns mean, look, mend, import."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.batches import drafts
from portal.batches.files.limits import FileRefused
from portal.batches.files.reading import opened
from portal.batches.files.texts import CHOICES
from portal.batches.models import Batch, BatchRow
from portal.jobs.batches import run_soon
from portal.mirror.ranges import LARGEST_ID
from portal.records import Can, Kind
from portal.services import imports as service
from portal.services.import_plan import LINE
from portal.vault.models import Connection
from portal.web import import_pages as pages
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.frame import connections_of
from portal.web.htmx import is_partial, show
from portal.web.lead_list import writable
from portal.web.progress import KINDS
from portal.web.uploads import was_too_large
from portal.web.writing import form_id_of, go, new_form_id

CAN = {Kind.LEADS: Can.CREATE_LEAD, Kind.CONTACTS: Can.CREATE_CONTACT}
LISTS = {Kind.LEADS: "lead-list", Kind.CONTACTS: "contact-list"}
CHECK = "imports/check.html"


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required("agent")
def leads(request: MemberRequest) -> HttpResponse:
    return _upload(request, Kind.LEADS)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required("agent")
def contacts(request: MemberRequest) -> HttpResponse:
    return _upload(request, Kind.CONTACTS)


def _upload(request: MemberRequest, kind: Kind) -> HttpResponse:
    able = writable(connections_of(request), CAN[kind])
    told = request.POST.get("connection")
    connection = next((c for c in able if str(c.pk) == told), next(iter(able), None))
    error = ""
    if request.method == "POST" and connection is not None:
        try:
            batch = _take_in(request, kind, connection)
        except FileRefused as refused:
            error = _(refused.message)
        else:
            return _to(request, "import-columns", batch)
    context = {
        "kind": kind,
        "noun": KINDS[kind],
        "able": pages.named(able),
        "connection": connection,
        "encodings": pages.ENCODINGS,
        "encoding": request.POST.get("encoding", ""),
        "error": error,
        "form_id": new_form_id(),
        "list_href": pages.list_href(request, kind),
    }
    refused_all = request.method == "POST" and connection is None
    status = 422 if error else 409 if refused_all else 200
    return render(request, "imports/upload.html", context, status=status)


def _take_in(request: MemberRequest, kind: Kind, connection: Connection) -> Batch:
    """The draft that the uploaded file makes. Raises `FileRefused`."""
    if was_too_large(request):
        raise FileRefused("too_large")
    file = request.FILES.get("file")
    if file is None:
        raise FileRefused("none")
    told = request.POST.get("encoding", "")
    with opened(file.chunks(), encoding=told if told in CHOICES else "") as sheet:
        name = str(file.name or "")[-200:]
        return service.take_in(
            connection,
            kind,
            sheet,
            name=name,
            actor=request.member,
            form_id=form_id_of(request),
            title=_("Import of %s") % name,
        )


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required("agent")
def columns(request: MemberRequest, import_id: int) -> HttpResponse:
    """What each column of the file means."""
    batch = _found(request, import_id)
    if isinstance(batch, HttpResponse):
        return batch
    form = pages.ColumnsForm(batch, request.POST if request.method == "POST" else None)
    if request.method != "POST" or form.errors:
        context = pages.columns_page(request, batch, form)
        status = 422 if form.errors else 200
        return render(request, "imports/columns.html", context, status=status)
    service.give_meaning(batch, form.fields, form.duplicates, actor=request.member)
    service.check(batch)
    return _to(request, "import-check", batch)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required("agent")
def check(request: MemberRequest, import_id: int) -> HttpResponse:
    """What would become of the rows; a POST goes on looking at those that were not yet."""
    batch = _found(request, import_id)
    if isinstance(batch, HttpResponse):
        return batch
    if "map" not in batch.options:
        return _to(request, "import-columns", batch)
    if request.method == "POST":
        service.check(batch)
        if not is_partial(request):
            return _to(request, "import-check", batch)
    return show(request, CHECK, pages.check_page(request, batch), partial="import")


@require_POST
@member_required
@role_required("agent")
def row(request: MemberRequest, import_id: int) -> HttpResponse:
    """One row with what was typed into it, checked again."""
    batch = _found(request, import_id)
    if isinstance(batch, HttpResponse):
        return batch
    number = request.POST.get("number", "")
    typed = {k.removeprefix("field-"): v for k, v in request.POST.items() if k[:6] == "field-"}
    if not (number.isascii() and number.isdigit()) or not 0 < int(number[:9]) <= batch.total:
        return _to(request, "import-check", batch)
    mended = service.mend(
        batch,
        int(number),
        {name: str(text).replace("\x00", "\ufffd") for name, text in typed.items()},
        actor=request.member,
    )
    sound = mended.status != BatchRow.Status.FAILED
    if not is_partial(request):
        place = pages.check_href(request, batch)
        if sound:
            messages.success(request, _("Row %d is fine now.") % mended.cells[LINE])
        return redirect(place if sound else f"{place}#row-{mended.number}")
    context = pages.check_page(request, batch) | {"line": pages.line_of(batch, mended)}
    return render(request, f"{CHECK}#row", context, status=200 if sound else 422)


@require_POST
@member_required
@role_required("agent")
def start(request: MemberRequest, import_id: int) -> HttpResponse:
    """What was looked at is imported; who presses twice begins it once."""
    batch = _found(request, import_id)
    if isinstance(batch, HttpResponse):
        return batch
    if service.begin(batch, actor=request.member):
        messages.success(request, _("Started. You can leave this page: it goes on."))
        run_soon(batch.pk)
    return _to(request, "batch-detail", batch)


@require_POST
@member_required
@role_required("agent")
def discard(request: MemberRequest, import_id: int) -> HttpResponse:
    batch = _found(request, import_id)
    if isinstance(batch, HttpResponse):
        return batch
    drafts.discard(batch)
    messages.info(request, _("The import was discarded. Nothing was changed."))
    return go(request, pages.list_href(request, service.kind_of(batch)))


def _to(request: MemberRequest, place: str, batch: Batch) -> HttpResponse:
    return redirect(place, request.member.workspace.slug, batch.pk)


def _found(request: MemberRequest, import_id: int) -> Any:
    """The workspace's draft, or the way to the import's page once it has started, or 404."""
    workspace = request.member.workspace
    batch = drafts.one(workspace, import_id) if import_id <= LARGEST_ID else None
    if batch is not None:
        batch.workspace = workspace
        return batch
    if import_id <= LARGEST_ID and drafts.is_import(workspace, import_id):
        return redirect("batch-detail", workspace.slug, import_id)
    raise Http404
