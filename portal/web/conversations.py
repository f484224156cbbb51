"""Conversations: the list, one of them, and what people do with it."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import trigger_client_event

from portal.errors import PortalError
from portal.mirror import store
from portal.mirror.models import Conversation
from portal.outbox.decisions import MovedOn
from portal.services import connections
from portal.services.conversations import (
    add_note,
    refresh_conversation,
    send_reply,
    set_status,
)
from portal.services.decisions import discard
from portal.services.errors import Clash
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.composing import Composer, composer_for, message_of, text_of
from portal.web.forms import CHOICE, EARLIER, THEIRS, WAS
from portal.web.htmx import is_partial, show
from portal.web.inbox import found, opened
from portal.web.inbox_list import filled, inbox_list, name_of
from portal.web.lists import answer, tidy
from portal.web.starting import start
from portal.web.unchanged import unchanged
from portal.web.waiting import MESSAGES
from portal.web.writing import (
    Ending,
    done,
    form_id_of,
    new_form_id,
    settle,
    settle_plain,
    tell,
)

PAGE = "conversations/page.html"


@require_safe
@member_required
@unchanged
def index(request: MemberRequest) -> HttpResponse:
    state, context = inbox_list(request)
    if url := tidy(request, state):
        return redirect(url)
    return answer(request, PAGE, context, filled(request, state, context))


@require_safe
@member_required
def detail(request: MemberRequest, conversation_id: int) -> HttpResponse:
    """All three panes; to htmx the list alone if that is what it fills, else the other two."""
    conversation = found(request, conversation_id)
    if is_partial(request) and _fills(request, "log"):
        return _page(request, conversation, partial="log", asked=True)
    if is_partial(request) and not _fills(request, "results"):
        return _page(request, conversation, partial="opened")
    state, context = inbox_list(request)
    if url := tidy(request, state):
        return redirect(url)
    whole = {} if is_partial(request) else opened(request, conversation)
    context |= {"conversation": conversation} | whole
    return answer(request, PAGE, context, filled(request, state, context))


def _fills(request: MemberRequest, part: str) -> bool:
    return request.headers.get("HX-Target", "").endswith(f"#{part}")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def fresh(request: MemberRequest, conversation_id: int) -> HttpResponse:
    """
    Ask the service for this conversation once; the copy stays where it does not answer.

    Touches the messages and what stands around them, never the field one writes in.
    """
    conversation = found(request, conversation_id)
    before, name, trouble = conversation.status, name_of(conversation), ""
    try:
        now = refresh_conversation(conversation)
    except PortalError as error:
        now, trouble = conversation, _("Not refreshed. %s") % connections.sentence(error)
    if now is None:
        trouble = _("It was deleted in %s.") % connections.name_of(conversation.connection)
    now = now or conversation
    if not is_partial(request):
        ending = Ending("danger" if trouble else "ok", trouble or _("Refreshed"), taken=True)
        return done(request, ending, _address(request, conversation))
    moved = now.status != before or name_of(now) != name
    context = opened(request, now, asked=True, trouble=trouble, moved=moved)
    return show(request, PAGE, context, partial="refreshed")


def posted(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """
    For an address that the thread's forms post to. Where it answers with a whole page it stays
    in the address bar: read again from there, it leads to the conversation.
    """

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def answered(request: MemberRequest, conversation_id: int) -> HttpResponse:
        if request.method == "POST":
            return view(request, conversation_id)
        return redirect(_address(request, found(request, conversation_id)))

    return answered


@member_required
@role_required("agent")
@posted
def reply(request: MemberRequest, conversation_id: int) -> HttpResponse:
    """To the customer. The address decides, and what was marked as a note never goes there."""
    if request.POST.get("mode") == "note":
        message = _("This was marked as a private note, so it was not sent. Choose again.")
        return _kept(
            request, found(request, conversation_id), Ending("danger", message, status=422)
        )
    return _write(request, conversation_id, send_reply, "reply")


@member_required
@role_required("agent")
@posted
def note(request: MemberRequest, conversation_id: int) -> HttpResponse:
    """To the team only; there is no way from here to the customer."""
    return _write(request, conversation_id, add_note, "note")


def _write(request: MemberRequest, conversation_id: int, send: Any, mode: str) -> HttpResponse:
    conversation = found(request, conversation_id)
    text = text_of(request)
    if not text.strip():
        empty = Ending("danger", _("Write something first."), status=422)
        return _kept(request, conversation, empty, mode=mode)
    member, form_id = request.member, form_id_of(request)
    replaces = message_of(conversation, member, request.POST.get("replaces", ""))
    ending = settle(
        lambda: send(conversation, text, actor=member, form_id=form_id, replaces=replaces),
        conversation.connection,
        done=_("Sent") if mode == "reply" else _("Note added"),
    )
    if not ending.taken:
        return _kept(request, conversation, ending, mode=mode)
    if not is_partial(request):
        return done(request, ending, _address(request, conversation))
    empty_one = composer_for(conversation, member, mode=mode, focus=True)
    return _written(request, conversation, empty_one, ending)


def _written(
    request: MemberRequest, conversation: Conversation, composer: Composer, ending: Ending
) -> HttpResponse:
    """The field anew with the thread above it, which shows what a toast would only repeat."""
    context = opened(request, conversation, composer=composer, asked=True)
    response = show(request, PAGE, context, partial="written")
    if "edit=" in request.headers.get("HX-Current-URL", ""):
        # Read again, the page must not bring back what has just been sent in its place.
        response["HX-Replace-Url"] = _address(request, conversation)
    return trigger_client_event(response, "announce", {"message": ending.message})


@member_required
@role_required("agent")
@posted
def undo(request: MemberRequest, conversation_id: int) -> HttpResponse:
    """Take a reply back before it is sent: its text returns to the field, before what is there."""
    conversation, member = found(request, conversation_id), request.member
    write = message_of(conversation, member, request.POST.get("write", ""))
    ending = Ending("warn", _(MovedOn.message), status=409)
    if write is not None:
        ending = settle_plain(lambda: discard(write, actor=member)) or Ending(
            "ok", _("Taken back. It was not sent."), taken=True
        )
    if write is None or not ending.taken:
        return _kept(request, conversation, ending)
    texts = (str(write.changes.get("text", "")), text_of(request))
    text = "\n\n".join(text for text in texts if text.strip())
    mode = MESSAGES[write.action]
    composer = composer_for(conversation, member, mode=mode, text=text, focus=True)
    if is_partial(request):
        return _written(request, conversation, composer, ending)
    messages.success(request, ending.message)
    return _page(request, conversation, partial="composer", composer=composer)


def _kept(
    request: MemberRequest, conversation: Conversation, ending: Ending, *, mode: str = ""
) -> HttpResponse:
    """The composer again, with everything that was typed, a new form id, and why."""
    composer = composer_for(
        conversation,
        request.member,
        mode=mode or request.POST.get("mode", ""),
        text=text_of(request),
        ending=ending,
        replaces=message_of(conversation, request.member, request.POST.get("replaces", "")),
    )
    return _page(request, conversation, partial="composer", status=ending.status, composer=composer)


@member_required
@role_required("agent")
@posted
def status(request: MemberRequest, conversation_id: int) -> HttpResponse:
    """Change the service's own status word, if it still is the one the person saw."""
    conversation = found(request, conversation_id)
    before = request.POST.get("before", conversation.status)
    wanted = _chosen(request, before)
    if wanted == before:
        ending = Ending("ok", _("Nothing to save"), taken=True)
    elif wanted not in connections.settable_statuses(conversation.connection):
        ending = Ending("danger", _("There is no status “%s”.") % wanted, status=422)
    else:
        member, form_id = request.member, form_id_of(request)
        ending = settle(
            lambda: set_status(conversation, wanted, before=before, actor=member, form_id=form_id),
            conversation.connection,
        )
    if ending.taken and not is_partial(request):
        return done(request, ending, _address(request, conversation))
    now = store.one(Conversation, request.member.workspace, conversation_id) or conversation
    extra = {"ending": ending, "wanted": wanted, "clashes": _rows(ending.clashes)}
    response = _page(
        request,
        now,
        partial="status-set",
        status=ending.status,
        keep_form_id=new_form_id(),
        **extra,
    )
    return tell(request, response, ending)


def _chosen(request: MemberRequest, before: str) -> str:
    """The word that was asked for; after a conflict the one of the three that was chosen."""
    choice = request.POST.get(f"{CHOICE}status", "")
    if choice == THEIRS:
        return before
    return request.POST.get(f"{WAS}status" if choice == EARLIER else "status", "")


def _rows(clashes: Iterable[Clash]) -> list[dict[str, Any]]:
    return [
        {
            "name": c.name,
            "label": _("Status"),
            "before": c.before,
            "theirs": c.theirs,
            "mine": c.mine,
            "choice": CHOICE + c.name,
            "was": WAS + c.name,
        }
        for c in clashes
    ]


def _page(
    request: MemberRequest,
    conversation: Conversation,
    *,
    partial: str,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """The three panes with this conversation opened, or the piece of them htmx asked for."""
    context = opened(request, conversation, **more)
    if not is_partial(request):
        state, around = inbox_list(request)
        around["list"] = filled(request, state, around)
        context |= around
    return show(request, PAGE, context, partial=partial, status=status)


def _address(request: MemberRequest, conversation: Conversation) -> str:
    """The conversation's page, with the list's filters."""
    path = reverse("conversation-detail", args=[request.member.workspace.slug, conversation.pk])
    return f"{path}?{request.GET.urlencode()}" if request.GET else path


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required("agent")
def new(request: MemberRequest) -> HttpResponse:
    return start(request)
