"""A client with its key in hand and its budget in front."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.budget import breaker
from portal.budget import store as budget
from portal.budget.store import Lane
from portal.mirror.store import Source
from portal.providers import registry
from portal.providers.contract import Client, Provider
from portal.providers.errors import (
    BudgetSpent,
    Gone,
    KeyRejected,
    LeftAlone,
    NotFound,
    ProviderError,
    RateLimited,
)
from portal.records import Kind
from portal.services.errors import NotConnected
from portal.vault import store as vault
from portal.vault.models import Connection
from portal.vault.seal import Locked, Secret

# How long a caller waits for a place in the window before it is told "not now".
PATIENCE_SECONDS = {Lane.PEOPLE: 2.0, Lane.BACKGROUND: 90.0}
SAY_OK_EVERY = timedelta(seconds=30)
CLOSE_SECONDS_IF_NOT_TOLD = 30.0


@dataclass(slots=True)
class Meter:
    """What a client's calls cost so far. `asked_at` is when the last one left."""

    requests: int = 0
    waited_seconds: float = 0.0
    asked_at: datetime | None = None


class KeyGate:
    """The budget of one key, as a provider's client meets it (`contract.Gate`)."""

    def __init__(
        self,
        key_mark: str,
        provider: Provider,
        lane: Lane,
        *,
        patience_seconds: float | None = None,
        meter: Meter | None = None,
        guard: Callable[[], None] | None = None,
    ) -> None:
        self._mark, self._provider, self._lane = key_mark, provider, lane
        self._limit = provider.calls_per_minute
        self._patience = PATIENCE_SECONDS[lane] if patience_seconds is None else patience_seconds
        self._meter = meter or Meter()
        self._guard = guard
        self._started, self._trial = 0.0, False

    def enter(self) -> None:
        """Wait for a place, as long as the patience lasts; else `BudgetSpent` or `LeftAlone`."""
        began = time.monotonic()
        rest, self._trial = breaker.enter(self._mark)
        if rest:
            raise LeftAlone(self._provider.slug, retry_after=rest)
        try:
            while wait := budget.take(self._mark, self._lane, limit=self._limit):
                if time.monotonic() + wait > began + self._patience:
                    raise BudgetSpent(self._provider.slug, retry_after=wait)
                time.sleep(min(wait, 1.0))
        finally:
            self._meter.waited_seconds += time.monotonic() - began
        if self._guard is not None:
            self._guard()
        self._started = time.time()
        self._meter.requests += 1
        self._meter.asked_at = timezone.now()

    def leave(self, status: int | None, headers: Mapping[str, str]) -> None:
        """Learn how the provider does, what is left of the key's calls, and of a slow call."""
        if status is None or status >= 500:
            breaker.failed(self._mark, trial=self._trial)
        else:
            breaker.answered(self._mark)
        slow = time.time() - self._started > budget.SLACK_SECONDS / 2
        if slow:
            # It counts only now, and its headers were true a while ago.
            budget.note_slow(self._mark, self._started)
        self._learn(headers, old=slow)

    def _learn(self, headers: Mapping[str, str], *, old: bool) -> None:
        limit = _number(headers.get("x-ratelimit-limit", ""))
        if limit is not None and limit != self._limit:
            self._limit = limit
            budget.learn_limit(self._mark, limit)
        left = _number(headers.get("x-ratelimit-remaining", ""))
        if left is not None and not old:
            budget.learn_remaining(self._mark, limit=self._limit, remaining=left)

    def may_repeat(self, *, timed_out: bool) -> bool:
        """Whether this key has a repeat left; it is paid for."""
        return breaker.pay_for_repeat(self._mark, timed_out=timed_out)


def _number(told: str) -> int | None:
    """A header's whole number; None for anything else, and for what nobody means."""
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None


@contextmanager
def connect(
    connection: Connection,
    lane: Lane = Lane.PEOPLE,
    *,
    deadline_seconds: float | None = None,
    patience_seconds: float | None = None,
    meter: Meter | None = None,
    guard: Callable[[], None] | None = None,
) -> Iterator[Client]:
    """
    The provider's client for this connection. No transaction may be open: it waits and calls.

    What the provider says of the key is noted at the connection: a 401 stops it at once,
    a 429 stops every process for the told time. `patience_seconds` is how long a call waits
    for its place in the budget; `meter` hears what the calls cost. Raises `NotConnected`
    without a call if the key was rejected before or does not open here.
    """
    if connection.status == Connection.Status.KEY_REJECTED:
        raise NotConnected(connection.pk)
    try:
        key = vault.key_of(connection)
    except Locked as locked:
        vault.note_trouble(connection, locked.message, status=Connection.Status.LOCKED)
        raise NotConnected(connection.pk, message=locked.message) from locked
    provider = registry.get(connection.provider)
    gate = KeyGate(
        connection.key_mark,
        provider,
        lane,
        patience_seconds=patience_seconds,
        meter=meter,
        guard=guard,
    )
    with _open(provider, key, gate, deadline_seconds) as client:
        try:
            yield client
        except ProviderError as error:
            _note_failure(connection, error)
            raise
    _note_success(connection)


def surely[R](read: Callable[[], R]) -> R:
    """
    What this read of one record brings. One that is not there is asked for once more: a service
    in trouble may say 404 of anything, and nothing shall vanish here for that (reliability F11).
    """
    try:
        return read()
    except NotFound:
        pass
    try:
        return read()
    except NotFound as again:
        raise Gone(again.provider, status=again.status, said=again.said) from again


@contextmanager
def try_out(provider: Provider, key: Secret, key_mark: str) -> Iterator[Client]:
    """A client for a key that is not stored yet."""
    gate = KeyGate(key_mark, provider, Lane.PEOPLE)
    with _open(provider, key, gate, None) as client:
        yield client


@contextmanager
def _open(
    provider: Provider, key: Secret, gate: KeyGate, deadline_seconds: float | None
) -> Iterator[Client]:
    base_url = settings.PROVIDER_BASE_URLS.get(provider.slug) or provider.default_base_url
    with provider.open(
        key.reveal(),
        base_url=base_url,
        gate=gate,
        deadline_seconds=deadline_seconds or settings.WRITE_DEADLINE_SECONDS,
    ) as client:
        yield client


def read_one(client: Client, kind: Kind, upstream_id: str) -> Any:
    """One record of a kind as the API tells it by its id. Raises `NotFound`."""
    read: Mapping[Kind, Callable[[str], Any]] = {
        Kind.LEADS: client.get_lead,
        Kind.CONTACTS: client.get_contact,
        Kind.CONVERSATIONS: client.get_conversation,
    }
    return read[kind](upstream_id)


def source_of(connection: Connection) -> Source:
    return Source(connection.pk, connection.workspace_id)


def provider_of(connection: Connection) -> Provider:
    return registry.get(connection.provider)


def _note_failure(connection: Connection, error: ProviderError) -> None:
    if isinstance(error, BudgetSpent | LeftAlone):
        return
    if isinstance(error, RateLimited):
        budget.close(connection.key_mark, error.retry_after or CLOSE_SECONDS_IF_NOT_TOLD)
    if isinstance(error, KeyRejected):
        vault.note_trouble(connection, error.message, status=Connection.Status.KEY_REJECTED)
    elif error.http_status >= 500:
        vault.note_trouble(connection, error.message)


def _note_success(connection: Connection) -> None:
    """Seldom: a connection that works is not written to on every call."""
    fresh = timezone.now() - SAY_OK_EVERY
    lately = connection.last_ok_at is not None and connection.last_ok_at > fresh
    if not lately or connection.last_error or connection.status != Connection.Status.OK:
        vault.note_ok(connection)
