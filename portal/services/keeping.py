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

OUTBOX = "outbox"
"""What `live` calls a change of how a write stands."""


def keep_records(
    source: Source,
    kind: Kind,
    records: Iterable[Record],
    *,
    asked_at: datetime | None = None,
    whole: bool = False,
) -> Saved:
    """`store.save_records`, told to open pages."""
    with transaction.atomic():
        saved = store.save_records(source, kind, records, asked_at=asked_at, whole=whole)
        live.note(source.workspace_id, kind.value, saved.ids)
    return saved


def keep_one(source: Source, kind: Kind, record: Record) -> Any:
    """Merge one record; return our copy as it is now, with its workspace and connection."""
    keep_records(source, kind, [record])
    return store.find(source, kind, record.upstream_id)


def keep_gone(row: Upstream, kind: Kind) -> None:
    """The record is not there any more."""
    with transaction.atomic():
        store.mark_gone(row)
        live.note(row.workspace_id, kind.value, [row.pk])


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
