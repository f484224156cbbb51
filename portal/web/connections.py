"""Settings: the workspace's connections, their keys, their health."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.budget import store as budget
from portal.errors import PortalError
from portal.jobs.sync import sync_soon
from portal.providers.errors import (
    BrokenContract,
    KeyRejected,
    NotPermitted,
    ProviderError,
    RateLimited,
    TryLater,
)
from portal.records import Kind
from portal.services import connections as service
from portal.services.connections import Trial
from portal.services.errors import AlreadyConnected, AnotherAccount, NotConnected
from portal.vault import store as vault
from portal.vault.models import Connection
from portal.web.abilities import offers
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.connection_forms import ConnectionForm, KeyForm, RemoveForm
from portal.web.errors import sentence_of
from portal.web.frame import connections_of, sync_states_of
from portal.web.htmx import is_partial, show, toast
from portal.web.progress import KINDS
from portal.web.standing import Standing, service_name, standings

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Line:
    """One connection on the page: how it stands, its calls of the last minute, its removal."""

    standing: Standing
    usage: budget.Usage | None
    remove_form: RemoveForm

    @property
    def tone(self) -> str:
        """The meter's colour: warn under 30 % left, down under 10 %."""
        left = 1 - self.usage.used / self.usage.limit if self.usage else 1
        return "down" if left < 0.1 else "warn" if left < 0.3 else "ok"

    @property
    def closed_seconds(self) -> int:
        """How long the service told everybody to wait."""
        return math.ceil(self.usage.closed_seconds) if self.usage else 0


@require_safe
@member_required
@role_required(ADMIN)
def index(request: MemberRequest) -> HttpResponse:
    return _index(request)


@sensitive_post_parameters("key")
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required(ADMIN)
def new(request: MemberRequest) -> HttpResponse:
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (done := _add(request, form)):
        return done
    context = {"form": form, "offers": offers()}
    status = 422 if request.method == "POST" else 200
    return render(request, "settings/connection_new.html", context, status=status)


@sensitive_variables("form")
def _add(request: MemberRequest, form: ConnectionForm) -> HttpResponse | None:
    """Try the key and store it; None with the reason on the form if that did not work."""
    values = form.cleaned_data
    slug, label = values["provider"], values["label"]
    try:
        connection, trial = service.add(
            request.member.workspace, slug, values["key"], label=label, actor=request.member
        )
    except (ProviderError, AlreadyConnected) as error:
        form.add_error("key", why_the_key_failed(error, service_name(slug)))
        return None
    sync_soon(connection.pk)
    words = {"name": service.name_of(connection), "read": what_was_read(trial)}
    messages.success(
        request, _("%(name)s is connected. %(read)s The first copy begins by itself.") % words
    )
    return _to_settings(request)


@require_POST
@member_required
@role_required(ADMIN)
def try_again(request: MemberRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    name = service.name_of(connection)
    try:
        trial = service.try_stored(connection, actor=request.member)
    except (ProviderError, NotConnected) as error:
        failed = why_the_key_failed(error, service_name(connection.provider))
        return _tried(request, f"{name}: {failed}", messages.ERROR)
    sync_soon(connection.pk)
    return _tried(request, f"{name}: {what_was_read(trial)}", messages.SUCCESS)


@sensitive_post_parameters("key")
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required(ADMIN)
def replace(request: MemberRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    form = KeyForm(request.POST or None)
    if (
        request.method == "POST"
        and form.is_valid()
        and (done := _replace(request, connection, form))
    ):
        return done
    status = 422 if request.method == "POST" else 200
    return render(request, "settings/connection_key.html", _about(connection, form), status=status)


@sensitive_variables("form")
def _replace(request: MemberRequest, connection: Connection, form: KeyForm) -> HttpResponse | None:
    """Try the new key and store it; None with the reason on the form if that did not work."""
    key, sure = form.cleaned_data["key"], form.cleaned_data["sure"]
    try:
        trial = service.replace_key(connection, key, actor=request.member, sure=sure)
    except AnotherAccount as error:
        form.add_error("sure", sentence_of(error))
        return None
    except (ProviderError, AlreadyConnected) as error:
        form.add_error("key", why_the_key_failed(error, service_name(connection.provider)))
        return None
    sync_soon(connection.pk)
    words = {"name": service.name_of(connection), "read": what_was_read(trial)}
    messages.success(request, _("%(name)s has its new key. %(read)s") % words)
    return _to_settings(request)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required(ADMIN)
def remove(request: MemberRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    form = RemoveForm(connection, request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = service.name_of(connection)
        service.remove(connection, actor=request.member)
        messages.success(
            request,
            _("%s and its copy are removed from here. Nothing was changed there.") % name,
        )
        return _to_settings(request)
    status = 422 if request.method == "POST" else 200
    context = _about(connection, form)
    return render(request, "settings/connection_remove.html", context, status=status)


def why_the_key_failed(error: PortalError, name: str) -> str:
    """Why a key is not stored, or the stored one does not work, and what to do."""
    said = error.said if isinstance(error, ProviderError) else ""
    reason = next((say for kind, say in _REASONS if isinstance(error, kind)), None)
    sentence = reason(error, name) if reason else sentence_of(error)
    if said and said not in sentence:
        sentence += " " + _("%(name)s said: “%(said)s”") % {"name": name, "said": said}
    return sentence


def _wait(error: Any, name: str) -> str:
    seconds = round(error.retry_after or 0)
    if not seconds:
        return _("%s asks us to wait a little. Nothing was changed here.") % name
    return _("%(name)s asks us to wait %(seconds)d s. Nothing was changed here.") % {
        "name": name,
        "seconds": seconds,
    }


# What to say of each failure, the first that fits.
_REASONS: tuple[tuple[type[PortalError], Callable[[Any, str], str]], ...] = (
    (KeyRejected, lambda _e, name: _("%s does not accept this key.") % name),
    (
        NotPermitted,
        lambda _e, name: (
            _("This key may not read in %s, or this server's address is not on the key's list.")
            % name
        ),
    ),
    (RateLimited, _wait),
    (
        TryLater,
        lambda _e, name: (
            _("%s does not answer now. Nothing was changed here; try again soon.") % name
        ),
    ),
    (
        BrokenContract,
        lambda _e, name: (
            _("What answered does not speak as %s documents. Nothing was changed here.") % name
        ),
    ),
)


def what_was_read(trial: Trial) -> str:
    """What the trial did: "Read 1 of 1,204 leads in 0.12 s."."""
    seconds = number_format(trial.seconds, 2)
    kind = KINDS[Kind(trial.kind)]
    if trial.total is None:
        return _("Read the list of %(kind)s in %(seconds)s s.") % {"kind": kind, "seconds": seconds}
    if not trial.total:
        return _("It answered in %(seconds)s s; there are no %(kind)s yet.") % {
            "kind": kind,
            "seconds": seconds,
        }
    total = number_format(trial.total, force_grouping=True)
    return _("Read 1 of %(total)s %(kind)s in %(seconds)s s.") % {
        "total": total,
        "kind": kind,
        "seconds": seconds,
    }


def _index(request: MemberRequest) -> HttpResponse:
    connections = connections_of(request)
    usage = budget.usage(c.key_mark for c in connections)
    lines = [
        Line(standing, usage.get(standing.connection.key_mark), RemoveForm(standing.connection))
        for standing in standings(connections, sync_states_of(request))
    ]
    services = [offer.name for offer in offers()]
    context = {"lines": lines, "services": services}
    return show(request, "settings/connections.html", context, partial="connections")


def _tried(request: MemberRequest, sentence: str, level: int) -> HttpResponse:
    """What came of a trial: the list again with a toast, or the page with a message."""
    if is_partial(request):
        tone = "ok" if level == messages.SUCCESS else "danger"
        return toast(_index(request), sentence, tone=tone)
    messages.add_message(request, level, sentence)
    return _to_settings(request)


def _about(connection: Connection, form: Form) -> dict[str, Any]:
    return {
        "connection": connection,
        "name": service.name_of(connection),
        "service": service_name(connection.provider),
        "offer": next((o for o in offers() if o.slug == connection.provider), None),
        "form": form,
    }


def _connection(request: MemberRequest, connection_id: int) -> Connection:
    """The workspace's connection of that id; a foreign one is as missing as none."""
    found = vault.connections(request.member.workspace).filter(pk=connection_id).first()
    if found is None:
        raise Http404
    return found


def _to_settings(request: MemberRequest) -> HttpResponse:
    return redirect("settings-connections", request.member.workspace.slug)
