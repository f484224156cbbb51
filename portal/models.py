"""Every room's tables, so that Django finds them; nothing else."""

from portal.audit.models import Chain, Entry, Link
from portal.batches.models import Batch, BatchRow, Mapping
from portal.budget.models import Breaker, Window
from portal.deliveries.models import Delivery
from portal.live.models import Change, Version
from portal.mirror.models import (
    Contact,
    Conversation,
    Counter,
    Lead,
    Message,
    Seen,
    SetAside,
    SyncRun,
    SyncState,
)
from portal.outbox.models import Held, Write
from portal.team.models import Membership, User, Workspace
from portal.vault.models import Connection

__all__ = [
    "Batch",
    "BatchRow",
    "Breaker",
    "Chain",
    "Change",
    "Connection",
    "Contact",
    "Conversation",
    "Counter",
    "Delivery",
    "Entry",
    "Held",
    "Lead",
    "Link",
    "Mapping",
    "Membership",
    "Message",
    "Seen",
    "SetAside",
    "SyncRun",
    "SyncState",
    "User",
    "Version",
    "Window",
    "Workspace",
    "Write",
]
