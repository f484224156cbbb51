"""
The mirror's one writer, and the door through which everybody reads it.

Reads start at a workspace and never fetch behind the template's back (`FETCH_RAISE`);
`raw` is left out of lists. Older never replaces newer, unchanged rows are not written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from portal.mirror import columns, counters, search_index
from portal.mirror.models import Contact, Conversation, Lead, SyncState, Upstream
from portal.records import ContactRecord, ConversationRecord, Kind, LeadRecord, State
from portal.team.holding import hold
from portal.team.models import Workspace

# How long an answer may come from a server of theirs that has not heard of the last change.
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
LAGGING, A_DAY = timedelta(seconds=60), timedelta(days=1)

type Record = LeadRecord | ContactRecord | ConversationRecord

MODELS: dict[Kind, type[Upstream]] = {
    Kind.LEADS: Lead,
    Kind.CONTACTS: Contact,
    Kind.CONVERSATIONS: Conversation,
}
_COLUMNS: dict[Kind, Callable[[Any], dict[str, Any]]] = {
    Kind.LEADS: columns.lead_columns,
    Kind.CONTACTS: columns.contact_columns,
    Kind.CONVERSATIONS: columns.conversation_columns,
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from: one connection of one workspace."""

    connection_id: int
    workspace_id: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A live copy that was changed: as it is now, and its `raw` before."""

    row: Upstream
    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """
    What saving a page of records changed; `ids` are our ids of the rows that did, `changes`
    those of them that were there before.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    ids: tuple[int, ...] = ()
    changes: tuple[Changed, ...] = ()


def _live[M: Upstream](model: type[M], workspace: Workspace) -> "models.QuerySet[M]":
    rows = model._default_manager.filter(workspace=workspace, gone_at=None)
    return rows.fetch_mode(models.FETCH_RAISE)


def leads(workspace: Workspace) -> "models.QuerySet[Lead]":
    """The workspace's leads, without `raw`."""
    return _live(Lead, workspace).defer("raw", "search_text")


def contacts(workspace: Workspace) -> "models.QuerySet[Contact]":
    """The workspace's contacts, without `raw`."""
    return _live(Contact, workspace).defer("raw", "search_text")


def conversations(workspace: Workspace) -> "models.QuerySet[Conversation]":
    """The workspace's conversations, without `raw`."""
    return _live(Conversation, workspace).defer("raw", "search_text")


def one[M: Upstream](model: type[M], workspace: Workspace, pk: int) -> M | None:
    """One live record with its `raw` and its connection, or None."""
    return _live(model, workspace).select_related("connection", "workspace").filter(pk=pk).first()


def sync_states(workspace: Workspace) -> list[SyncState]:
    """How far each kind of each connection has come."""
    return list(SyncState.objects.filter(workspace=workspace).order_by("connection_id", "id"))


def find(source: Source, kind: Kind, upstream_id: str) -> Upstream | None:
    """The copy of one upstream record, gone or not, or None."""
    rows = MODELS[kind]._default_manager.filter(connection_id=source.connection_id)
    return rows.select_related("connection", "workspace").filter(upstream_id=upstream_id).first()


def copies(source: Source, kind: Kind, upstream_ids: Iterable[str]) -> dict[str, Upstream]:
    """The copies of some upstream records, gone or not, by their ids; unknown ones left out."""
    return _known(source, kind, dict.fromkeys(upstream_ids))


def newest_ids(source: Source, kind: Kind, limit: int) -> list[str]:
    """The upstream ids of the copies that came here last."""
    rows = MODELS[kind]._default_manager.filter(connection_id=source.connection_id, gone_at=None)
    return list(rows.order_by("-id").values_list("upstream_id", flat=True)[:limit])


def by_ids(source: Source, kind: Kind, ids: Iterable[int]) -> list[Upstream]:
    """The copies of these ids of ours, gone or not."""
    rows = MODELS[kind]._default_manager.filter(connection_id=source.connection_id)
    return list(rows.filter(pk__in=list(ids)).order_by("pk"))


def contact_by_email(source: Source, email: str) -> Contact | None:
    """A live contact with this e-mail, whatever the case, or None."""
    rows = Contact.objects.filter(connection_id=source.connection_id, gone_at=None)
    return rows.filter(email_key=columns.email_key(email)).first()


def save_records(
    source: Source,
    kind: Kind,
    records: Iterable[Record],
    *,
    asked_at: datetime | None = None,
    whole: bool = False,
) -> Saved:
    """
    Merge records of one kind into the mirror, by upstream id; the last of equal ids wins.

    Runs in the caller's transaction where there is one, so that a page and its progress
    are one. A record that came back after it was gone is live again. A copy that was
    saved after `asked_at`, when this answer was asked for, is the newer one and stays.
    `whole` records tell all there is: what they leave out is not there any more.
    """
    by_id = {record.upstream_id: record for record in records}
    with transaction.atomic():
        hold(source.workspace_id)
        known = _known(source, kind, by_id)
        before = {i: counters.counted_as(kind, r) for i, r in known.items() if not r.gone_at}
        raws = {i: known[i].raw for i in before}
        for id_ in [i for i, row in known.items() if asked_at and _touched_at(row) > asked_at]:
            del by_id[id_]
        rows = [
            _merged(source, kind, record, known.get(id_), whole=whole, asked_at=asked_at)
            for id_, record in by_id.items()
        ]
        changed = [row for row in rows if row is not None]
        _upsert(kind, changed)
        moves = counters.Moves(kind)
        for row in changed:
            moves.went(before.get(row.upstream_id))
            moves.came(row)
        counters.add(source.workspace_id, source.connection_id, moves)
    created = sum(id_ not in known for id_ in by_id)
    ids = tuple(row.pk for row in changed)
    changes = tuple(
        Changed(row, raws[row.upstream_id]) for row in changed if row.upstream_id in raws
    )
    return Saved(created, len(changed) - created, len(by_id) - len(changed), ids, changes)


def save(source: Source, kind: Kind, record: Record) -> Any:
    """Merge one record; return our copy as it is now, with its workspace and connection."""
    save_records(source, kind, [record])
    return find(source, kind, record.upstream_id)


def mark_gone(row: Upstream) -> None:
    """The record is not there any more; the copy is kept, out of sight."""
    source = Source(row.connection_id, row.workspace_id)
    row.gone_at = timezone.now()
    mark_all_gone(source, _kind_of(row), [row.pk], at=row.gone_at)


def mark_all_gone(
    source: Source, kind: Kind, ids: Iterable[int], *, at: datetime | None = None
) -> tuple[int, ...]:
    """
    These records are not there any more, by our ids; return those that were until now.

    All in the caller's transaction where there is one.
    """
    model, moves = MODELS[kind], counters.Moves(kind)
    with transaction.atomic():
        hold(source.workspace_id)
        rows = model._default_manager.filter(connection_id=source.connection_id, gone_at=None)
        went: list[int] = []
        for some in batched(sorted(ids), 500):
            found = list(rows.filter(pk__in=some).only(*_counted_columns(kind)))
            for row in found:
                moves.went(counters.counted_as(kind, row))
            pks = [row.pk for row in found]
            rows.filter(pk__in=pks).update(gone_at=at or timezone.now())
            went += pks
        counters.add(source.workspace_id, source.connection_id, moves)
    return tuple(went)


def _counted_columns(kind: Kind) -> list[str]:
    names = counters.FACETS[kind]
    worth = ["amount"] if kind is Kind.LEADS else []
    return ["pk", *names, *filter(None, names.values()), *worth]


def columns_of(kind: Kind, record: Record) -> dict[str, Any]:
    """The columns of our copy of a record, without where it belongs and its `raw`."""
    return _COLUMNS[kind](record)


def _kind_of(row: Upstream) -> Kind:
    return next(kind for kind, model in MODELS.items() if isinstance(row, model))


def touch(row: Upstream) -> None:
    """Upstream showed this record just now, changed or not."""
    row.seen_at = timezone.now()
    row.save(update_fields=["seen_at"])


def _known(source: Source, kind: Kind, by_id: dict[str, Any]) -> dict[str, Upstream]:
    rows = MODELS[kind]._default_manager.filter(
        connection_id=source.connection_id, upstream_id__in=list(by_id)
    )
    return {row.upstream_id: row for row in rows}


def _merged(
    source: Source,
    kind: Kind,
    record: Any,
    known: Upstream | None,
    *,
    whole: bool,
    asked_at: datetime | None,
) -> Upstream | None:
    """The row to write, or None where nothing changed or our copy is newer."""
    told = None if whole else record.told
    if known is not None and told is not None:
        record = _completed(record, known, told)
    values, raw = _COLUMNS[kind](record), dict(record.raw)
    if known is not None:
        values["search_text"] += "".join(known.search_text.partition(columns.THREAD)[1:])
        if _older(values, known, asked_at):
            return None
        if not whole:
            raw = {**known.raw, **raw}
        if raw == known.raw and known.gone_at is None and _same(values, known):
            return None
    row = MODELS[kind]() if known is None else known
    for name, value in values.items():
        setattr(row, name, value)
    row.workspace_id, row.connection_id = source.workspace_id, source.connection_id
    row.upstream_id, row.raw = record.upstream_id, raw
    row.seen_at, row.gone_at = timezone.now(), None
    return row


def _completed(record: Any, known: Upstream, told: frozenset[str]) -> Any:
    """A record that told only some attributes, with the others as our copy has them."""
    ours = {field.name for field in known._meta.concrete_fields} - {"upstream_id", "raw"}
    names = {field.name for field in fields(record)} - told
    kept = {name: getattr(known, name) for name in names & ours}
    kept = {name: v for name, v in kept.items() if v is not None}
    for name, value in kept.items():
        if isinstance(value, list):
            kept[name] = tuple(value)
    if "state" in kept:
        kept["state"] = State(kept["state"])
    return replace(record, **kept)


def _touched_at(row: Upstream) -> datetime:
    """When our copy was last saved, or taken away."""
    return max(row.seen_at, row.gone_at) if row.gone_at else row.seen_at


def _older(values: dict[str, Any], known: Upstream, asked_at: datetime | None) -> bool:
    """
    Whether upstream's own clock says that our copy is the newer one.

    That clock may have been wrong: against an answer that was asked for after our copy was
    saved a time of tomorrow is not believed, nor any if it was well after.
    """
    ours, theirs = getattr(known, "updated_at", None), values.get("updated_at")
    if known.gone_at is not None or not ours or not theirs or theirs >= ours:
        return False
    if asked_at is None:
        return True
    return bool(ours < timezone.now() + A_DAY and asked_at - known.seen_at < LAGGING)


def _same(values: dict[str, Any], known: Upstream) -> bool:
    return all(getattr(known, name) == value for name, value in values.items())


def _upsert(kind: Kind, rows: Sequence[Upstream]) -> None:
    model = MODELS[kind]
    names = [f.name for f in model._meta.concrete_fields if not f.primary_key]
    updated = [name for name in names if name not in ("connection", "upstream_id")]
    for row in rows:
        row.pk = None
    # SQLite's search index takes rows in the order of their time; else it writes each by itself.
    newest = search_index.of(model._meta.db_table).newest
    rows = sorted(rows, key=lambda row: (getattr(row, newest) or LONG_AGO, row.upstream_id))
    model._default_manager.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["connection", "upstream_id"],
        update_fields=updated,
        batch_size=100,
    )


def seen_since(row: Upstream, synced_at: datetime | None) -> datetime:
    """When this copy was last known to equal upstream."""
    return max(row.seen_at, synced_at) if synced_at else row.seen_at
