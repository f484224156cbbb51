"""
Webhook deliveries (design 7): received and stored here, applied by `services/applying.py`.

A delivery is believed if it is proved by a secret, or, where the provider signs nothing, as
far as the secret address goes. What is stored is stored once; what is acknowledged is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from portal.audit import log
from portal.crash import crash
from portal.deliveries import store, writing
from portal.deliveries.limits import LIMITS
from portal.deliveries.models import Delivery
from portal.deliveries.store import Arrival
from portal.errors import PortalError
from portal.providers.contract import Webhooks
from portal.providers.reading import Unreadable
from portal.services.upstream import provider_of
from portal.team.models import Membership
from portal.texts import gettext_noop
from portal.vault import store as vault
from portal.vault.models import Connection
from portal.vault.seal import Secret

# How often a connection's row is told that something came: not with every delivery.
NOTED_EVERY = timedelta(seconds=5)


class Answer(StrEnum):
    """What to tell who posted: it is stored, it was a trial, go away, come later."""

    STORED = "stored"
    GREETED = "greeted"
    UNKNOWN = "unknown"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a posted body; `connection_id` where one was stored for it."""

    answer: Answer
    connection_id: int | None = None


class NothingKept(PortalError):
    """The body of this delivery was forgotten after a while."""

    message = gettext_noop(
        "The body of this delivery is not kept any more: it cannot be applied again."
    )
    http_status = 409


def receive(token: str, body: bytes, headers: Mapping[str, str]) -> Receipt:
    """
    Take what was posted to the address of `token`; `headers` have names in lower case.

    A wrong token and a wrong signature are answered alike. Raises `Locked` where the secret
    cannot be opened here, and what `writing.keep` raises: then it is not stored.
    """
    connection = vault.by_hook_token(token)
    hooks = provider_of(connection).webhooks if connection else None
    if connection is None or hooks is None or not body:
        return Receipt(Answer.UNKNOWN)
    verified = False
    if hooks.verify is not None:
        secrets = [secret.reveal() for secret in vault.webhook_secrets_of(connection)]
        verified = hooks.verify(body, headers, secrets)
        if not verified:
            _note(connection, verified=False)
            forged = hooks.carries_signature(headers) and bool(secrets)
            greeted = not forged and hooks.greets(body)
            return Receipt(Answer.GREETED if greeted else Answer.UNKNOWN)
    if not LIMITS.allow(connection.pk):
        return Receipt(Answer.TOO_MANY)
    crash("deliveries.before_storing")
    writing.keep(_arrival(connection, hooks, body, verified=verified))
    crash("deliveries.stored")
    _note(connection, verified=verified)
    return Receipt(Answer.STORED, connection.pk)


def _arrival(connection: Connection, hooks: Webhooks, body: bytes, *, verified: bool) -> Arrival:
    """What is stored; a body that cannot be read is stored too, and its log says why."""
    event = subject_kind = subject_id = ""
    unique = True
    try:
        told = hooks.read(body)
    except Unreadable:
        pass
    else:
        event, subject_id, unique = told.name, told.upstream_id, told.unique
        subject_kind = told.kind.value if told.kind else ""
    return Arrival(
        workspace_id=connection.workspace_id,
        connection_id=connection.pk,
        body=body,
        verified=verified,
        received_at=timezone.now(),
        event=event,
        subject_kind=subject_kind,
        subject_id=subject_id,
        unique=unique,
    )


def _note(connection: Connection, *, verified: bool) -> None:
    """The connection's page turns green, seldom enough to cost nothing."""
    last = connection.hook_verified_at if verified else connection.hook_seen_at
    if last is None or last < timezone.now() - NOTED_EVERY:
        vault.note_hook(connection, verified=verified, every=NOTED_EVERY)


def replay(delivery: Delivery, *, actor: Membership) -> None:
    """Have a delivery applied again. Twice changes nothing; a failed one may succeed now."""
    actor.require(Membership.Role.ADMIN)
    if not bytes(delivery.body):
        raise NothingKept(delivery.pk)
    store.replay(delivery)
    log.record(actor.workspace, "delivery.replay", actor=actor.user, subject=str(delivery))


def set_secret(connection: Connection, secret: Secret, *, actor: Membership) -> None:
    """Store the secret that signs this connection's deliveries; the one before stays good."""
    actor.require(Membership.Role.ADMIN)
    vault.replace_webhook_secret(connection, secret)
    log.record(actor.workspace, "webhook.secret", actor=actor.user, subject=str(connection))


def forget_old_secret(connection: Connection, *, actor: Membership) -> None:
    """End the rotation: only the newest secret is good."""
    actor.require(Membership.Role.ADMIN)
    vault.forget_old_webhook_secret(connection)
    log.record(
        actor.workspace, "webhook.old_secret_removed", actor=actor.user, subject=str(connection)
    )


def webhooks_of(connection: Connection) -> Webhooks | None:
    """How this connection's provider sends webhooks, None if it sends none."""
    return provider_of(connection).webhooks


def signed(connection: Connection) -> bool:
    """Whether its deliveries can be proved."""
    hooks = webhooks_of(connection)
    return hooks is not None and hooks.verify is not None


def heard_at(connection: Connection) -> datetime | None:
    """When a delivery that counts last came: a proved one where they can be proved."""
    return connection.hook_verified_at if signed(connection) else connection.hook_seen_at
