"""Queued writes, sent by a worker: by the person who wrote them, if they still may."""

import time
from collections.abc import Sequence

from django.db import transaction

from portal.audit import log
from portal.errors import NotAllowed, PortalError
from portal.mirror import store, threads
from portal.mirror.models import Conversation, Message
from portal.outbox import sightings, silences
from portal.outbox import store as outbox
from portal.outbox.models import Write
from portal.records import Author, Kind
from portal.services.errors import NewerMessage
from portal.services.keeping import write_moved
from portal.services.upstream import source_of
from portal.services.values import same_text
from portal.services.writes import attempt, settle_refusal
from portal.team.holding import hold
from portal.team.models import Membership
from portal.texts import gettext_noop

FELL_SILENT = gettext_noop("It was being sent when the program that sent it ended.")


def expire_silent() -> None:
    """Who fell silent while sending leaves a doubt, and the open pages say so."""
    for write in silences.silent():
        with transaction.atomic():
            hold(write.workspace_id)
            if silences.doubt(write):
                log.doubt(write.entry, FELL_SILENT)
                write_moved(write)


def send_due(seconds: float = 45) -> int:
    """
    Send the queued writes whose time has come, each once; return how many were tried.

    A connection that cannot be reached now is left alone for this turn.
    """
    expire_silent()
    until, tried = time.monotonic() + seconds, 0
    down: set[int] = set()
    for write_id in outbox.due():
        if time.monotonic() > until:
            break
        write = outbox.claim(write_id, but_not=down)
        if write is not None:
            tried += 1
            if _send_claimed(write).status == Write.Status.QUEUED:
                down.add(write.connection_id)
    return tried


def send_one(write_id: int) -> Write | None:
    """Send this queued write if its time has come; as it stands then, None if nobody may."""
    expire_silent()
    write = outbox.claim(write_id)
    return _send_claimed(write) if write is not None else None


def _send_claimed(write: Write) -> Write:
    """As the person who wrote it, if they still may; a refusal stays on the row."""
    try:
        if not _still_may(write):
            settle_refusal(write, NotAllowed())
        elif came_too_late(write):
            settle_refusal(write, NewerMessage())
        else:
            attempt(write)
    except PortalError:
        """Settled and said on the row: the pages show it."""
    write.refresh_from_db()
    return write


def came_too_late(write: Write) -> bool:
    """Whether somebody else spoke while this reply waited: its author should read that first."""
    if write.action != "message.send":
        return False
    row = store.find(source_of(write.connection), Kind.CONVERSATIONS, write.upstream_id)
    if not isinstance(row, Conversation):
        return False
    news = threads.known_since(row, write.created_at)
    ours = sightings.said(write.connection_id, write.upstream_id) if news else []
    return any(_is_by_another(message, write, ours) for message in news)


def _is_by_another(message: Message, write: Write, ours: Sequence[str]) -> bool:
    """
    The customer, a colleague here or there, or somebody of whom the list does not tell who it
    is: then it is another unless the words are ours, which come back under other ids (facts B5).
    """
    if message.write is not None:
        return message.write.actor_id != write.actor_id
    if message.author == Author.VISITOR:
        return True
    return not any(same_text(message.text, text) for text in ours)


def _still_may(write: Write) -> bool:
    member = Membership.objects.filter(workspace=write.workspace, user=write.actor).first()
    return member is not None and member.reaches(Membership.Role.AGENT)
