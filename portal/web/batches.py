"""Batches: the list of them, one of them before it starts, while it runs and when it ended."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.batches import store
from portal.batches.models import Batch
from portal.errors import PortalError
from portal.jobs.batches import run_soon
from portal.mirror.ranges import LARGEST_ID
from portal.services import batches as service
from portal.services import bulk
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.batch_page import draft, list_page, progress, row_page, wants_typing
from portal.web.errors import sentence_of
from portal.web.htmx import is_partial, show, toast
from portal.web.offers import offer_of_batch
from portal.web.writing import form_id_of


@require_GET
@member_required
def index(request: MemberRequest) -> HttpResponse:
    return render(request, "batches/list.html", list_page(request))


@require_GET
@member_required
def detail(request: MemberRequest, batch_id: int) -> HttpResponse:
    return _page(request, _found(request, batch_id))


def _page(
    request: MemberRequest, batch: Batch, *, error: str = "", status: int = 200
) -> HttpResponse:
    if batch.status == Batch.Status.DRAFT and batch.kind == Batch.Kind.IMPORT:
        return redirect("import-check", request.member.workspace.slug, batch.pk)
    if batch.status == Batch.Status.DRAFT:
        context = draft(request, batch) | {"error": error}
        return render(request, "batches/draft.html", context, status=status)
    context = progress(request, batch) | row_page(request, batch)
    offer = offer_of_batch(request, batch) if is_partial(request) and context["may_undo"] else None
    context["toasted"] = offer is not None
    response = show(request, "batches/detail.html", context, partial="batch", status=status)
    # The page asks again only while it runs: this answer is the one that tells of the end.
    return toast(response, f"{batch}: {context['words']}", offer=offer) if offer else response


@require_POST
@member_required
@role_required("agent")
def start(request: MemberRequest, batch_id: int) -> HttpResponse:
    """What was confirmed begins; who presses twice begins it once."""
    batch = _found(request, batch_id)
    typed = "".join(filter(str.isdigit, request.POST.get("typed", "")))
    if wants_typing(batch, store.counts(batch)) and typed != str(store.counts(batch).waiting):
        error = _("Type the number of records to delete them.")
        return _page(request, batch, error=error, status=422)
    if service.start(batch, actor=request.member):
        messages.success(request, _("Started. You can leave this page: it goes on."))
        run_soon(batch.pk)
    return _back(request, batch)


@require_POST
@member_required
@role_required("agent")
def pause(request: MemberRequest, batch_id: int) -> HttpResponse:
    batch = _found(request, batch_id)
    service.pause(batch, actor=request.member)
    return _back(request, batch)


@require_POST
@member_required
@role_required("agent")
def resume(request: MemberRequest, batch_id: int) -> HttpResponse:
    batch = _found(request, batch_id)
    if service.resume(batch, actor=request.member):
        run_soon(batch.pk)
    return _back(request, batch)


@require_POST
@member_required
@role_required("agent")
def cancel(request: MemberRequest, batch_id: int) -> HttpResponse:
    batch = _found(request, batch_id)
    draft_before = batch.status == Batch.Status.DRAFT
    service.cancel(batch, actor=request.member)
    if not draft_before:
        return _back(request, batch)
    messages.info(request, _("Nothing was changed."))
    return redirect("batch-list", request.member.workspace.slug)


@require_POST
@member_required
@role_required("agent")
def again(request: MemberRequest, batch_id: int) -> HttpResponse:
    """The draft that changes what somebody else changed meanwhile, too; its page asks first."""
    batch = _found(request, batch_id)
    try:
        draft = bulk.again(batch, actor=request.member)
    except bulk.NothingPicked:
        messages.info(request, _("Nothing is left to be decided here."))
        return _back(request, batch)
    return _back(request, draft)


@require_POST
@member_required
@role_required("agent")
def undo(request: MemberRequest, batch_id: int) -> HttpResponse:
    """The draft that takes it back; its page asks before anything is sent."""
    batch = _found(request, batch_id)
    title = _("Undo: %s") % batch
    try:
        inverse = service.undo(
            batch, actor=request.member, form_id=form_id_of(request), title=title
        )
    except PortalError as error:
        messages.error(request, sentence_of(error))
        return _back(request, batch)
    return redirect("batch-detail", request.member.workspace.slug, inverse.pk)


def _back(request: MemberRequest, batch: Batch) -> HttpResponse:
    return redirect("batch-detail", request.member.workspace.slug, batch.pk)


def _found(request: MemberRequest, batch_id: int) -> Batch:
    found: Any = None
    if batch_id <= LARGEST_ID:
        found = store.one(request.member.workspace, batch_id)
    if found is None:
        raise Http404
    batch: Batch = found
    return batch
