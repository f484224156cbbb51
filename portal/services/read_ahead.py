"""Read the messages of open conversations before anybody asks, while the key has nothing to do."""

from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone

from portal.budget import store as budget
from portal.budget.store import Lane
from portal.mirror.models import Conversation
from portal.providers.errors import TryLater
from portal.records import Can, State
from portal.services.conversations import refresh_conversation
from portal.services.upstream import provider_of
from portal.vault.models import Connection

# A few a pass, and none at all if more than this share of the minute's calls is used.
AT_ONCE = 5
IDLE_BELOW = 0.4
# A thread that seems to have changed in the future is read again no sooner.
AGAIN_AFTER = timedelta(minutes=10)
_OPEN = [State.OPEN.value, State.PENDING.value]


def read_ahead(connection: Connection) -> int:
    """
    Read the threads of the newest open conversations that changed since they were read.

    Returns how many. Stops at the first sign that the provider or the budget is busy.
    """
    if Can.READ_MESSAGES not in provider_of(connection).can:
        return 0
    done = 0
    for conversation in _unread(connection):
        if not _idle(connection):
            break
        try:
            refresh_conversation(conversation, lane=Lane.BACKGROUND)
        except TryLater:
            break
        done += 1
    return done


def _unread(connection: Connection) -> list[Conversation]:
    now = timezone.now()
    # A clock that is ahead of ours would have the same threads read with every pass.
    believed = Q(updated_at__lte=now) | Q(messages_at__lt=now - AGAIN_AFTER)
    unread = Q(messages_at=None) | (Q(messages_at__lt=F("updated_at")) & believed)
    rows = Conversation.objects.filter(
        unread, workspace_id=connection.workspace_id, connection=connection, gone_at=None
    ).filter(state__in=_OPEN)
    return list(rows.select_related("connection", "workspace").order_by("-active_at")[:AT_ONCE])


def _idle(connection: Connection) -> bool:
    usage = budget.usage([connection.key_mark]).get(connection.key_mark)
    return usage is None or (not usage.closed_seconds and usage.used < IDLE_BELOW * usage.limit)
