"""Every room's tables, so that Django finds them; nothing else."""

from portal.audit.models import Entry
from portal.budget.models import Window
from portal.mirror.models import Contact, Conversation, Lead, Message, SyncState
from portal.outbox.models import Write
from portal.team.models import Membership, User, Workspace
from portal.vault.models import Connection

__all__ = [
    "Connection",
    "Contact",
    "Conversation",
    "Entry",
    "Lead",
    "Membership",
    "Message",
    "SyncState",
    "User",
    "Window",
    "Workspace",
    "Write",
]
