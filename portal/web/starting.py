"""A new conversation: where, with whom, about what."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.mirror import store
from portal.records import Can, Form
from portal.services import connections as service
from portal.services.conversations import start_conversation
from portal.vault.models import Connection
from portal.web.access import MemberRequest
from portal.web.forms import RecordForm
from portal.web.frame import connections_of
from portal.web.htmx import show
from portal.web.writing import Ending, done, form_id_of, new_form_id, settle, show_errors

PAGE = "conversations/new.html"
SUGGESTED = 200


class KnownUser(forms.TextInput):
    """An id, with those the copy knows to choose from; any other may be typed."""

    template_name = "conversations/known_user.html"

    def __init__(self, people: Sequence[tuple[str, str]], attrs: dict[str, Any]) -> None:
        super().__init__(attrs)
        self.people = people

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["list"] = f"{name}-list"
        return context | {"people": self.people}


def start(request: MemberRequest) -> HttpResponse:
    """The form for a new conversation (GET), and what became of it (POST)."""
    able = service.able(connections_of(request), Can.CREATE_CONVERSATION)
    connection = _chosen(request, able)
    if connection is None:
        reasons = [_(service.why_not(c, Can.CREATE_CONVERSATION)) for c in connections_of(request)]
        return show(request, PAGE, {"reasons": dict.fromkeys(reasons)}, partial="start")
    form = _form(request, connection)
    if request.method != "POST" or not form.is_valid():
        return _page(request, connection, form, able, status=422 if form.is_bound else 200)
    ending = settle(
        lambda: start_conversation(
            connection, form.changes, actor=request.member, form_id=form_id_of(request)
        ),
        connection,
        fields=form.fields,
        done=_("Conversation started"),
    )
    if not ending.taken:
        show_errors(form, ending)
        return _page(request, connection, form, able, ending=ending, status=ending.status)
    slug = request.member.workspace.slug
    made = ending.record
    if made is None:
        return done(request, ending, reverse("conversation-list", args=[slug]))
    return done(request, ending, reverse("conversation-detail", args=[slug, made.pk]))


def _chosen(request: MemberRequest, able: Sequence[Connection]) -> Connection | None:
    """The connection that was chosen, else the first one whose key may write."""
    told = request.POST.get("connection") or request.GET.get("connection") or ""
    by_use = sorted(able, key=lambda c: not c.may_write)
    return next((c for c in able if str(c.pk) == told), next(iter(by_use), None))


def _form(request: MemberRequest, connection: Connection) -> RecordForm:
    specs = service.fields_of(connection, Form.CONVERSATION)
    form = RecordForm(specs, request.POST if request.method == "POST" else None)
    form.initial.update((n, request.GET[n]) for n in form.fields if n in request.GET)
    if "user_id" in form.fields:
        box = form.fields["user_id"]
        box.widget = KnownUser(_people(request, connection), box.widget.attrs)
    return form


def _people(request: MemberRequest, connection: Connection) -> list[tuple[str, str]]:
    """Ids of the people of this connection that the copy knows, with their names."""
    rows = store.contacts(request.member.workspace).filter(connection_id=connection.pk)
    found = rows.order_by("name_key", "id")[:SUGGESTED]
    return [(contact.upstream_id, contact.name or contact.email) for contact in found]


def _page(
    request: MemberRequest,
    connection: Connection,
    form: RecordForm,
    able: Sequence[Connection],
    *,
    ending: Ending | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "form_id": new_form_id(),
        "connection": connection,
        "service": service.name_of(connection),
        "choices": [(c.pk, service.name_of(c)) for c in able] if len(able) > 1 else [],
        "ending": ending,
    }
    return show(request, PAGE, context, partial="start", status=status)
