"""What a conversation's thread shows: its messages, what is still on its way, what is unknown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.mirror import threads
from portal.mirror.models import Conversation, Message
from portal.outbox import store as outbox
from portal.outbox.models import Write
from portal.records import Author, Can, Kind
from portal.services import connections
from portal.vault.models import Connection
from portal.web.markdown import rendered

FRESH_FOR = timedelta(seconds=60)
PRIVATE = {"message.send": False, "message.note": True}
# How an open write stands: the icon and the words at its message.
STANDING = {
    Write.Status.QUEUED: ("clock", gettext_noop("Saved here. It will be sent when %s answers.")),
    Write.Status.IN_FLIGHT: ("clock", gettext_noop("Sending to %s")),
    Write.Status.UNKNOWN: (
        "alert",
        gettext_noop("Not confirmed: %s did not answer in time. Checking; do not send it again."),
    ),
    Write.Status.UNDECIDED: (
        "alert",
        gettext_noop("Not confirmed: look in %s whether it arrived before you send it again."),
    ),
}


@dataclass(frozen=True, slots=True)
class Bubble:
    """
    One message as the page shows it.

    `side` is theirs (left), ours (right) or a note (full width). `html` is Markdown of ours,
    None where the text stands as it came. `at` is None where the provider told no time.
    `standing` says how a message of ours stands, with its `icon`; `settled` whether it ended;
    `failed` that it waited here and was then refused: its text is nowhere else.
    """

    key: str
    side: Literal["theirs", "ours", "note"]
    author: str
    text: str
    html: SafeString | None = None
    at: datetime | None = None
    bot: bool = False
    icon: str = ""
    standing: str = ""
    settled: bool = True
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """
    A thread and what the page cannot know of it.

    `unknown` is why the history is not whole, "" if it is. `stale` asks for a fresh copy;
    `read_at` is when the one here was read, None if never.
    `status_write` is a change of status that is still on its way, in words.
    """

    bubbles: list[Bubble]
    unknown: str
    stale: bool
    read_at: datetime | None
    status_write: str = ""
    status_icon: str = ""


def thread_of(conversation: Conversation) -> Thread:
    """The thread as known here, oldest first, then what is still on its way."""
    connection = conversation.connection
    name = connections.name_of(connection)
    told = [_told(message, conversation) for message in threads.messages(conversation)]
    writes = _open_writes(conversation)
    waiting = [_waiting(write, name) for write in writes if write.action in PRIVATE]
    icon, words = _status_write(writes, name)
    return Thread(
        bubbles=told + waiting,
        unknown=_unknown(connection),
        stale=is_stale(conversation),
        read_at=_read_at(conversation),
        status_write=words,
        status_icon=icon,
    )


def is_stale(conversation: Conversation) -> bool:
    """Whether the page asks once for a fresh copy, if the key can be used at all."""
    if conversation.connection.status == Connection.Status.KEY_REJECTED:
        return False
    since = timezone.now() - FRESH_FOR
    if connections.able([conversation.connection], Can.READ_MESSAGES):
        return not threads.read_lately(conversation, since)
    return conversation.seen_at < since or "participants" not in conversation.raw


def _read_at(conversation: Conversation) -> datetime | None:
    """When the thread was last read, as far as this API lets it be read."""
    if connections.able([conversation.connection], Can.READ_MESSAGES):
        return conversation.messages_at
    return conversation.seen_at


def _unknown(connection: Connection) -> str:
    reason = connections.why_not(connection, Can.READ_MESSAGES)
    if not reason:
        return ""
    known = _(
        "Here is what is known: its last message, what webhooks told, and what was sent from "
        "this portal."
    )
    return f"{_(reason)} {known}"


def _told(message: Message, conversation: Conversation) -> Bubble:
    ours = message.origin == Message.Origin.OURS
    icon, standing = (
        ("check", _("Added from here") if message.private else _("Sent from here"))
        if ours
        else ("", "")
    )
    if message.possibly_repeated:
        icon, standing = "alert", _("Possibly repeated: an equal event came before")
    return Bubble(
        key=f"message-{message.pk}",
        side=_side(message),
        author=_author(message, conversation),
        text=message.text,
        html=rendered(message.text) if ours else None,
        at=message.sent_at,
        bot=message.author == Author.BOT,
        icon=icon,
        standing=standing,
    )


def _side(message: Message) -> Literal["theirs", "ours", "note"]:
    if message.private:
        return "note"
    return "ours" if message.author in (Author.AGENT, Author.BOT) else "theirs"


def _author(message: Message, conversation: Conversation) -> str:
    """Who wrote it, as far as the provider tells; never a name that it did not tell."""
    if message.origin == Message.Origin.OURS:
        return message.author_name or _("Somebody here")
    if message.author == Author.VISITOR:
        return conversation.visitor_name or conversation.visitor_email or _("Visitor")
    if message.author == Author.AGENT:
        return _("Agent")
    if message.author == Author.BOT:
        return _("Bot")
    word = message.author_name
    return _("Unknown sender (%s)") % word if word else _("Unknown sender")


def _open_writes(conversation: Conversation) -> list[Write]:
    rows = outbox.unsettled_or_refused_late(
        conversation.connection_id, Kind.CONVERSATIONS.value, conversation.upstream_id
    )
    return list(rows.select_related("actor"))[::-1]


def _waiting(write: Write, name: str) -> Bubble:
    text = str(write.changes.get("text", ""))
    icon, standing = _standing(write, name)
    return Bubble(
        key=f"write-{write.pk}",
        side="note" if PRIVATE[write.action] else "ours",
        author=str(write.actor) if write.actor else _("Somebody here"),
        text=text,
        html=rendered(text),
        at=write.created_at,
        icon=icon,
        standing=standing,
        settled=False,
        failed=write.status == Write.Status.REFUSED,
    )


def _standing(write: Write, name: str) -> tuple[str, str]:
    """The icon and the words of a write that is open, or was refused after it waited."""
    if write.status == Write.Status.REFUSED:
        said = f" {name}: “{write.said}”" if write.said else ""
        return "error", _("Not sent.") + said
    icon, words = STANDING[Write.Status(write.status)]
    return icon, _(words) % name


def _status_write(writes: list[Write], name: str) -> tuple[str, str]:
    found = [write for write in writes if write.action == "conversation.status"]
    if not found:
        return "", ""
    icon, words = _standing(found[-1], name)
    return icon, f"{found[-1].changes.get('status', '')}: {words}"
