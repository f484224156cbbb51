"""
The messages of mirrored conversations: the other half of the mirror's one writer.

Where an API tells the history it is the truth. Where it does not, the thread is built
from `last_message`, from deliveries, and from what we sent ourselves.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal.mirror import columns, delivered
from portal.mirror.models import Conversation, Message
from portal.mirror.store import Source
from portal.records import Author, ConversationRecord, MessageRecord, SentMessage
from portal.team.holding import hold

NEWEST = 100
"""How many messages of a conversation a search looks through."""


def messages(conversation: Conversation) -> list[Message]:
    """The thread as known here, oldest first, each with the write that sent it, if we did."""
    rows = conversation.messages.select_related("write", "write__actor").order_by(
        Coalesce("sent_at", "seen_at"), "position", "id"
    )
    return list(rows.fetch_mode(models.FETCH_RAISE))


def save_history(conversation: Conversation, history: Sequence[MessageRecord]) -> int:
    """
    Make the thread equal to the provider's whole history; return how many messages changed.

    Messages without an id are known by their position. What we sent and the history does
    not show yet is kept.
    """
    with transaction.atomic():
        hold(conversation.workspace_id)
        known = {m.upstream_id: m for m in conversation.messages.filter(origin="history")}
        changed = 0
        for position, record in enumerate(history):
            key = record.upstream_id or f"#{position}"
            row = known.pop(key, None) or Message(conversation=conversation, upstream_id=key)
            changed += _write(row, record, position, Message.Origin.HISTORY)
        if known:
            conversation.messages.filter(pk__in=[m.pk for m in known.values()]).delete()
        conversation.messages_at = timezone.now()
        conversation.save(update_fields=["messages_at"])
        if changed or known:
            make_searchable([conversation.pk])
    return changed + len(known)


def note_last_messages(source: Source, records: Iterable[ConversationRecord]) -> bool:
    """
    Keep each record's `last_message`: a piece of the thread, author and time not told. Tell
    whether one of them is news. In a transaction that holds the workspace.
    """
    told = {r.upstream_id: r for r in records if r.last_message_id and r.last_message}
    rows = Conversation.objects.filter(
        connection_id=source.connection_id, upstream_id__in=list(told)
    )
    now = timezone.now()
    new = set(told) - _told_before(rows, told)
    rows = rows.filter(upstream_id__in=new)
    rows = rows.exclude(pk__in=_delivered_before(rows, told))
    made = Message.objects.bulk_create(
        [
            Message(
                workspace_id=source.workspace_id,
                conversation_id=pk,
                upstream_id=told[upstream_id].last_message_id,
                origin=Message.Origin.LAST_MESSAGE,
                author=Author.UNKNOWN.value,
                text=columns.clean(told[upstream_id].last_message, 200_000),
                seen_at=now,
            )
            for pk, upstream_id in rows.values_list("pk", "upstream_id")
        ],
        ignore_conflicts=True,
    )
    several = rows.annotate(known=Count("messages")).filter(known__gt=1)
    make_searchable(several.values_list("pk", flat=True))
    return bool(made)


def _told_before(
    rows: "models.QuerySet[Conversation]", told: dict[str, ConversationRecord]
) -> set[str]:
    """The conversations whose `last_message` we have."""
    ids = [record.last_message_id for record in told.values()]
    have = Message.objects.filter(conversation__in=rows, upstream_id__in=ids)
    pairs = set(have.values_list("conversation__upstream_id", "upstream_id"))
    return {key for key, record in told.items() if (key, record.last_message_id) in pairs}


def _delivered_before(
    rows: "models.QuerySet[Conversation]", told: dict[str, ConversationRecord]
) -> set[int]:
    """The conversations whose `last_message` a delivery told under an id of another form."""
    return delivered.known_by_text(
        {
            pk: (told[upstream_id].last_message_id, told[upstream_id].last_message)
            for pk, upstream_id in rows.values_list("pk", "upstream_id")
        }
    )


def make_searchable(conversation_ids: Iterable[int]) -> None:
    """
    Let a search find what is said in these conversations now: their newest messages, as
    many as `columns.THREAD_LIMIT` characters hold. For whoever changed their messages, in
    the same transaction, which holds the workspace.
    """
    for row in Conversation.objects.only("search_text").filter(pk__in=list(conversation_ids)):
        texts = row.messages.order_by(Coalesce("sent_at", "seen_at").desc(), "-position", "-id")
        newest = texts.values_list("text", flat=True)[:NEWEST]
        text = columns.with_thread(row.search_text, newest)
        if text != row.search_text:
            Conversation.objects.filter(pk=row.pk).update(search_text=text)


def save_sent(
    conversation: Conversation,
    sent: SentMessage,
    *,
    text: str,
    private: bool,
    author_name: str,
    write_id: int,
) -> Message:
    """A message of ours that the provider took, under the id it gave."""
    upstream_id = sent.upstream_id or f"write-{write_id}"
    values = {
        "workspace_id": conversation.workspace_id,
        "origin": Message.Origin.OURS,
        "author": Author.AGENT.value,
        "author_name": columns.clean(author_name, 200),
        "text": columns.clean(text, 200_000),
        "private": private,
        "sent_at": columns.moment(sent.sent_at) or timezone.now(),
        "raw": dict(sent.raw),
        "write_id": write_id,
        "seen_at": timezone.now(),
    }
    with transaction.atomic():
        hold(conversation.workspace_id)
        message, _ = Message.objects.update_or_create(
            conversation=conversation, upstream_id=upstream_id, defaults=values
        )
        make_searchable([conversation.pk])
    return message


def _write(row: Message, record: MessageRecord, position: int, origin: str) -> bool:
    """Fill the row from the record; save and tell True only if something changed."""
    values: dict[str, Any] = {
        "origin": origin,
        "author": record.author.value,
        "author_name": columns.clean(record.author_word, 200),
        "text": columns.clean(record.text, 200_000),
        "private": record.private,
        "sent_at": columns.moment(record.sent_at),
        "position": position,
        "raw": dict(record.raw),
    }
    if row.pk and all(getattr(row, name) == value for name, value in values.items()):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    row.workspace_id, row.seen_at = row.conversation.workspace_id, timezone.now()
    row.save()
    return True


def read_lately(conversation: Conversation, after: datetime) -> bool:
    """Whether the history was read after this moment."""
    return conversation.messages_at is not None and conversation.messages_at > after


def told_since(
    conversation: Conversation, text: str, moment: datetime, *, private: bool
) -> Message | None:
    """
    The oldest message with this text that an event told since then, written by our side and
    not known to be another write's.
    """
    rows = conversation.messages.filter(
        origin=Message.Origin.DELIVERY,
        author__in=[Author.AGENT.value, Author.BOT.value],
        text=columns.clean(text, 200_000),
        private=private,
        write=None,
        seen_at__gte=moment,
    )
    return rows.order_by("sent_at", "id").first()


def knew(conversation: Conversation, upstream_id: str, *, before: datetime) -> bool:
    """Whether this message was known before that moment, or is one that a write of ours made."""
    rows = conversation.messages.filter(upstream_id=upstream_id)
    return rows.filter(Q(seen_at__lt=before) | Q(write__isnull=False)).exists()


def known_since(conversation: Conversation, moment: datetime) -> list[Message]:
    """What became known here after this moment, by whatever way, but for private notes."""
    rows = conversation.messages.filter(private=False, seen_at__gt=moment)
    return list(rows.select_related("write").order_by("id").fetch_mode(models.FETCH_RAISE))
