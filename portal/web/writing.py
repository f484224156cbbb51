"""
How a press of a save button ends, for every page that writes.

A view reads its form, hands the service's call to `settle`, and looks at what comes back:

    ending = settle(
        lambda: leads.update_lead(lead, changes, before=before, actor=member, form_id=form_id),
        lead.connection,
    )
    if ending.taken:                     # sent, or kept in the outbox: the page goes on
        return done(request, ending, url)            # plain: redirect; htmx: HX-Redirect
    show_errors(form, ending)            # refused: everything typed stays, status 422 or 409
    return show(..., {"form": form, "ending": ending, "form_id": new_form_id()},
                status=ending.status)

`NotAllowed` is not caught: the middleware answers 403.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from portal.errors import PortalError
from portal.jobs.outbox import follow_up
from portal.outbox.decisions import MovedOn
from portal.outbox.models import Write
from portal.outbox.store import HELD, ORDER, STOPPED
from portal.providers.errors import (
    Duplicate,
    Gone,
    NotFound,
    NotPermitted,
    ProviderError,
    Refused,
)
from portal.services.connections import name_of
from portal.services.errors import (
    CannotDo,
    CannotUndo,
    Clash,
    NewerMessage,
    NotConnected,
    StaleRecord,
)
from portal.services.writes import Outcome
from portal.vault.models import Connection
from portal.web.errors import sentence_of
from portal.web.htmx import is_partial, toast
from portal.web.offers import offer_of

type Tone = Literal["ok", "warn", "danger"]

_FORM_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")
_LEVELS = {"ok": messages.SUCCESS, "warn": messages.WARNING, "danger": messages.ERROR}
# What makes a queued write wait for a person, not for the service.
_KEY_TROUBLE = ("KeyRejected", "NotConnected")


@dataclass(frozen=True, slots=True)
class Ending:
    """
    How it ended. `taken`: the write is sent or kept in the outbox, the form is done with.
    Else it was refused and nothing was changed: show the form again with `status` (409 or
    422), what was typed, and a new form id.

    `field` is the provider's own name of the field that `message` is about, "" for the whole
    form. `clashes` are the fields that both sides changed (409). `needs_settings` tells that
    only a person in Settings can help: pages add a link. `record` is our copy of what was
    written, None while nothing is confirmed. `error` is what was raised, `write` the row of a
    write that was taken.
    """

    tone: Tone
    message: str
    taken: bool = False
    sent: bool = False
    status: int = 200
    record: Any = None
    field: str = ""
    needs_settings: bool = False
    clashes: tuple[Clash, ...] = ()
    error: PortalError | None = None
    write: Write | None = None


def new_form_id() -> str:
    """An id for a form that is about to be shown: its double press makes one write."""
    return uuid.uuid4().hex


def form_id_of(request: HttpRequest) -> str:
    """The id the posted form carries; a new one if it carries none that could be ours."""
    told = request.POST.get("form_id", "")
    return told if _FORM_ID.fullmatch(told) else new_form_id()


def settle(
    write: Callable[[], Outcome],
    connection: Connection,
    *,
    fields: Iterable[str] = (),
    done: str = "",
) -> Ending:
    """
    Make the write and tell how it ended.

    `fields` are the provider's names of the form's fields: a sentence that names exactly one
    of them belongs beside it. `done` replaces "Saved" where it was sent.
    """
    try:
        outcome = write()
    except StaleRecord as stale:
        return _refused(stale, connection, status=409, clashes=stale.clashes)
    except (Refused, Duplicate) as refused:
        return _refused(refused, connection, status=422, field=_named(refused.said, fields))
    except (NotFound, NotConnected, CannotDo, CannotUndo, MovedOn, NewerMessage) as error:
        return _refused(error, connection, status=409)
    except ProviderError as error:
        return _refused(error, connection, status=422)
    follow_up(outcome.write)
    return _standing(outcome, connection, done or _("Saved"))


def settle_plain(verb: Callable[[], None]) -> Ending | None:
    """Do what needs no service; how it ended if it could not be done, None if it was."""
    try:
        verb()
    except MovedOn as error:
        return Ending("warn", _(error.message), status=409, error=error)
    return None


def show_errors(form: forms.Form, ending: Ending) -> None:
    """Put a refusal into the form: beside its field, else on top. Clashes show themselves."""
    if ending.taken or ending.clashes:
        return
    form.is_valid()
    name = ending.field if ending.field in form.fields else None
    form.add_error(name, ending.message)


def tell(request: HttpRequest, response: HttpResponse, ending: Ending) -> HttpResponse:
    """Say the ending on a page that htmx swaps (toast); a plain page and a conflict say it."""
    if is_partial(request) and not ending.clashes:
        toast(response, ending.message, tone=ending.tone, offer=offer_of(request, ending.write))
    return response


def done(request: HttpRequest, ending: Ending, url: str) -> HttpResponse:
    """Go on to `url` and say the ending there; htmx is told to go there too."""
    offer = offer_of(request, ending.write)
    tags = offer.tags if offer else ""
    messages.add_message(request, _LEVELS[ending.tone], ending.message, extra_tags=tags)
    return go(request, url)


def go(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect that htmx follows with the whole page, not into its target."""
    if is_partial(request):
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url, status=303)


def _standing(outcome: Outcome, connection: Connection, done: str) -> Ending:
    """A write that was not refused by an exception: sent, waiting, or answered before."""
    status, service = outcome.write.status, name_of(connection)
    if status == Write.Status.SENT:
        return Ending("ok", done, taken=True, sent=True, record=outcome.record, write=outcome.write)
    if status == Write.Status.REFUSED:
        said = outcome.write.said or _(
            "This form was sent before and was not accepted. Nothing was changed."
        )
        return Ending("danger", said, status=422)
    if status == Write.Status.QUEUED:
        return _queued(outcome.write, service)
    if status == Write.Status.IN_FLIGHT:
        return Ending("warn", _("Sending to %s") % service, taken=True, write=outcome.write)
    message = _("Not confirmed: %s did not answer in time. Checking; do not enter it again.")
    return Ending("warn", message % service, taken=True, write=outcome.write)


def _queued(write: Write, service: str) -> Ending:
    if write.reason == HELD:
        message = _("Saved here. It is sent in a few seconds, unless you take it back.")
        return Ending("ok", message, taken=True, write=write)
    if write.reason == STOPPED:
        message = _("Saved here. This workspace sends nothing until an admin releases it.")
        return Ending("warn", message, taken=True, write=write)
    if write.reason == ORDER:
        message = _("Saved here. It will be sent after the change before it.")
        return Ending("warn", message, taken=True, write=write)
    if write.reason not in _KEY_TROUBLE:
        message = _("Saved here. It will be sent when %s answers.") % service
        return Ending("warn", message, taken=True, write=write)
    message = _("Saved here. It will be sent once the key of %s is replaced in Settings.")
    return Ending("warn", message % service, taken=True, needs_settings=True, write=write)


def _refused(
    error: PortalError,
    connection: Connection,
    *,
    status: int,
    field: str = "",
    clashes: Sequence[Clash] = (),
) -> Ending:
    return Ending(
        "danger",
        _sentence(error, name_of(connection)),
        status=status,
        field=field,
        needs_settings=isinstance(error, NotConnected | NotPermitted),
        clashes=tuple(clashes),
        error=error,
    )


def _sentence(error: PortalError, service: str) -> str:
    """The provider's words where it gave some; a 403 that does not tell gets both causes."""
    if isinstance(error, Gone):
        return _("It was deleted in %s. What you typed is still here.") % service
    if isinstance(error, NotFound):
        return _("%s does not find it. What you typed is still here.") % service
    if isinstance(error, NotPermitted):
        both = _(error.message)
        return f"{service}: “{error.said}” {both}" if error.said else both
    return sentence_of(error)


def _named(said: str, fields: Iterable[str]) -> str:
    """The one field that the provider's sentence names by its own name, "" if not just one."""
    words = set(re.findall(r"\w+", said))
    named = [name for name in fields if name in words]
    return named[0] if len(named) == 1 else ""
