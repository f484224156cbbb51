"""
What somebody changed elsewhere, noted in the log as theirs: fields of a record we had that a
read or a webhook brought with another value, and records that are not there any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import batched
from typing import Any

from django.utils import timezone

from portal.audit import log
from portal.audit.log import Note
from portal.mirror import store
from portal.mirror.models import Upstream
from portal.mirror.store import Changed, Source
from portal.outbox import sightings
from portal.records import Kind
from portal.services.values import same_text, same_value

VERBS = {Kind.LEADS: "lead", Kind.CONTACTS: "contact", Kind.CONVERSATIONS: "conversation"}
OUTSIDE, GONE = "outside", "gone"
# What moves by itself with every message and every visit says nothing about who did what.
NOISE = frozenset(
    {
        "updated_at",
        "last_activity",
        "last_conversation_at",
        "conversation_count",
        "message_count",
        "last_message",
        "last_message_at",
        "lead_score",
    }
)
# So long a change of ours may come back by another way than its own answer.
OURS_WITHIN = timedelta(minutes=5)
_AT_ONCE = 200


def note_changes(source: Source, kind: Kind, changes: Iterable[Changed]) -> None:
    """In the transaction that saved them. Costs nothing where nothing changed."""
    found = [(one, _differences(one)) for one in changes]
    found = [(one, names) for one, names in found if names]
    if not found:
        return
    ours = _ours(source, kind, [one.row for one, _ in found])
    notes = [_note(kind, one, names - ours.get(one.row.upstream_id, set())) for one, names in found]
    log.note(source.workspace_id, [note for note in notes if note.after])


def note_gone(source: Source, kind: Kind, rows: Sequence[Upstream]) -> None:
    """Records that we had were deleted elsewhere; what they held is kept in the log."""
    ours = sightings.deleted(source.connection_id, kind.value, [row.upstream_id for row in rows])
    notes = [
        Note(f"{VERBS[kind]}.{GONE}", str(row), kind.value, row.pk, before=row.raw)
        for row in rows
        if row.upstream_id not in ours
    ]
    log.note(source.workspace_id, notes)


def note_all_gone(source: Source, kind: Kind, ids: Sequence[int]) -> None:
    """The same for what a check did not find any more, by our ids."""
    for some in batched(ids, _AT_ONCE):
        note_gone(source, kind, store.by_ids(source, kind, some))


def _differences(one: Changed) -> set[str]:
    """The fields that both copies tell, differently. What is told for the first time is no news."""
    return news(one.before, one.row.raw)


def news(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The fields that somebody set otherwise between these two answers about one record."""
    shared = (before.keys() & after.keys()) - NOISE
    moved = [name for name in shared if before[name] != after[name]]
    return {name for name in moved if _is_news(before[name], after[name])}


def _is_news(before: Any, after: Any) -> bool:
    """Nested answers (who takes part, what was said last) are no field that somebody set."""
    return _flat(before) and _flat(after) and not same_value(before, after)


def _flat(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value
    return not isinstance(value, dict | list) or not any(isinstance(p, dict | list) for p in parts)


def _ours(source: Source, kind: Kind, rows: Iterable[Upstream]) -> dict[str, set[str]]:
    """By record, the fields whose new value is what a write of ours made, or may have made."""
    by_id = {row.upstream_id: row for row in rows}
    writes = sightings.lately(
        source.connection_id, kind.value, list(by_id), since=timezone.now() - OURS_WITHIN
    )
    found: dict[str, set[str]] = {}
    for upstream_id, changes in writes:
        raw = by_id[upstream_id].raw
        same = {n for n, value in changes.items() if n in raw and same_text(raw[n], value)}
        found.setdefault(upstream_id, set()).update(same)
    return found


def _note(kind: Kind, one: Changed, names: Iterable[str]) -> Note:
    ordered = [name for name in one.row.raw if name in set(names)]
    return Note(
        f"{VERBS[kind]}.{OUTSIDE}",
        str(one.row),
        kind.value,
        one.row.pk,
        before={name: one.before[name] for name in ordered},
        after={name: one.row.raw[name] for name in ordered},
    )
