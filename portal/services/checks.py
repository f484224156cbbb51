"""What admins decide about the copy: check everything, believe or not that records are gone."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from portal.audit import log
from portal.errors import PortalError
from portal.live import store as live
from portal.mirror import gone, progress
from portal.mirror.models import SyncState
from portal.mirror.store import Source
from portal.records import Kind
from portal.services.missing import count_speaks_against
from portal.services.upstream import provider_of
from portal.team.models import Membership, Workspace
from portal.texts import gettext_noop
from portal.vault.models import Connection


class NotMissingAnyMore(PortalError):
    """Since the check the service lists more records again: nothing is taken away."""

    message = gettext_noop(
        "The service lists them again. Nothing was deleted; everything is checked anew."
    )
    http_status = 409


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading everything of a connection costs: calls, and rows they bring."""

    calls: int
    rows: int


def cost_of(connection: Connection, states: list[SyncState]) -> Cost:
    """What a check of every kind costs, by the counts the provider told last."""
    totals = [
        s.told_total or 0
        for s in states
        if s.connection_id == connection.pk and s.phase == SyncState.Phase.FOLLOW
    ]
    return Cost(sum(max(1, -(-total // 100)) for total in totals), sum(totals))


def check_everything(connection: Connection, *, actor: Membership) -> None:
    """Have every kind of this connection checked with the next pass."""
    actor.require(Membership.Role.ADMIN)
    with transaction.atomic():
        for kind in provider_of(connection).kinds:
            state = progress.state_of(_source(connection), kind)
            if state is not None:
                progress.want_check(state, pause=0)
        _log(connection, "sync.check", actor)


def confirm_missing(state: SyncState, connection: Connection, *, actor: Membership) -> int:
    """
    The records that a check did not find are gone; return how many were taken away.

    What came back meanwhile stays, as far as we were told. Raises `NotMissingAnyMore` where
    the provider's own count speaks against it. Each record returns when it is seen again.
    """
    actor.require(Membership.Role.ADMIN)
    source, kind = _source(connection), Kind(state.kind)
    with transaction.atomic():
        state = _held(state)
        if not state.missing or state.check_started_at is None:
            return 0
        recovered = count_speaks_against(state, source, kind)
        if not recovered:
            ids = gone.bury(source, kind, gone.missing(source, kind, state))
            live.note(source.workspace_id, kind.value, ids)
            gone.forget_set_aside(source, kind, state.check_started_at)
            _settle(state, source, kind)
            _log(connection, "sync.confirm_missing", actor, kind=kind.value, records=len(ids))
    if recovered:
        with transaction.atomic():
            _settle(state, source, kind)
            progress.want_check(state, pause=0)
        raise NotMissingAnyMore(state.pk)
    return len(ids)


def dismiss_missing(state: SyncState, connection: Connection, *, actor: Membership) -> None:
    """Keep what a check did not find; the next daily check asks again."""
    actor.require(Membership.Role.ADMIN)
    with transaction.atomic():
        state = _held(state)
        number = state.missing
        if number:
            _settle(state, _source(connection), Kind(state.kind))
            _log(connection, "sync.dismiss_missing", actor, kind=state.kind, records=number)


def state_in(workspace: Workspace, state_id: int) -> SyncState | None:
    """The workspace's sync state of that id, None for a foreign one as for none."""
    return SyncState.objects.filter(workspace=workspace, pk=state_id).first()


def _held(state: SyncState) -> SyncState:
    return SyncState.objects.select_for_update().get(pk=state.pk)


def _settle(state: SyncState, source: Source, kind: Kind) -> None:
    """Nobody is asked any more; what difference stays is known."""
    gone.forget(state)
    here = gone.live(source, kind) + gone.aside(source, kind)
    SyncState.objects.filter(pk=state.pk).update(
        missing=0,
        check_started_at=None,
        checked_at=timezone.now(),
        drift=0 if state.told_total is None else state.told_total - here,
    )


def _source(connection: Connection) -> Source:
    return Source(connection.pk, connection.workspace_id)


def _log(connection: Connection, action: str, actor: Membership, **after: object) -> None:
    log.record(connection.workspace, action, actor=actor.user, subject=str(connection), after=after)
