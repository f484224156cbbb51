"""
Apply deliveries to the mirror. Twice, late or out of order changes nothing (reliability T14).

A delivery is a hint: what it tells is merged where it is newer than our copy, then the record
is read again where the API can, once for all that wait for it. Where the API cannot (Dexra's
messages and users) the delivery is the only source, and is shown as reported.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.budget.store import Lane
from portal.deliveries import store
from portal.deliveries.models import Delivery
from portal.errors import PortalError
from portal.mirror import store as mirror
from portal.mirror.models import Conversation
from portal.mirror.store import Source
from portal.providers.errors import (
    BrokenContract,
    KeyRejected,
    NotFound,
    Refused,
    TryLater,
    Unreachable,
)
from portal.providers.reading import Unreadable
from portal.records import Can, Kind, News
from portal.services import delivered_messages, verdicts
from portal.services.conversations import keep_thread
from portal.services.errors import NotConnected
from portal.services.keeping import keep_gone, keep_records
from portal.services.upstream import Meter, connect, provider_of, read_one, source_of, surely
from portal.services.verdicts import Group, Verdict, judge
from portal.texts import gettext_noop
from portal.vault import store as vault
from portal.vault.models import Connection

log = logging.getLogger(__name__)

# A delivery does not hold a worker for a place in the budget: it comes again.
PATIENCE_SECONDS = 2.0
AGAIN_SECONDS = 10.0
RENEWED_EVERY_SECONDS = 20.0
MERGED_AT_ONCE = 20
DONE, IGNORED, FAILED = Delivery.Status.DONE, Delivery.Status.IGNORED, Delivery.Status.FAILED


@dataclass(slots=True)
class Applied:
    """How many deliveries were handled; whether the connection had better be synced now."""

    handled: int = 0
    sync_wanted: bool = False


def apply_due(connection: Connection) -> Applied:
    """
    Apply what waits for this connection until nothing is due.

    Every delivery ends, or waits for its next attempt with the reason on its row.
    """
    applied = Applied()
    while batch := store.claim(connection.pk):
        applied.handled += len(batch)
        applied.sync_wanted |= _apply(connection, batch)
    return applied


def _apply(connection: Connection, batch: Sequence[Delivery]) -> bool:
    """One batch; tell whether a record is named that only a sync can find."""
    groups = _grouped(connection, batch)
    waiting = _merge(connection, [g for g in groups if _readable(connection, g)])
    waiting += [g for g in groups if not _readable(connection, g)]
    sync_wanted, renewed = False, time.monotonic()
    for place, group in enumerate(waiting):
        if time.monotonic() - renewed > RENEWED_EVERY_SECONDS:
            store.renew(_deliveries(waiting[place:]))
            renewed = time.monotonic()
        try:
            sync_wanted |= _handle(connection, group)
        except (TryLater, KeyRejected, NotConnected) as error:
            _nobody_answers(error, group, waiting[place + 1 :])
            break
        except PortalError as error:
            # How one record is read is partly assumed; the lists tell of its change too.
            sync_wanted |= isinstance(error, BrokenContract | Refused)
            store.put_off(group.deliveries, error.message)
        except Exception:
            # What one delivery does to us must not stop the others.
            log.exception("deliveries %s", [d.pk for d in group.deliveries])
            store.put_off(
                group.deliveries, gettext_noop("Something went wrong here; the log says what.")
            )
    return sync_wanted


def _grouped(connection: Connection, batch: Sequence[Delivery]) -> list[Group]:
    """What the deliveries told, by record. What cannot be applied ends here, with its reason."""
    hooks = provider_of(connection).webhooks
    groups: dict[tuple[Kind, str], Group] = {}
    for delivery in batch:
        try:
            event = hooks.read(bytes(delivery.body)) if hooks else None
        except Unreadable as reason:
            store.end([delivery], FAILED, f"It cannot be read: {reason}.")
            continue
        if delivery.attempts > len(store.BACKOFF_SECONDS) + 1:
            store.end([delivery], FAILED, gettext_noop("Given up: it never came to an end."))
        elif event is None or event.news is News.NOTHING or event.kind is None:
            store.end([delivery], IGNORED, gettext_noop("Nothing here depends on this event."))
        elif not vault.believe_account(connection, event.account, verified=delivery.verified):
            store.end(
                [delivery],
                FAILED,
                gettext_noop("It is from another workspace than earlier deliveries."),
            )
        else:
            key = (event.kind, event.upstream_id)
            group = groups.setdefault(key, Group(event.kind, event.upstream_id))
            group.told.append((delivery, event))
    return list(groups.values())


def _readable(connection: Connection, group: Group) -> bool:
    """Whether the API can tell all that these deliveries tell, if it is asked by the id."""
    provider = provider_of(connection)
    silent = group.speaks and Can.READ_MESSAGES not in provider.can
    return group.kind in provider.kinds and bool(group.upstream_id) and not silent


def _merge(connection: Connection, groups: Sequence[Group]) -> list[Group]:
    """
    Merge what was told and is newer; end what needs no more.

    Returns the groups whose record must be read again. Short transactions: deliveries that
    arrive meanwhile are stored between them.
    """
    source = source_of(connection)
    copies = {
        kind: mirror.copies(source, kind, [g.upstream_id for g in groups if g.kind is kind])
        for kind in {group.kind for group in groups}
    }
    judged = [(g, judge(g, copies[g.kind].get(g.upstream_id))) for g in groups]
    for some in batched(judged, MERGED_AT_ONCE):
        with transaction.atomic():
            _merge_some(source, some)
    return [group for group, verdict in judged if verdict.read]


def _merge_some(source: Source, judged: Iterable[tuple[Group, Verdict]]) -> None:
    merges: dict[Kind, list[Any]] = defaultdict(list)
    ended: dict[str, list[Delivery]] = defaultdict(list)
    for group, verdict in judged:
        if verdict.merge is not None:
            merges[group.kind].append(verdict.merge)
        if not verdict.read:
            ended[verdict.reason] += group.deliveries
    for kind, records in merges.items():
        keep_records(source, kind, records)
    for reason, deliveries in ended.items():
        store.end(deliveries, DONE, reason)


def _handle(connection: Connection, group: Group) -> bool:
    """One group that needs more than merging; tell whether a sync is wanted."""
    provider = provider_of(connection)
    if not group.upstream_id:
        store.end(
            group.deliveries, IGNORED, gettext_noop("It does not say which record it speaks of.")
        )
        return True
    if group.kind not in provider.kinds:
        _keep_as_reported(connection, group)
        return False
    if _readable(connection, group):
        return _read_again(connection, group)
    return _hear(connection, group)


def _keep_as_reported(connection: Connection, group: Group) -> None:
    """No call reads such records: what is told last is what we know."""
    with transaction.atomic():
        for _, event in verdicts.by_moment(group):
            if event.record is not None:
                keep_records(source_of(connection), group.kind, [event.record])
        store.end(group.deliveries, DONE)


def _hear(connection: Connection, group: Group) -> bool:
    """Messages that no call reads, in a conversation that is known by this very id."""
    source = source_of(connection)
    copy = mirror.find(source, group.kind, group.upstream_id)
    here = copy is not None and copy.gone_at is None
    strange = not here and delivered_messages.is_stranger(source, group.upstream_id)
    if strange or not (here or _bring(connection, group)):
        delivered_messages.note_stranger(source, group.upstream_id)
        store.end(group.deliveries, IGNORED, gettext_noop("There is no conversation with this id."))
        return True
    delivered_messages.keep(connection, group)
    # Read by its id, a conversation tells less than in the list.
    return not here


def _read_again(connection: Connection, group: Group) -> bool:
    """The truth about one record, once for all that wait for it; tell if nobody knows it."""
    known = mirror.find(source_of(connection), group.kind, group.upstream_id) is not None
    asked_at = timezone.now()
    found = _bring(connection, group)
    if group.kind is not Kind.CONVERSATIONS or Can.READ_MESSAGES in provider_of(connection).can:
        # In a flood others wait in later batches: they need no call of their own.
        store.end_covered(connection.pk, group.kind.value, group.upstream_id, before=asked_at)
    if found or group.deletes:
        store.end(group.deliveries, DONE, "" if found else gettext_noop("It was deleted there."))
        return not known and not group.deletes and group.kind is Kind.CONVERSATIONS
    store.end(
        group.deliveries, DONE if known else IGNORED, gettext_noop("It is not there (any more).")
    )
    return not known


def _bring(connection: Connection, group: Group) -> bool:
    """Read the record and keep it, or that it is gone; tell whether it is there."""
    source, meter = source_of(connection), Meter()
    row = mirror.find(source, group.kind, group.upstream_id)
    here = row is not None and row.gone_at is None
    try:
        with connect(
            connection,
            Lane.BACKGROUND,
            deadline_seconds=settings.SYNC_DEADLINE_SECONDS,
            patience_seconds=PATIENCE_SECONDS,
            meter=meter,
        ) as client:
            read = partial(read_one, client, group.kind, group.upstream_id)
            # One look is enough where it was told that it is gone, and where nothing can vanish.
            record = read() if group.deletes or not here else surely(read)
    except NotFound:
        if row is not None and here:
            keep_gone(row, group.kind)
        return False
    keep_records(source, group.kind, [record], asked_at=meter.asked_at)
    row = mirror.find(source, group.kind, group.upstream_id)
    if isinstance(row, Conversation):
        keep_thread(row, record)
    return True


def _nobody_answers(error: PortalError, group: Group, rest: Sequence[Group]) -> None:
    """
    The provider, the key or the budget fails all of them, not this one: the others wait
    without losing an attempt, and so does this one where nothing was tried with it.
    """
    seconds = getattr(error, "retry_after", None) or AGAIN_SECONDS
    if isinstance(error, TryLater) and not isinstance(error, Unreachable):
        store.put_off(group.deliveries, error.message, seconds=seconds)
    else:
        store.put_off(group.deliveries, error.message)
    if rest:
        store.put_off(_deliveries(rest), error.message, seconds=seconds)


def _deliveries(groups: Iterable[Group]) -> list[Delivery]:
    return [delivery for group in groups for delivery in group.deliveries]
