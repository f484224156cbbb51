"""
Into the mirror, and told to the open pages, in one transaction.

Every service that saves what a provider said goes through here, so that no page misses it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from portal.live import store as live
from portal.mirror import store
from portal.mirror.models import Conversation, Upstream
from portal.mirror.store import Record, Saved, Source
from portal.outbox.models import Write
from portal.records import Kind
from portal.services import outside

OUTBOX = "outbox"
"""What `live` calls a change of how a write stands."""


def keep_records(
    source: Source,
    kind: Kind,
    records: Iterable[Record],
    *,
    asked_at: datetime | None = None,
    whole: bool = False,
    ours: bool = False,
) -> Saved:
    """
    `store.save_records`, told to open pages. What differs from our copy was changed elsewhere
    and is noted so in the log, unless the records are the answers to writes of `ours`.
    """
    with transaction.atomic():
        saved = store.save_records(source, kind, records, asked_at=asked_at, whole=whole)
        live.note(source.workspace_id, kind.value, saved.ids)
        if not ours:
            outside.note_changes(source, kind, saved.changes)
    return saved


def keep_one(source: Source, kind: Kind, record: Record, *, ours: bool = False) -> Any:
    """Merge one record; return our copy as it is now, with its workspace and connection."""
    keep_records(source, kind, [record], ours=ours)
    return store.find(source, kind, record.upstream_id)


def keep_gone(row: Upstream, kind: Kind, *, ours: bool = False) -> None:
    """The record is not there any more, by a write of `ours` or by somebody elsewhere."""
    with transaction.atomic():
        store.mark_gone(row)
        live.note(row.workspace_id, kind.value, [row.pk])
        if not ours:
            outside.note_gone(Source(row.connection_id, row.workspace_id), kind, [row])


def thread_changed(conversation: Conversation) -> None:
    """Messages of this conversation changed: tell the open pages. In the caller's transaction."""
    live.note(conversation.workspace_id, Kind.CONVERSATIONS.value, [conversation.pk])


def write_moved(write: Write) -> None:
    """
    A write stands otherwise than before: the outbox's page, and its record's, show it. In the
    transaction that moved it.
    """
    live.note(write.workspace_id, OUTBOX, [write.pk])
    if write.entry.subject_id is not None:
        live.note(write.workspace_id, write.kind, [write.entry.subject_id])
