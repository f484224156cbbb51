"""What the three panes of the conversations show: the list, the opened one, what is around it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from portal.mirror import store, tables
from portal.mirror.keyset import page as keyset_page
from portal.mirror.models import Conversation
from portal.records import Can, State
from portal.services import connections
from portal.team.models import Membership
from portal.vault.models import Connection
from portal.web.about import about
from portal.web.access import MemberRequest
from portal.web.composing import STATES, composer_for, status_menu
from portal.web.frame import connections_of
from portal.web.threads import thread_of
from portal.web.writing import new_form_id


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of the list. `label` and `tone` are the state's badge; `service` is "" unless
    the workspace has several connections; `at` is the newest time that the provider tells.
    """

    pk: int
    name: str
    subject: str
    preview: str
    at: datetime | None
    label: str
    tone: str
    channel: str
    service: str
    tags: list[str]


def found(request: MemberRequest, conversation_id: int) -> Conversation:
    """The workspace's conversation, or 404."""
    row = store.one(Conversation, request.member.workspace, conversation_id)
    if row is None:
        raise Http404
    return row


def listed(request: MemberRequest) -> dict[str, Any]:
    """The list pane for the address's filters."""
    table = tables.CONVERSATIONS
    sort = table.sort(table.default)
    assert sort is not None
    rows = tables.search(table.rows(request.member.workspace), request.GET.get("q", ""))
    page = keyset_page(rows, sort, limit=50)
    mine = connections_of(request)
    names = {c.pk: connections.name_of(c) for c in mine} if len(mine) > 1 else {}
    return {
        "rows": [row_of(conversation, names) for conversation in page.rows],
        "can_start": can_start(request.member, mine),
    }


def row_of(conversation: Conversation, names: dict[int, str]) -> Row:
    name = name_of(conversation)
    label, tone = badge(conversation)
    subject = conversation.subject if conversation.subject != name else ""
    return Row(
        pk=conversation.pk,
        name=name,
        subject=subject,
        preview=" ".join(conversation.last_message[:300].split()),
        at=conversation.active_at,
        label=label,
        tone=tone,
        channel=conversation.source,
        service=names.get(conversation.connection_id, ""),
        tags=conversation.tags[:2],
    )


def opened(request: MemberRequest, conversation: Conversation, **more: Any) -> dict[str, Any]:
    """The thread and the panel beside it; `more` replaces what it brings."""
    label, tone = badge(conversation)
    name = name_of(conversation)
    query = request.GET.copy()
    query.pop("show", None)
    return {
        "conversation": conversation,
        "name": name,
        "service": connections.name_of(conversation.connection),
        "state_label": label,
        "state_tone": tone,
        "send_label": _("Send to %s") % (conversation.visitor_name or _("the customer")),
        "thread": thread_of(conversation),
        "about": about(conversation),
        "menu": status_menu(conversation, request.member),
        "composer": composer_for(conversation, request.member),
        "quick_form_id": new_form_id(),
        "list_query": f"?{query.urlencode()}" if query else "",
        "details_query": f"?{query.urlencode()}&show=details" if query else "?show=details",
        "show_details": request.GET.get("show") == "details",
        **more,
    }


def name_of(conversation: Conversation) -> str:
    """Whom or what it is with: the person if the provider tells one, else the subject."""
    return (
        conversation.visitor_name
        or conversation.visitor_email
        or conversation.subject
        or _("Conversation %s") % conversation.upstream_id
    )


def badge(conversation: Conversation) -> tuple[str, str]:
    """The state in words and its hue; a word that has no normal form stands for itself."""
    try:
        state = State(conversation.state)
    except ValueError:
        state = State.UNKNOWN
    if state is State.UNKNOWN:
        return conversation.status or str(STATES[state]), "teal"
    tones = {State.OPEN: "blue", State.PENDING: "amber"}
    return str(STATES[state]), tones.get(state, "neutral")


def can_start(member: Membership, mine: list[Connection]) -> bool:
    """Whether this member can begin a conversation somewhere."""
    return member.reaches(Membership.Role.AGENT) and bool(startable(mine))


def startable(mine: list[Connection]) -> list[Connection]:
    return [c for c in connections.able(mine, Can.CREATE_CONVERSATION) if c.may_write]
