"""A write that was not sent is written anew: its own fields, filled with what was typed."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.errors import PortalError
from portal.outbox.models import Write
from portal.services import connections as service
from portal.services import decisions
from portal.services.clashes import clashes_in
from portal.services.errors import Clash
from portal.web import contacts, leads, writing
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.forms import RecordForm, Suggestions
from portal.web.htmx import show
from portal.web.outbox import found, twin_of
from portal.web.record_card import Subject
from portal.web.session import same_site_path
from portal.web.waiting import MESSAGES, STALE, acts_of, line_of, specs_of
from portal.web.writing import Ending

PAGE = "outbox/edit.html"
SUBJECTS: dict[str, Subject] = {"leads": leads.LEAD, "contacts": contacts.CONTACT}


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required("agent")
def edit(request: MemberRequest, write_id: int) -> HttpResponse:
    """The form of one write (GET), and what became of it (POST)."""
    write = found(request, write_id)
    if write.action in MESSAGES:
        return writing.go(request, _composer(request, write))
    if "edit" not in acts_of(write):
        return _not_any_more(request, write)
    try:
        row = decisions.subject_of(write)
    except PortalError as error:
        return _page(request, write, None, Ending("danger", _(error.message), status=409))
    raw = None if row is None else row.raw
    form = form_of(request, write, raw, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        clashes = clashes_of(write, raw or {}) if write.reason == STALE else []
        form.refill(write.changes)
        return _page(request, write, form, conflict=form.move(clashes))
    if not form.is_valid():
        return _page(request, write, form, status=422)
    return _save(request, write, form)


def _save(request: MemberRequest, write: Write, form: RecordForm) -> HttpResponse:
    member, form_id = request.member, writing.form_id_of(request)
    if not form.changes:
        return _nothing_left(request, write)
    ending = writing.settle(
        lambda: decisions.edit(
            write, form.changes, before=form.before, actor=member, form_id=form_id
        ),
        write.connection,
        fields=form.fields,
    )
    if ending.taken:
        return writing.done(request, ending, _onward(request))
    writing.show_errors(form, ending)
    return _page(request, write, form, ending, conflict=form.move(ending.clashes))


def _onward(request: MemberRequest) -> str:
    """Back to the page of this workspace that led here, a batch's for one; else to the list."""
    home = reverse("home", args=[request.member.workspace.slug])
    path = same_site_path(request, request.GET.get("next", ""))
    return (
        path if path.startswith(home) else reverse("outbox", args=[request.member.workspace.slug])
    )


def _nothing_left(request: MemberRequest, write: Write) -> HttpResponse:
    """Everything was decided for the other side: the write is handled, nothing is sent."""
    ending = writing.settle_plain(lambda: decisions.discard(write, actor=request.member))
    if ending is None:
        said = _("Nothing is left to send: it stays as it is there.")
        ending = Ending("ok", said, taken=True)
    return writing.done(request, ending, _onward(request))


def form_of(
    request: MemberRequest, write: Write, raw: Mapping[str, Any] | None, data: Any
) -> RecordForm:
    """The form of what this write changes, as its record's own page would show it."""
    subject = SUBJECTS.get(write.kind)
    make = subject.make_form if subject else RecordForm
    words = service.settable_statuses(write.connection)
    given: Suggestions = {"status": [(word, word) for word in words]}
    suggestions = {**(subject.suggestions(request) if subject else {}), **given}
    return make(specs_of(write), data, raw=raw, suggestions=suggestions)


def clashes_of(write: Write, raw: Mapping[str, Any]) -> list[Clash]:
    """The fields that both sides changed, by our copy as it is now."""
    return [
        clash
        for name, mine in write.changes.items()
        for clash in clashes_in(name, write.before.get(name), raw.get(name), mine)
    ]


def _page(
    request: MemberRequest,
    write: Write,
    form: RecordForm | None,
    ending: Ending | None = None,
    *,
    status: int = 200,
    conflict: Any = (),
) -> HttpResponse:
    line = line_of(request.member.workspace, write)
    context = {
        "line": line,
        "form": form,
        "form_id": writing.new_form_id(),
        "ending": ending,
        "conflict": conflict,
        "cancel_href": reverse("outbox-detail", args=[request.member.workspace.slug, write.pk]),
    }
    status = ending.status if ending else status
    context |= twin_of(request, write)
    return show(request, PAGE, context, partial="outbox-edit", status=status)


def _not_any_more(request: MemberRequest, write: Write) -> HttpResponse:
    ending = Ending("warn", _("This cannot be changed any more: it stands as shown here."))
    there = reverse("outbox-detail", args=[request.member.workspace.slug, write.pk])
    return writing.done(request, ending, there)


def _composer(request: MemberRequest, write: Write) -> str:
    """A message is written anew where it was written: in its conversation."""
    slug, record = request.member.workspace.slug, write.entry.subject_id
    if record is None:
        return reverse("outbox-detail", args=[slug, write.pk])
    return f"{reverse('conversation-detail', args=[slug, record])}?edit={write.pk}"
