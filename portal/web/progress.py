"""The progress of first copies, in words: "copying 300 of 1,204 leads, about 20 s left"."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.mirror.models import SyncState
from portal.records import Kind
from portal.services import connections as service
from portal.vault.models import Connection

KINDS = {
    Kind.LEADS: gettext_lazy("leads"),
    Kind.CONTACTS: gettext_lazy("contacts"),
    Kind.CONVERSATIONS: gettext_lazy("conversations"),
}


@dataclass(frozen=True, slots=True)
class FirstPass:
    """
    The first copy of one kind: `done` of `total` (None: the service has not told yet).

    `started` is False while it waits for its turn; `running` tells whether somebody works
    on it now. `left` says in words how long it will take, "" if nobody knows; `trouble`
    says why it stands.
    """

    name: str
    kind: str
    started: bool = False
    running: bool = False
    done: int = 0
    total: int | None = None
    left: str = ""
    trouble: str = ""


def first_passes(connections: list[Connection], states: list[SyncState]) -> list[FirstPass]:
    """The kinds whose first copy is not complete, in the order they are copied."""
    known = {(state.connection_id, state.kind): state for state in states}
    passes = [
        _first_pass(service.name_of(connection), kind, known.get((connection.pk, kind.value)))
        for connection in connections
        if connection.status == Connection.Status.OK
        for kind in service.kinds_of(connection)
    ]
    return [p for p in passes if p is not None]


def _first_pass(name: str, kind: Kind, state: SyncState | None) -> FirstPass | None:
    words = str(KINDS[kind])
    if state is None:
        return FirstPass(name, words)
    if state.phase != SyncState.Phase.BACKFILL:
        return None
    running = state.lease_until is not None and state.lease_until > timezone.now()
    return FirstPass(
        name,
        words,
        started=True,
        running=running,
        done=state.rows,
        total=state.told_total,
        left="" if state.error or not running else time_left(state),
        trouble=_(state.error) if state.error else "",
    )


def time_left(state: SyncState) -> str:
    """How long the rest takes if it goes on as it went so far; "" if nobody can know."""
    if not (state.rows and state.told_total and state.walk_started_at):
        return ""
    passed = timezone.now() - state.walk_started_at
    rest = max(0, state.told_total - state.rows)
    return in_words(passed * rest / state.rows) if passed > timedelta() else ""


def in_words(time: timedelta) -> str:
    """A short time, rounded up: "about 20 s left", "about 3 min left"."""
    seconds = max(1, -int(-time.total_seconds() // 1))
    if seconds <= 90:
        return _("about %d s left") % (-(-seconds // 5) * 5)
    minutes = -(-seconds // 60)
    return ngettext("about %d min left", "about %d min left", minutes) % minutes
