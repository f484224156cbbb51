"""
Messages that a delivery told, where no call reads the history (facts B5): each kept once,
though the list's `last_message` and our own sends tell of the same ones under other ids.

Ids are compared where they can be: "that webhook ids equal REST ids is undocumented", so
where two ids are of another form, or one is missing, the text and the time have to do.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils import timezone

from portal.mirror import columns
from portal.mirror.models import Conversation, Message
from portal.records import MessageRecord

# A message of ours comes back as an event at once, if it does.
OURS_WITHIN = timedelta(minutes=2)
# The list is read each minute; with our share of the budget gone it may take longer.
HINT_WITHIN = timedelta(minutes=10)


def save_delivered(
    conversation: Conversation,
    record: MessageRecord,
    *,
    key: str,
    at: datetime,
    outgoing: bool = False,
) -> bool:
    """
    Keep one delivered message; tell whether the thread changed. Twice is once.

    `key` is our name for it where it has no id of its own, `at` when it was written, or
    else when we heard of it.
    """
    name = record.upstream_id or key
    row = conversation.messages.filter(upstream_id=name).first()
    if row is None:
        if outgoing and _ours(conversation, record, at):
            return False
        row = _hint(conversation, record, at) or Message(conversation=conversation)
        row.upstream_id = record.upstream_id or row.upstream_id or key
    return _fill(row, record, at)


def known_by_text(told: Mapping[int, tuple[str, str]]) -> set[int]:
    """
    The conversations (by our id) whose newest message is, under another form of id, the
    `last_message` that their list item tells as (id, text).
    """
    if not told:
        return set()
    same = Message.objects.filter(
        conversation_id__in=list(told),
        origin=Message.Origin.DELIVERY,
        text__in={columns.clean(text, 200_000) for _, text in told.values()},
    )
    return {
        row.conversation_id
        for row in same
        if row.text == columns.clean(told[row.conversation_id][1], 200_000)
        and not _comparable(row.upstream_id, told[row.conversation_id][0])
        and not Message.objects.filter(
            conversation_id=row.conversation_id, sent_at__gt=row.sent_at
        ).exists()
    }


def _ours(conversation: Conversation, record: MessageRecord, at: datetime) -> bool:
    """Whether it is a message that we sent ourselves just before."""
    sent = conversation.messages.filter(
        origin=Message.Origin.OURS,
        text=columns.clean(record.text, 200_000),
        private=record.private,
        sent_at__range=(at - OURS_WITHIN, at + OURS_WITHIN),
    )
    return any(not _comparable(row.upstream_id, record.upstream_id) for row in sent)


def _hint(conversation: Conversation, record: MessageRecord, at: datetime) -> Message | None:
    """What the list or an earlier try of this delivery told of the same message."""
    text = columns.clean(record.text, 200_000)
    rows = conversation.messages.filter(text=text)
    if not record.upstream_id:
        again = rows.filter(origin=Message.Origin.DELIVERY, sent_at=at).first()
        if again is not None:
            return again
    hints = rows.filter(
        origin=Message.Origin.LAST_MESSAGE,
        seen_at__range=(at - HINT_WITHIN, at + HINT_WITHIN),
    )
    return next((h for h in hints if not _comparable(h.upstream_id, record.upstream_id)), None)


def _fill(row: Message, record: MessageRecord, at: datetime) -> bool:
    """Write what was told into the row, unless a better source holds it already."""
    if row.pk and row.origin in (Message.Origin.OURS, Message.Origin.HISTORY):
        return False
    before = [getattr(row, name) for name in _WRITTEN]
    row.workspace_id, row.origin = row.conversation.workspace_id, Message.Origin.DELIVERY
    row.author = record.author.value
    row.author_name = columns.clean(record.author_word, 200)
    row.text = columns.clean(record.text, 200_000)
    row.private, row.raw = record.private, dict(record.raw)
    row.sent_at = columns.moment(record.sent_at) or columns.moment(at)
    if row.pk and before == [getattr(row, name) for name in _WRITTEN]:
        return False
    # What the list showed before was seen then: being told who wrote it makes it no newer.
    row.seen_at = row.seen_at if row.pk else timezone.now()
    row.save()
    return True


_WRITTEN = ("upstream_id", "origin", "author", "author_name", "text", "private", "sent_at")


def _comparable(one: str, other: str) -> bool:
    """
    Whether two ids are of one form (msg_1 and msg_2), so that unequal ones are two messages.

    Our own names (delivery-7) and missing ids compare with nothing.
    """
    heads = [name.partition("_")[0] for name in (one, other) if "_" in name]
    return len(heads) == 2 and heads[0] == heads[1]
