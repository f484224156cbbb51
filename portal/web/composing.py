"""What may be done with a conversation from its page: answer, note, change its status."""

from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.mirror.models import Conversation
from portal.outbox import decisions
from portal.outbox.models import Write
from portal.records import Can, State
from portal.services import connections
from portal.team.models import Membership
from portal.vault.models import Connection
from portal.web.waiting import MESSAGES, acts_of
from portal.web.writing import Ending, new_form_id

STATES = {
    State.OPEN: gettext_lazy("Open"),
    State.PENDING: gettext_lazy("Pending"),
    State.SNOOZED: gettext_lazy("Snoozed"),
    State.CLOSED: gettext_lazy("Closed"),
    State.UNKNOWN: gettext_lazy("Unknown"),
}
LONGEST_ID = 18
# What the quick button says for a word that ends a conversation.
ENDS = {"archived": gettext_lazy("Archive"), "closed": gettext_lazy("Close")}


@dataclass(frozen=True, slots=True)
class Composer:
    """
    The place to write. `why_no_reply` and `why_no_note` are "" where it can be done; with
    both the page shows the reasons instead of a field. `error` stands beside the field.
    `replaces` is the id of a message that was not sent, which this one is sent in place of;
    `hint` what to know of it.
    """

    why_no_reply: str
    why_no_note: str
    link: str = ""
    link_text: str = ""
    mode: str = "reply"
    text: str = ""
    error: str = ""
    focus: bool = False
    replaces: int | None = None
    hint: str = ""
    form_id: str = field(default_factory=new_form_id)

    @property
    def reasons(self) -> list[str]:
        """Why nothing can be written, each sentence once; [] if something can."""
        if not (self.why_no_reply and self.why_no_note):
            return []
        return list(dict.fromkeys([self.why_no_reply, self.why_no_note]))


@dataclass(frozen=True, slots=True)
class StatusMenu:
    """
    The statuses that can be set: (the service's word, its normal form in words).

    `why_not` is "" where there is a choice. `quick` is the word that ends the conversation,
    "" if it has ended. `before` is the word the person sees.
    """

    why_not: str
    words: list[tuple[str, str]]
    before: str
    quick: str = ""
    quick_label: str = ""
    link: str = ""
    link_text: str = ""
    form_id: str = field(default_factory=new_form_id)


def composer_for(
    conversation: Conversation,
    member: Membership,
    *,
    mode: str = "",
    text: str = "",
    ending: Ending | None = None,
    focus: bool = False,
    replaces: Write | None = None,
) -> Composer:
    """The composer of this conversation for this member, with what was typed and why it failed."""
    connection = conversation.connection
    # A key that just turned out to read only may be mended: what was typed keeps its buttons.
    no_write, link, link_text = why_no_write(connection, member) if ending is None else ("", "", "")
    why_no_reply = no_write or _(connections.why_not(connection, Can.SEND_MESSAGE))
    why_no_note = no_write or _(connections.why_not(connection, Can.SEND_NOTE))
    if not no_write and why_no_reply and (url := connections.dashboard_of(connection)):
        link, link_text = url, _("Open %s") % connections.name_of(connection)
    if ending is not None and ending.needs_settings and member.reaches(Membership.Role.ADMIN):
        link, link_text = _settings(member), _("Settings")
    return Composer(
        why_no_reply,
        why_no_note,
        link,
        link_text,
        mode=mode or ("note" if why_no_reply and not why_no_note else "reply"),
        text=text,
        error=ending.message if ending is not None else "",
        focus=focus,
        replaces=replaces.pk if replaces else None,
        hint=_hint(replaces) if replaces else "",
    )


def rewritten(conversation: Conversation, member: Membership, told: str) -> Composer | None:
    """The composer with a message in it that was not sent (its id as the address tells it)."""
    write = message_of(conversation, member, told)
    if write is None or "edit" not in acts_of(write) or not member.reaches(Membership.Role.AGENT):
        return None
    return composer_for(
        conversation,
        member,
        mode=MESSAGES[write.action],
        text=str(write.changes.get("text", "")),
        focus=True,
        replaces=write,
    )


def message_of(conversation: Conversation, member: Membership, told: str) -> Write | None:
    """The message of this conversation that a form or an address names, None if there is none."""
    if not told.isdecimal() or len(told) > LONGEST_ID:
        return None
    write = decisions.find(member.workspace, int(told))
    if write is None or write.action not in MESSAGES:
        return None
    same = (write.connection_id, write.upstream_id)
    return write if same == (conversation.connection_id, conversation.upstream_id) else None


def _hint(write: Write) -> str:
    if write.status == Write.Status.UNDECIDED:
        return _("Nobody knows whether this arrived: the customer may read it twice.")
    return ""


def status_menu(conversation: Conversation, member: Membership) -> StatusMenu:
    """What this member may set the conversation's status to."""
    connection = conversation.connection
    no_write, link, link_text = why_no_write(connection, member)
    why_not = _(connections.why_not(connection, Can.SET_STATUS)) or no_write
    if why_not:
        return StatusMenu(why_not, [], conversation.status, link=link, link_text=link_text)
    words = connections.settable_statuses(connection)
    quick = ""
    if conversation.state != State.CLOSED:
        quick = next((word for word, state in words.items() if state == State.CLOSED), "")
    return StatusMenu(
        "",
        [(word, str(STATES[state])) for word, state in words.items()],
        conversation.status,
        quick=quick,
        quick_label=str(ENDS.get(quick, _("Set to %s") % quick)) if quick else "",
    )


def why_no_write(connection: Connection, member: Membership) -> tuple[str, str, str]:
    """Why this member cannot write through this connection ("" if so), and a link that helps."""
    if not member.reaches(Membership.Role.AGENT):
        return _("Your role may only read."), "", ""
    if connection.may_write:
        return "", "", ""
    if member.reaches(Membership.Role.ADMIN):
        return _("This key may only read."), _settings(member), _("Settings")
    return _("This key may only read."), "", ""


def text_of(request: HttpRequest) -> str:
    """The text as it was typed, with line ends as everywhere but in HTTP forms."""
    return request.POST.get("content", "").replace("\r\n", "\n").replace("\r", "\n")


def _settings(member: Membership) -> str:
    return reverse("settings-connections", args=[member.workspace.slug])
