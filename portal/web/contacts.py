"""Contacts: their list, one of them, making, changing and deleting them."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.mirror.models import Contact
from portal.providers.errors import Duplicate
from portal.records import Can, Form, Kind
from portal.services import connections as service
from portal.services import contacts
from portal.team.models import Membership
from portal.vault.models import Connection
from portal.web import record_pages
from portal.web.access import MemberRequest, member_required
from portal.web.attributes import UserForm
from portal.web.contact_list import contact_list
from portal.web.forms import RecordForm, Suggestions
from portal.web.frame import connections_of
from portal.web.record_card import Related, Subject, list_url, same_email, url_of
from portal.web.unchanged import unchanged
from portal.web.writing import Ending


@require_safe
@member_required
@unchanged
def index(request: MemberRequest) -> HttpResponse:
    return contact_list(request)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def new(request: MemberRequest) -> HttpResponse:
    return record_pages.new(request, CONTACT)


@require_safe
@member_required
def detail(request: MemberRequest, contact_id: int) -> HttpResponse:
    contact = record_pages.found(request, CONTACT, contact_id)
    return record_pages.detail(request, CONTACT, contact)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def edit(request: MemberRequest, contact_id: int) -> HttpResponse:
    return record_pages.edit(request, CONTACT, record_pages.found(request, CONTACT, contact_id))


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def delete(request: MemberRequest, contact_id: int) -> HttpResponse:
    return record_pages.delete(request, CONTACT, record_pages.found(request, CONTACT, contact_id))


@require_POST
@member_required
def meanwhile(request: MemberRequest, contact_id: int) -> HttpResponse:
    contact = record_pages.found(request, CONTACT, contact_id)
    return record_pages.meanwhile(request, CONTACT, contact)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def fresh(request: MemberRequest, contact_id: int) -> HttpResponse:
    return record_pages.fresh(request, CONTACT, record_pages.found(request, CONTACT, contact_id))


class UserIdForm(forms.Form):
    """The id of a person whom the service's API can change but not list."""

    user_id = forms.CharField(
        label=gettext_lazy("User id"),
        max_length=255,
        help_text=gettext_lazy("As the service knows it. It cannot be looked up here."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def user(request: MemberRequest) -> HttpResponse:
    """Open a user by id: our page of somebody the API cannot show."""
    request.member.require(Membership.Role.AGENT)
    able = service.able(connections_of(request), Can.UPDATE_USER)
    posted = request.method == "POST"
    form = UserIdForm(request.POST if posted else None)
    chosen = next((c for c in able if str(c.pk) == request.POST.get("connection")), None)
    connection = chosen or next(iter(able), None)
    if posted and connection is not None and form.is_valid():
        contact = contacts.know_user(connection, form.cleaned_data["user_id"])
        return redirect(url_of(request, "contact-detail", contact.pk))
    context = {
        "form": form,
        "choices": [(c.pk, service.name_of(c)) for c in able],
        "connection": connection,
        "service": service.name_of(connection) if connection else "",
        "cancel_href": list_url(request, CONTACT),
    }
    return render(request, "contacts/user.html", context, status=422 if posted else 200)


def _form_of(connection: Connection) -> tuple[Form, Can]:
    """The contact form, or the user form where the API only knows users."""
    if service.able([connection], Can.UPDATE_CONTACT):
        return Form.CONTACT, Can.UPDATE_CONTACT
    return Form.USER, Can.UPDATE_USER


def _no_suggestions(_request: MemberRequest) -> Suggestions:
    return {}


def _related(contact: Any) -> list[Related]:
    return same_email(contact.workspace, contact.email, but=contact)


def _existing(
    request: MemberRequest, connection: Connection, form: RecordForm, ending: Ending
) -> Mapping[str, Any]:
    """The contact that has the e-mail already, so that the page can link to it."""
    email = next((s.name for s in form.specs if s.attribute == "email"), "")
    address = str(form.changes.get(email) or "")
    if not isinstance(ending.error, Duplicate) or not address:
        return {}
    contact = contacts.existing_contact(connection, address)
    if contact is None:
        return {}
    return {"existing": contact, "existing_href": url_of(request, "contact-detail", contact.pk)}


CONTACT = Subject(
    kind=Kind.CONTACTS,
    model=Contact,
    name="contact",
    folder="contacts",
    create=contacts.create_contact,
    update=contacts.update_contact,
    delete=contacts.delete_contact,
    refresh=contacts.refresh_contact,
    can_create=Can.CREATE_CONTACT,
    can_delete=Can.DELETE_CONTACT,
    form_of=_form_of,
    suggestions=_no_suggestions,
    related=_related,
    make_form=UserForm,
    on_refused=_existing,
)
