"""Connections of a workspace: add a key, try it, replace it, remove it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from portal.audit import log
from portal.errors import PortalError
from portal.providers import registry
from portal.providers.contract import Provider
from portal.providers.errors import ProviderError
from portal.records import Can, FieldSpec, Form, Kind, State
from portal.services import checks
from portal.services.errors import AlreadyConnected, AnotherAccount, CannotDo
from portal.services.identity import opens_account_of
from portal.services.upstream import connect, provider_of, try_out
from portal.team.models import Membership, User, Workspace
from portal.vault import store as vault
from portal.vault.models import Connection
from portal.vault.seal import Secret


@dataclass(frozen=True, slots=True)
class Trial:
    """A key that works: one list call, how long it took (seconds), what it could see."""

    seconds: float
    kind: str
    total: int | None


def providers() -> list[Provider]:
    """Everything a workspace can be connected to."""
    return list(registry.PROVIDERS.values())


def of_workspace(workspace: Workspace) -> list[Connection]:
    return list(vault.connections(workspace))


def able(connections: Sequence[Connection], can: Can) -> list[Connection]:
    """The connections whose API has this call."""
    return [c for c in connections if can in provider_of(c).can]


def why_not(connection: Connection, can: Can) -> str:
    """The provider's reason for lacking an ability, "" if it has it."""
    provider = provider_of(connection)
    return "" if can in provider.can else provider.cannot.get(can, CannotDo.message)


def kinds_of(connection: Connection) -> tuple[Kind, ...]:
    """The kinds of records this connection's API lists, in the order they are copied."""
    return tuple(provider_of(connection).kinds)


def fields_of(connection: Connection, form: Form) -> tuple[FieldSpec, ...]:
    """The fields of one of the provider's forms, () if it has no such form."""
    return provider_of(connection).forms.get(form, ())


def name_of(connection: Connection) -> str:
    """What people call the connection: its own label, else the provider's name."""
    return connection.label or provider_of(connection).name


def stages_of(connections: Sequence[Connection]) -> list[str]:
    """The lead stages these providers name, in the pipeline's order; a team may have others."""
    return list(dict.fromkeys(stage for c in connections for stage in provider_of(c).stages))


def settable_statuses(connection: Connection) -> dict[str, State]:
    """The status words a conversation may be given, each with its normal form."""
    provider = provider_of(connection)
    return {word: provider.statuses[word] for word in provider.settable_statuses}


def dashboard_of(connection: Connection) -> str:
    """Where the provider's own pages are, "" if not known."""
    return provider_of(connection).dashboard_url


def add(
    workspace: Workspace,
    provider_slug: str,
    key: Secret,
    *,
    label: str = "",
    webhook_secret: Secret | None = None,
    actor: Membership | None,
) -> tuple[Connection, Trial]:
    """
    Try the key, then store it sealed. A key that does not work is not stored.

    `actor` is None only for the command line. Raises `NotAllowed`, `AlreadyConnected`, or
    what the provider said: `KeyRejected`, `NotPermitted`, `TryLater`, `BrokenContract`.
    """
    if actor is not None:
        actor.require(Membership.Role.ADMIN)
    provider = registry.get(provider_slug)
    mark = vault.key_mark(provider.slug, key)
    if workspace.connections.filter(key_mark=mark).exists():
        raise AlreadyConnected(provider.slug)
    trial = _try(provider, key, mark)
    with transaction.atomic():
        connection = vault.create(
            workspace, provider=provider.slug, key=key, label=label, webhook_secret=webhook_secret
        )
        vault.note_ok(connection)
        _log(connection, "connection.add", actor)
    return connection, trial


def replace_key(
    connection: Connection, key: Secret, *, actor: Membership, sure: bool = False
) -> Trial:
    """
    Try another key, then put it in the place of the old one. Raises as `add` does, and
    `AnotherAccount` where it sees none of the connection's records, unless `sure`: then
    everything is compared, and what is not there waits for an admin's word.
    """
    actor.require(Membership.Role.ADMIN)
    provider = provider_of(connection)
    mark = vault.key_mark(provider.slug, key)
    others = connection.workspace.connections.exclude(pk=connection.pk)
    if others.filter(key_mark=mark).exists():
        raise AlreadyConnected(provider.slug)
    trial = _try(provider, key, mark, account_of=None if sure else connection)
    with transaction.atomic():
        vault.replace_key(connection, key)
        vault.note_ok(connection)
        _log(connection, "connection.replace_key", actor)
        if sure:
            checks.check_everything(connection, actor=actor)
    return trial


def try_stored(connection: Connection, *, actor: Membership) -> Trial:
    """Try the stored key again; what was learnt of it before is forgotten first."""
    actor.require(Membership.Role.ADMIN)
    vault.forget_trouble(connection)
    started = time.monotonic()
    kind = next(iter(provider_of(connection).kinds))
    with connect(connection) as client:
        page = client.list_page(kind, limit=1)
    return Trial(time.monotonic() - started, kind.value, page.total)


def remove(connection: Connection, *, actor: Membership) -> None:
    """Remove the connection, its key and the copy of its records. Nothing changes upstream."""
    actor.require(Membership.Role.ADMIN)
    with transaction.atomic():
        _log(connection, "connection.remove", actor)
        connection.delete()


def hook_address(connection: Connection) -> str:
    """The address the provider's webhooks are sent to. Raises `Locked`."""
    return f"{settings.PUBLIC_URL}/hooks/{vault.hook_token_of(connection).reveal()}/"


def _try(
    provider: Provider, key: Secret, mark: str, *, account_of: Connection | None = None
) -> Trial:
    started = time.monotonic()
    kind: Kind = next(iter(provider.kinds))
    with try_out(provider, key, mark) as client:
        page = client.list_page(kind, limit=1)
        trial = Trial(time.monotonic() - started, kind.value, page.total)
        if account_of is not None and not opens_account_of(client, account_of):
            raise AnotherAccount(provider.slug)
    return trial


def _log(connection: Connection, action: str, actor: Membership | None) -> None:
    user: User | None = actor.user if actor else None
    log.record(connection.workspace, action, actor=user, subject=str(connection))


def sentence(error: PortalError) -> str:
    """What to tell a person who tried a key: the provider's own words where it gave some."""
    said = error.said if isinstance(error, ProviderError) else ""
    return f"{error.message} It said: {said}" if said else error.message
