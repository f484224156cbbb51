"""What an opened conversation's page shows: its thread, and what is known around it."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from portal.mirror import store
from portal.mirror.models import Conversation
from portal.records import Kind
from portal.services import connections
from portal.web import activity
from portal.web.about import about
from portal.web.access import MemberRequest
from portal.web.composing import composer_for, rewritten, status_menu
from portal.web.inbox_list import badge, name_of
from portal.web.threads import thread_of
from portal.web.writing import new_form_id


def found(request: MemberRequest, conversation_id: int) -> Conversation:
    """The workspace's conversation, or 404."""
    row = store.one(Conversation, request.member.workspace, conversation_id)
    if row is None:
        raise Http404
    return row


def opened(request: MemberRequest, conversation: Conversation, **more: Any) -> dict[str, Any]:
    """The thread and the panel beside it; `more` replaces what it brings."""
    label, tone = badge(conversation)
    name = name_of(conversation)
    query = request.GET.copy()
    query.pop("show", None)
    query.pop("edit", None)
    return {
        "conversation": conversation,
        "name": name,
        "service": connections.name_of(conversation.connection),
        "state_label": label,
        "state_tone": tone,
        "send_label": _("Send to %s") % (conversation.visitor_name or _("the customer")),
        "thread": thread_of(conversation),
        "about": about(conversation),
        "history": activity.history(request, Kind.CONVERSATIONS, conversation),
        "history_href": activity.history_href(request, Kind.CONVERSATIONS, conversation),
        "menu": status_menu(conversation, request.member),
        "composer": rewritten(conversation, request.member, request.GET.get("edit", ""))
        or composer_for(conversation, request.member),
        "quick_form_id": new_form_id(),
        "list_query": f"?{query.urlencode()}" if query else "",
        "details_query": f"?{query.urlencode()}&show=details" if query else "?show=details",
        "show_details": request.GET.get("show") == "details",
        **more,
    }
