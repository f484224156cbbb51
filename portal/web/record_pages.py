"""
The pages of one record: shown, refreshed, made, changed, deleted. Leads and contacts share
them; what differs is told by a `Subject`.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from portal.errors import PortalError
from portal.mirror import store
from portal.providers.errors import ProviderError, TryLater
from portal.services import connections as service
from portal.services.errors import NotConnected
from portal.team.models import Membership
from portal.vault.models import Connection
from portal.web import writing
from portal.web.access import MemberRequest
from portal.web.errors import sentence_of
from portal.web.forms import RecordForm
from portal.web.frame import connections_of
from portal.web.htmx import is_partial, show
from portal.web.record_card import Ability, Subject, ability, card, list_url, title_of, url_of
from portal.web.writing import Ending


def found(request: MemberRequest, subject: Subject, pk: int) -> Any:
    """The workspace's record, or 404."""
    row = store.one(subject.model, request.member.workspace, pk)
    if row is None:
        raise Http404
    row.connection.workspace = row.workspace
    return row


def detail(
    request: MemberRequest, subject: Subject, row: Any, *, status: int = 200, **more: Any
) -> HttpResponse:
    """The record's page, or its `card` when htmx asked."""
    context = card(request, subject, row) | more
    if "card_form" not in more and subject.quick and context["ability"].edit:
        context["card_form"] = edit_form(request, subject, row, None, only=subject.quick)
    return show(request, f"{subject.folder}/detail.html", context, partial="card", status=status)


def fresh(request: MemberRequest, subject: Subject, row: Any) -> HttpResponse:
    """Ask upstream once; the facts as they now are, or as they were with words why."""
    trouble = ""
    try:
        now = subject.refresh(row)
    except (ProviderError, NotConnected) as error:
        now, trouble = row, _why_not(row, error)
    if now is None:
        return _gone(request, subject, row)
    if not is_partial(request):
        if trouble:
            messages.warning(request, trouble)
        return writing.go(request, url_of(request, f"{subject.name}-detail", row.pk))
    now = found(request, subject, row.pk)
    context = card(request, subject, now) | {"trouble": trouble, "asked": True}
    return show(request, f"{subject.folder}/detail.html", context, partial="facts")


def _why_not(row: Any, error: PortalError) -> str:
    """Why the service could not be asked; its own words for a 5xx help nobody."""
    if isinstance(error, TryLater):
        name = service.name_of(row.connection)
        return _("%s does not answer now. This is the copy as it was.") % name
    return sentence_of(error)


def _gone(request: MemberRequest, subject: Subject, row: Any) -> HttpResponse:
    sentence = _("“%(record)s” was deleted in %(service)s.") % {
        "record": row,
        "service": service.name_of(row.connection),
    }
    messages.warning(request, sentence)
    return writing.go(request, list_url(request, subject))


def new(request: MemberRequest, subject: Subject) -> HttpResponse:
    """The form for a new record, and what became of it."""
    request.member.require(Membership.Role.AGENT)
    able = service.able(connections_of(request), subject.can_create)
    connection = _chosen(request, able)
    if connection is None:
        status = 409 if request.method == "POST" else 200
        return _form_page(request, subject, None, None, choices=able, status=status)
    specs = service.fields_of(connection, subject.form_of(connection)[0])
    data = request.POST if request.method == "POST" else None
    form = subject.make_form(specs, data, suggestions=subject.suggestions(request))
    if data is None or not form.is_valid():
        status = 200 if data is None else 422
        return _form_page(request, subject, connection, form, choices=able, status=status)
    ending = writing.settle(
        lambda: subject.create(
            connection,
            form.changes,
            actor=request.member,
            form_id=writing.form_id_of(request),
        ),
        connection,
        fields=form.fields,
    )
    if ending.taken:
        name = f"{subject.name}-detail"
        there = url_of(request, name, ending.record.pk) if ending.record else ""
        return writing.done(request, ending, there or list_url(request, subject))
    more = subject.on_refused(request, connection, form, ending)
    writing.show_errors(form, ending)
    return _form_page(request, subject, connection, form, choices=able, ending=ending, **more)


def edit(request: MemberRequest, subject: Subject, row: Any) -> HttpResponse:
    """The form of a record, or one field of it from its page, and what became of it."""
    request.member.require(Membership.Role.AGENT)
    data = request.POST if request.method == "POST" else None
    form = edit_form(request, subject, row, data, only=_asked(request, subject))
    if request.method != "POST" or not form.is_valid():
        return _edit_page(request, subject, row, form, status=422 if form.is_bound else 200)
    if not form.changes:
        return _edited(request, subject, row, Ending("ok", _("Nothing to save"), taken=True))
    ending, more = update(request, subject, row, form)
    if ending.taken:
        return _edited(request, subject, row, ending)
    return _edit_page(request, subject, row, form, ending=ending, **more)


def update(
    request: MemberRequest, subject: Subject, row: Any, form: RecordForm, *, done: str = ""
) -> tuple[Ending, dict[str, Any]]:
    """
    Send what a form changes. What was refused stands in the form afterwards; the second part is
    what its page shows beside it: the `conflict`, and what the subject knows.
    """
    ending = writing.settle(
        lambda: subject.update(
            row,
            form.changes,
            before=form.before,
            actor=request.member,
            form_id=writing.form_id_of(request),
        ),
        row.connection,
        fields=form.fields,
        done=done,
    )
    if ending.taken:
        return ending, {}
    more = dict(subject.on_refused(request, row.connection, form, ending))
    writing.show_errors(form, ending)
    return ending, more | {"conflict": form.move(ending.clashes)}


def edit_form(
    request: MemberRequest, subject: Subject, row: Any, data: Any, *, only: Sequence[str] = ()
) -> RecordForm:
    """The form of the whole record, or of the few attributes ("stage") that are named."""
    specs = service.fields_of(row.connection, subject.form_of(row.connection)[0])
    if only:
        specs = tuple(spec for spec in specs if spec.attribute in only)
    suggestions = subject.suggestions(request)
    form = subject.make_form(specs, data, raw=row.raw, suggestions=suggestions)
    for spec in specs if only else ():
        box = form.fields[spec.name]
        box.help_text = ""
        # What has a stage keeps one.
        box.required |= spec.attribute == "stage" and bool(form.initial.get(spec.name))
    return form


def _asked(request: MemberRequest, subject: Subject) -> Sequence[str]:
    """The attributes that the posted form is about, () for all."""
    return subject.quick if on_card(request) else ()


def meanwhile(request: MemberRequest, subject: Subject, row: Any) -> HttpResponse:
    """What changed in a record since its form was shown; the form itself is not touched."""
    request.member.require(Membership.Role.AGENT)
    form = edit_form(request, subject, row, request.POST, only=_asked(request, subject))
    context = {"row": row, "meanwhile": form.meanwhile()}
    return render(request, "components/meanwhile.html", context)


def _edited(request: MemberRequest, subject: Subject, row: Any, ending: Ending) -> HttpResponse:
    """Back to the record: the card in place for htmx from the record's page, else its page."""
    if not (is_partial(request) and on_card(request)):
        return writing.done(request, ending, url_of(request, f"{subject.name}-detail", row.pk))
    response = detail(request, subject, found(request, subject, row.pk))
    return writing.tell(request, response, ending)


def on_card(request: MemberRequest) -> bool:
    """Whether the form stands on the record's own page."""
    return request.POST.get("from") == "card"


def _edit_page(
    request: MemberRequest,
    subject: Subject,
    row: Any,
    form: RecordForm,
    *,
    status: int = 200,
    ending: Ending | None = None,
    **more: Any,
) -> HttpResponse:
    if on_card(request) and form.is_bound:
        status = ending.status if ending else status
        return detail(request, subject, row, status=status, card_form=form, ending=ending, **more)
    return _form_page(
        request, subject, row.connection, form, row=row, status=status, ending=ending, **more
    )


def _form_page(
    request: MemberRequest,
    subject: Subject,
    connection: Connection | None,
    form: RecordForm | None,
    *,
    row: Any = None,
    choices: Sequence[Connection] = (),
    status: int = 200,
    ending: Ending | None = None,
    **more: Any,
) -> HttpResponse:
    """`form` None: nothing connected can do it, and the page says why."""
    cancel = f"{subject.name}-detail" if row else ""
    context = {
        "row": row,
        "form": form,
        "form_id": writing.new_form_id(),
        "connection": connection,
        "service": service.name_of(connection) if connection else "",
        "choices": [(c.pk, service.name_of(c)) for c in choices],
        "ability": ability(request, subject, row) if row else _maker(connection),
        "ending": ending,
        "cancel_href": url_of(request, cancel, row.pk) if row else list_url(request, subject),
        "meanwhile_href": url_of(request, f"{subject.name}-meanwhile", row.pk) if row else "",
        "live_key": f"{subject.kind}:{row.pk}" if row else "",
    }
    status = ending.status if ending else status
    template = f"{subject.folder}/form.html"
    return show(request, template, context | more, partial="record-form", status=status)


def delete(request: MemberRequest, subject: Subject, row: Any) -> HttpResponse:
    """Ask once (GET), then delete upstream and hide it here (POST)."""
    request.member.require(Membership.Role.AGENT)
    ending = None
    if request.method == "POST":
        ending = writing.settle(
            lambda: subject.delete(row, actor=request.member, form_id=writing.form_id_of(request)),
            row.connection,
            done=_("Deleted “%s”") % row,
        )
        if ending.taken:
            return writing.done(request, ending, list_url(request, subject))
    context = {
        "row": row,
        "title": title_of(row),
        "service": service.name_of(row.connection),
        "form_id": writing.new_form_id(),
        "ability": ability(request, subject, row),
        "ending": ending,
        "cancel_href": url_of(request, f"{subject.name}-detail", row.pk),
    }
    status = ending.status if ending else 200
    return render(request, f"{subject.folder}/delete.html", context, status=status)


def _maker(connection: Connection | None) -> Ability:
    writes = connection is not None and connection.may_write
    return Ability(writes, False, "", connection is not None and not connection.may_write)


def _chosen(request: MemberRequest, able: Sequence[Connection]) -> Connection | None:
    """The connection the form names, else the first that may write, else the first."""
    told = request.POST.get("connection") or request.GET.get("connection") or ""
    writing_first = sorted(able, key=lambda c: not c.may_write)
    named = [c for c in able if str(c.pk) == told]
    return next(iter(named or writing_first), None)
