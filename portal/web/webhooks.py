"""Settings: how webhooks are set up, step by step, and whether they arrive."""

from dataclasses import dataclass
from typing import Any, Literal

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.services import connections as service
from portal.services import deliveries
from portal.services.silence import Silence, silence_of
from portal.vault import store as vault
from portal.vault.models import Connection
from portal.vault.seal import Locked
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.connection_forms import KeyField
from portal.web.frame import connections_of
from portal.web.htmx import show
from portal.web.standing import service_name

ADMIN = "admin"


class SecretForm(forms.Form):
    """The secret that signs a connection's deliveries: it goes in and never comes out again."""

    secret = KeyField(label=gettext_lazy("Webhook secret"))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """
    Whether a connection's webhooks arrive. `tone` is none, warn or ok, `words` the badge;
    `signed` whether they can be proved at all.
    """

    connection: Connection
    name: str
    signed: bool
    tone: Literal["none", "warn", "ok"]
    words: str
    silence: Silence | None = None

    @property
    def hue(self) -> str:
        return {"none": "neutral", "warn": "amber", "ok": "green"}[self.tone]

    @property
    def waits(self) -> bool:
        """Whether the page goes on looking for the first delivery."""
        return self.tone != "ok"


@require_GET
@member_required
@role_required(ADMIN)
def index(request: MemberRequest) -> HttpResponse:
    found = [c for c in connections_of(request) if deliveries.webhooks_of(c) is not None]
    context = {"lines": [arrivals_of(connection) for connection in found]}
    return render(request, "settings/webhooks.html", context)


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "POST"])
@member_required
@role_required(ADMIN)
def setup(request: MemberRequest, connection_id: int) -> HttpResponse:
    """The steps of one connection; posting stores its secret."""
    connection = _connection(request, connection_id)
    form = SecretForm(request.POST or None)
    if request.method == "POST" and _store_secret(request, connection, form):
        return _to_setup(request, connection)
    context = _steps(connection) | {"form": form}
    status = 422 if request.method == "POST" else 200
    return show(request, "settings/webhooks_setup.html", context, partial="arrivals", status=status)


@sensitive_variables("form")
def _store_secret(request: MemberRequest, connection: Connection, form: SecretForm) -> bool:
    if not deliveries.signed(connection):
        raise Http404
    if not form.is_valid():
        return False
    replaced = bool(connection.sealed_webhook_secret)
    deliveries.set_secret(connection, form.cleaned_data["secret"], actor=request.member)
    messages.success(
        request,
        _("The new secret is stored. The one before stays good until you remove it.")
        if replaced
        else _("The secret is stored. Deliveries signed with it are let in from now on."),
    )
    return True


@require_POST
@member_required
@role_required(ADMIN)
def forget(request: MemberRequest, connection_id: int) -> HttpResponse:
    """End a rotation: the secret before is good no more."""
    connection = _connection(request, connection_id)
    deliveries.forget_old_secret(connection, actor=request.member)
    messages.success(request, _("Only the newest secret is good now."))
    return _to_setup(request, connection)


def arrivals_of(connection: Connection) -> Arrivals:
    """How a connection's webhooks stand, in words."""
    signed, name = deliveries.signed(connection), service.name_of(connection)
    heard = deliveries.heard_at(connection)
    if heard is None and connection.hook_seen_at is None:
        return Arrivals(connection, name, signed, "none", _("nothing arrived yet"))
    if heard is None:
        return Arrivals(connection, name, signed, "warn", _("arrives without proof"))
    silence = silence_of(connection)
    if silence is not None:
        return Arrivals(connection, name, signed, "warn", _("seems silent"), silence)
    words = _("arrives, proved") if signed else _("arrives")
    return Arrivals(connection, name, signed, "ok", words)


def _steps(connection: Connection) -> dict[str, Any]:
    hooks = deliveries.webhooks_of(connection)
    assert hooks is not None
    try:
        address, trouble = service.hook_address(connection), ""
    except Locked as locked:
        address, trouble = "", _(locked.message)
    return {
        "connection": connection,
        "name": service.name_of(connection),
        "service": service_name(connection.provider),
        "address": address,
        "trouble": trouble,
        "steps": [_(step) for step in hooks.steps],
        "caution": _(hooks.caution) if hooks.caution else "",
        "secret_hint": _(hooks.secret_hint) if hooks.secret_hint else "",
        "events": hooks.events,
        "has_secret": bool(connection.sealed_webhook_secret),
        "has_old_secret": bool(connection.sealed_old_webhook_secret),
        "arrivals": arrivals_of(connection),
    }


def _connection(request: MemberRequest, connection_id: int) -> Connection:
    """The workspace's connection of that id; a foreign one is as missing as none."""
    found = vault.by_id(connection_id)
    if found is None or found.workspace_id != request.member.workspace_id:
        raise Http404
    if deliveries.webhooks_of(found) is None:
        raise Http404
    return found


def _to_setup(request: MemberRequest, connection: Connection) -> HttpResponse:
    return redirect("connection-webhooks", request.member.workspace.slug, connection.pk)
