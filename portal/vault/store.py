"""The only door to sealed keys: make, replace and open them."""

import hashlib
import secrets
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from portal.team.models import Workspace
from portal.vault.models import Connection
from portal.vault.seal import Locked, Place, Secret, seal, unseal

HOOK_TOKEN_BYTES = 24


def connections(workspace: Workspace) -> QuerySet[Connection]:
    """The workspace's connections, oldest first, without their sealed values."""
    return workspace.connections.defer(
        "sealed_key", "sealed_webhook_secret", "sealed_hook_token", "sealed_old_webhook_secret"
    ).order_by("id")


def create(
    workspace: Workspace,
    *,
    provider: str,
    key: Secret,
    label: str = "",
    webhook_secret: Secret | None = None,
) -> Connection:
    """A connection with its key sealed to the new row."""
    token = secrets.token_urlsafe(HOOK_TOKEN_BYTES)
    with transaction.atomic():
        connection = Connection.objects.create(
            workspace=workspace,
            provider=provider,
            label=label,
            hook_mark=hook_mark(token),
            **_marks(provider, key),
        )
        connection.sealed_key = seal(key, _place(connection, "sealed_key"))
        connection.sealed_hook_token = seal(Secret(token), _place(connection, "sealed_hook_token"))
        if webhook_secret is not None:
            place = _place(connection, "sealed_webhook_secret")
            connection.sealed_webhook_secret = seal(webhook_secret, place)
        connection.save()
    return connection


def replace_key(connection: Connection, key: Secret) -> None:
    """Put another key into the connection; the old one is gone, what was learnt of it too."""
    connection.sealed_key = seal(key, _place(connection, "sealed_key"))
    for name, value in _marks(connection.provider, key).items():
        setattr(connection, name, value)
    connection.status = Connection.Status.OK
    connection.may_write = True
    connection.last_error = ""
    # The new key may be another workspace's; the secret still tells who may speak.
    connection.hook_account = ""
    connection.save()


def key_of(connection: Connection) -> Secret:
    """The key, to build a client with. Raises `Locked` if it does not open."""
    return unseal(connection.sealed_key, _place(connection, "sealed_key"))


def hook_token_of(connection: Connection) -> Secret:
    """The token of the connection's webhook address. Raises `Locked`."""
    return unseal(connection.sealed_hook_token or b"", _place(connection, "sealed_hook_token"))


def by_hook_token(token: str) -> Connection | None:
    """The connection whose webhook address ends in this token, with its workspace's id."""
    return Connection.objects.filter(hook_mark=hook_mark(token)).first()


def webhook_secrets_of(connection: Connection) -> list[Secret]:
    """The secrets that may sign its deliveries: the one in use, the one before. Or `Locked`."""
    columns = ("sealed_webhook_secret", "sealed_old_webhook_secret")
    sealed = [(getattr(connection, column), _place(connection, column)) for column in columns]
    return [unseal(value, place) for value, place in sealed if value]


def replace_webhook_secret(connection: Connection, secret: Secret) -> None:
    """Put another secret in use; the one before stays good until it is forgotten."""
    place = _place(connection, "sealed_webhook_secret")
    if connection.sealed_webhook_secret:
        old_place = _place(connection, "sealed_old_webhook_secret")
        # One that does not open any more proves nothing either: it goes.
        with suppress(Locked):
            old = unseal(connection.sealed_webhook_secret, place)
            connection.sealed_old_webhook_secret = seal(old, old_place)
    connection.sealed_webhook_secret = seal(secret, place)
    connection.save(update_fields=["sealed_webhook_secret", "sealed_old_webhook_secret"])


def forget_old_webhook_secret(connection: Connection) -> None:
    """From now on only the secret in use is good."""
    connection.sealed_old_webhook_secret = None
    connection.save(update_fields=["sealed_old_webhook_secret"])


def note_hook(connection: Connection, *, verified: bool, every: timedelta) -> None:
    """Something was posted to its address; `verified` if that was proved. Once in a while."""
    now, name = timezone.now(), "hook_verified_at" if verified else "hook_seen_at"
    due = Q(**{name: None}) | Q(**{f"{name}__lt": now - every})
    times = {"hook_seen_at": now, name: now}
    Connection.objects.filter(due, pk=connection.pk).update(**times)


def heard() -> list[Connection]:
    """The connections at whose webhook address something came before, if their key works."""
    rows = Connection.objects.filter(hook_seen_at__isnull=False)
    return list(rows.filter(status=Connection.Status.OK).order_by("id"))


def believe_account(connection: Connection, account: str, *, verified: bool) -> bool:
    """
    Whether a delivery may come from the provider's workspace `account` ("" if not told).

    The first proved one tells which workspace it is (reliability T13).
    """
    if not account or account == connection.hook_account:
        return True
    if connection.hook_account or not verified:
        return not connection.hook_account
    Connection.objects.filter(pk=connection.pk, hook_account="").update(hook_account=account)
    connection.refresh_from_db(fields=["hook_account"])
    return connection.hook_account == account


def note_ok(connection: Connection) -> None:
    """The provider answered with this key."""
    now = timezone.now()
    connection.status, connection.last_ok_at, connection.last_error = "ok", now, ""
    connection.save(update_fields=["status", "last_ok_at", "last_error"])


def note_trouble(connection: Connection, sentence: str, *, status: str | None = None) -> None:
    """What went wrong with this connection, in words for its page."""
    connection.last_error, connection.last_error_at = sentence[:300], timezone.now()
    connection.status = status or connection.status
    connection.save(update_fields=["status", "last_error", "last_error_at"])


def note_may_write(connection: Connection, may: bool) -> None:
    """Whether the provider lets this key change anything, as learnt from its answers."""
    if connection.may_write != may:
        connection.may_write = may
        connection.save(update_fields=["may_write"])


def hook_mark(token: str) -> str:
    """What is stored of a webhook address's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def key_mark(provider: str, key: Secret) -> str:
    """What tells equal keys apart without telling the key."""
    text = f"{provider}:{key.reveal()}"
    return salted_hmac("portal.vault.key_mark", text, algorithm="sha256").hexdigest()


def forget_trouble(connection: Connection) -> None:
    """Before a stored key is tried again: what was learnt of it may be outdated."""
    connection.status, connection.may_write = Connection.Status.OK, True
    connection.save(update_fields=["status", "may_write"])


def _marks(provider: str, key: Secret) -> dict[str, str]:
    text = key.reveal()
    tail = text[-4:] if len(text) >= 12 else ""
    return {"key_tail": tail, "key_mark": key_mark(provider, key)}


def _place(connection: Connection, column: str) -> Place:
    return Place("portal_connection", column, connection.workspace_id, connection.pk)


def by_id(connection_id: int) -> Connection | None:
    """One connection with its workspace, for a job that carries its id."""
    return Connection.objects.select_related("workspace").filter(pk=connection_id).first()


def working_ids() -> list[int]:
    """Ids of the connections whose key was not rejected (a locked one may open again)."""
    rows = Connection.objects.exclude(status=Connection.Status.KEY_REJECTED).order_by("id")
    return list(rows.values_list("pk", flat=True))


def opened_and_locked() -> tuple[int, int]:
    """How many connections' keys open with this process's ring, and how many do not."""
    opened = locked = 0
    for connection in Connection.objects.only("workspace_id", "sealed_key").iterator():
        try:
            key_of(connection)
        except Locked:
            locked += 1
        else:
            opened += 1
    return opened, locked


def to_sync(slug: str | None = None) -> list[Connection]:
    """Every connection, or those of one workspace, with their workspaces."""
    rows = Connection.objects.select_related("workspace").order_by("workspace_id", "id")
    return list(rows.filter(workspace__slug=slug) if slug else rows)
