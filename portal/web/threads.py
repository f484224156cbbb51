"""What a conversation's thread shows: its messages, what is still on its way, what is unknown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.mirror import threads
from portal.mirror.models import Conversation, Message
from portal.outbox import decisions
from portal.outbox.models import Write
from portal.records import Author, Can, Kind
from portal.services import connections
from portal.vault.models import Connection
from portal.web.markdown import rendered
from portal.web.waiting import ICONS, acts_of, seconds_left, standing_of, why_of

FRESH_FOR = timedelta(seconds=60)
PRIVATE = {"message.send": False, "message.note": True}
# How long after a reply should have gone its mark is still asked for; then no worker runs.
ASK_FOR, ASK_EVERY_SECONDS = timedelta(minutes=2), 3


@dataclass(frozen=True, slots=True)
class Bubble:
    """
    One message as the page shows it.

    `side` is theirs (left), ours (right) or a note (full width). `html` is Markdown of ours,
    None where the text stands as it came. `at` is None where the provider told no time.
    `standing` says how a message of ours stands, with its `icon`; `settled` whether it ended;
    `failed` that it waited here and was then refused: its text is nowhere else. A message that
    is not settled is its `write`: `seconds` is how long it can be taken back, `acts` what may
    be done about it (`waiting.Line`).
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
    write: Write | None = None
    seconds: int = 0
    acts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Thread:
    """
    A thread and what the page cannot know of it.

    `unknown` is why the history is not whole, "" if it is. `stale` asks for a fresh copy;
    `read_at` is when the one here was read, None if never.
    `status_write` is a change of status that is still on its way, in words; `status_href` is
    its page. `ask_in` is in how many seconds to look how a message stands by then, 0 if none
    is on its way.
    """

    bubbles: list[Bubble]
    unknown: str
    stale: bool
    read_at: datetime | None
    status_write: str = ""
    status_icon: str = ""
    status_href: str = ""
    ask_in: int = 0


def thread_of(conversation: Conversation) -> Thread:
    """The thread as known here, oldest first, then what is still on its way."""
    connection = conversation.connection
    name = connections.name_of(connection)
    told = [_told(message, conversation) for message in threads.messages(conversation)]
    writes = _open_writes(conversation)
    waiting = [_waiting(write, name) for write in writes if write.action in PRIVATE]
    status = next((w for w in reversed(writes) if w.action == "conversation.status"), None)
    icon, words = _standing(status, name) if status else ("", "")
    return Thread(
        bubbles=told + waiting,
        unknown=_unknown(connection),
        stale=is_stale(conversation),
        read_at=_read_at(conversation),
        status_write=f"{status.changes.get('status', '')}: {words}" if status else "",
        status_icon=icon,
        status_href=_address(conversation, status) if status else "",
        ask_in=_ask_in([write for write in writes if write.action in PRIVATE]),
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
    rows = decisions.listed_of(
        conversation.connection_id, Kind.CONVERSATIONS.value, conversation.upstream_id
    )
    return list(rows.select_related("connection"))[::-1]


def _ask_in(writes: list[Write]) -> int:
    """In how many seconds a message that is on its way will stand otherwise."""
    waits: list[int] = []
    for write in writes:
        left = seconds_left(write)
        if left:
            waits.append(left + 1)
        elif write.status == Write.Status.IN_FLIGHT or _just_due(write):
            waits.append(ASK_EVERY_SECONDS)
    return min(waits, default=0)


def _just_due(write: Write) -> bool:
    """Whether its time has just come: a worker takes it any moment, if one runs."""
    if write.status != Write.Status.QUEUED or write.not_before is None:
        return False
    return timedelta(0) <= timezone.now() - write.not_before < ASK_FOR


def _address(conversation: Conversation, write: Write) -> str:
    return reverse("outbox-detail", args=[conversation.workspace.slug, write.pk])


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
        write=write,
        seconds=seconds_left(write),
        acts=acts_of(write),
    )


def _standing(write: Write, name: str) -> tuple[str, str]:
    """The icon and the words of a write that is not settled, or was refused after it waited."""
    why = why_of(write, name)
    if seconds_left(write):
        return ICONS[Write.Status(write.status)], why
    return ICONS[Write.Status(write.status)], f"{standing_of(write)}. {why}".strip()
