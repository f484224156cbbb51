"""
Taking back what was done through the portal, for 30 days, with a write of its own.

The inverse is made of the before-image and goes the way of every write: it is compared with
what is there now, logged, and can be undone in its turn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.audit import log
from portal.mirror import store
from portal.mirror.models import Upstream
from portal.outbox.models import Write
from portal.records import Form, Kind
from portal.services.actions import ACTIONS
from portal.services.errors import CannotDo, CannotUndo
from portal.services.upstream import provider_of, source_of
from portal.services.values import same_text, same_value
from portal.services.writes import Ask, Outcome, submit
from portal.team.models import Membership, Workspace
from portal.texts import gettext_noop

KEPT = timedelta(days=30)

TOO_OLD = gettext_noop("It is more than 30 days ago: that is how long a change can be undone.")
UNDONE = gettext_noop("It was undone already.")
BEING_UNDONE = gettext_noop("It is being undone already.")
NOT_SENT = gettext_noop("It has not been sent yet. Look at what waits in the outbox.")
NOT_MADE = gettext_noop("It was not accepted, so nothing was changed.")
NOT_SURE = gettext_noop("Nobody knows yet whether it was made. Wait until that is decided.")
SPOKEN = gettext_noop("A message that was sent cannot be called back.")
STARTED = gettext_noop(
    "A conversation that was started cannot be unmade: the service's API cannot delete it."
)
NOT_THERE = gettext_noop("The record is not there any more.")
NOT_KNOWN = gettext_noop("What was there before is not known.")
# What a person is told before.
NEW_ID = gettext_noop(
    "It is made again with a new id. What hung on the old one does not come back."
)
DELETES = gettext_noop("The record is deleted, with whatever was changed on it since.")
ADDED_STAYS = gettext_noop("What was added then stays: the service's API cannot remove it.")
PARTLY = gettext_noop("Only what was known before comes back.")

_FORMS = {Kind.LEADS: Form.LEAD, Kind.CONTACTS: Form.CONTACT}
_WAITS = (Write.Status.QUEUED, Write.Status.IN_FLIGHT)
_UNSURE = (Write.Status.UNKNOWN, Write.Status.UNDECIDED)


@dataclass(frozen=True, slots=True)
class Inverse:
    """
    The write that takes another one back. `losses` are sentences about what does not come
    back with it, `left_out` the fields of a deleted record that cannot be written again.
    `spoils` tells that somebody's later work on a record that was made would go with it.
    """

    ask: Ask
    losses: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    spoils: bool = False


def one(workspace: Workspace, write_id: int) -> Write | None:
    """The workspace's write of that id, None for a foreign one as for none."""
    rows = Write.objects.filter(workspace=workspace, pk=write_id)
    rows = rows.select_related("connection", "entry__actor", "workspace", "undoes")
    return rows.fetch_mode(models.FETCH_RAISE).first()


def inverse(write: Write) -> Inverse:
    """What takes this write back. Raises `CannotUndo` with the reason."""
    found = inverses([write])[0]
    if isinstance(found, CannotUndo):
        raise found
    return found


def inverses(writes: Sequence[Write]) -> list[Inverse | CannotUndo]:
    """What takes each of these back, or why not; in a few queries for all. With connections."""
    undone = _undone(writes)
    copies, worked_on = _copies(writes), _worked_on(writes)
    found: list[Inverse | CannotUndo] = []
    for write in writes:
        copy = copies.get((write.connection_id, write.kind, write.upstream_id))
        try:
            _check(write, undone.get(write.pk, ""))
            one = _INVERSES[write.action](write, copy)
            found.append(replace(one, spoils=write.pk in worked_on))
        except CannotUndo as reason:
            found.append(reason)
    return found


def undo(write: Write, *, actor: Membership, seen: Mapping[str, Any] | None = None) -> Outcome:
    """
    Take a write back. Whoever asks how often, from however many pages: it is taken back once.

    `seen` are fields as a person saw them who knows of a later change and wants the old values,
    or the record gone, nevertheless. Raises `CannotUndo`, `StaleRecord` if a field was changed
    since, and what `writes.submit` raises.
    """
    actor.require(Membership.Role.AGENT)
    form_id = _form_id(write)
    if _mine_already(form_id, actor):
        return submit(Ask(write.action, write.connection), actor=actor, form_id=form_id)
    ask = inverse(write).ask
    known = {name: value for name, value in (seen or {}).items() if name in ask.before}
    ask = replace(ask, before={**ask.before, **known})
    return submit(ask, actor=actor, form_id=form_id)


def _form_id(write: Write) -> str:
    """The same for everybody until one is refused: two people undo as two presses do."""
    refused = Write.objects.filter(undoes=write, status=Write.Status.REFUSED).count()
    return f"undo-{write.pk}-{refused}"


def _mine_already(form_id: str, actor: Membership) -> bool:
    """The same person again, and what was undone still is."""
    rows = Write.objects.filter(workspace=actor.workspace, form_id=form_id, actor=actor.user)
    taken_back = Write.objects.filter(undoes=OuterRef("pk")).exclude(status=Write.Status.REFUSED)
    return rows.filter(~Exists(taken_back)).exists()


def until(write: Write) -> Any:
    """When this write can be undone no more."""
    return (write.settled_at or write.created_at) + KEPT


def _undone(writes: Sequence[Write]) -> dict[int, str]:
    """Of these the ones that were taken back, or are about to be: how that stands."""
    rows = Write.objects.filter(undoes__in=[write.pk for write in writes])
    rows = rows.exclude(status=Write.Status.REFUSED)
    return dict(rows.order_by("pk").values_list("undoes_id", "status"))


def _worked_on(writes: Sequence[Write]) -> set[int]:
    """Of these the ones that made a record on which somebody has worked since."""
    kinds: dict[tuple[int, str], dict[int, Write]] = {}
    for write in writes:
        if write.action.endswith(".create") and write.entry.subject_id is not None:
            made = kinds.setdefault((write.workspace_id, write.kind), {})
            made[write.entry.subject_id] = write
    return {
        made[record].pk
        for (workspace_id, kind), made in kinds.items()
        for record in log.worked_on_since(
            workspace_id, kind, {record: write.entry_id for record, write in made.items()}
        )
    }


def _copies(writes: Sequence[Write]) -> dict[tuple[int, str, str], Upstream]:
    """Our copies of the records, with their connections at hand."""
    groups: dict[tuple[int, str], list[Write]] = {}
    for write in writes:
        if write.upstream_id:
            groups.setdefault((write.connection_id, write.kind), []).append(write)
    found = {}
    for (connection_id, kind), some in groups.items():
        source = source_of(some[0].connection)
        rows = store.copies(source, Kind(kind), [write.upstream_id for write in some])
        for upstream_id, row in rows.items():
            row.connection = some[0].connection
            found[connection_id, kind, upstream_id] = row
    return found


def _check(write: Write, undone: str) -> None:
    """Raise `CannotUndo` for what no inverse would help."""
    if write.status in _WAITS:
        raise CannotUndo(write.pk, message=NOT_SENT)
    if write.status in _UNSURE:
        raise CannotUndo(write.pk, message=NOT_SURE)
    if write.status != Write.Status.SENT:
        raise CannotUndo(write.pk, message=NOT_MADE)
    if until(write) < timezone.now():
        raise CannotUndo(write.pk, message=TOO_OLD)
    if undone:
        sent = undone == Write.Status.SENT
        raise CannotUndo(write.pk, message=UNDONE if sent else BEING_UNDONE)


def _put_back(write: Write, copy: Upstream | None) -> Inverse:
    """The fields as they were: compared with what this write made of them."""
    live = _live(write, copy)
    changes = {name: write.before.get(name) for name in write.changes}
    before = {name: _as_kept(live, name, value) for name, value in write.changes.items()}
    return Inverse(_ask(write, write.action, changes=changes, before=before, subject=live))


def _put_back_known(write: Write, copy: Upstream | None) -> Inverse:
    """Where no call reads the record, only what a person saw can be put back."""
    live = _live(write, copy)
    known = {name: value for name, value in write.before.items() if value is not None}
    changes = {name: known[name] for name in write.changes if name in known}
    if not changes:
        raise CannotUndo(write.pk, message=NOT_KNOWN)
    losses = [PARTLY] if len(changes) < len(write.changes) else []
    if any(_adds(known[name], write.changes[name]) for name in changes):
        losses.append(ADDED_STAYS)
    before = {name: write.changes[name] for name in changes}
    ask = _ask(write, write.action, changes=changes, before=before, subject=live)
    return Inverse(ask, tuple(losses))


def _status_back(write: Write, copy: Upstream | None) -> Inverse:
    if write.before.get("status") not in provider_of(write.connection).settable_statuses:
        raise CannotUndo(write.pk, message=NOT_KNOWN)
    return _put_back(write, copy)


def _unmake(write: Write, copy: Upstream | None) -> Inverse:
    """A record that was made is deleted; as it is now it is the before-image."""
    live = _live(write, copy)
    action = write.action.replace(".create", ".delete")
    return Inverse(_ask(write, action, before=live.raw, subject=live), (DELETES,))


def _make_again(write: Write, _copy: Upstream | None) -> Inverse:
    """A deleted record is made again of what its API can write."""
    action, provider = write.action.replace(".delete", ".create"), provider_of(write.connection)
    specs = provider.forms.get(_FORMS[Kind(write.kind)], ())
    told = {name: value for name, value in write.before.items() if not same_value(value, None)}
    writable = {spec.name for spec in specs}
    changes = {name: value for name, value in told.items() if name in writable}
    if not changes:
        raise CannotUndo(write.pk, message=NOT_KNOWN)
    left_out = tuple(name for name in told if name not in writable)
    return Inverse(_ask(write, action, changes=changes), (NEW_ID,), left_out)


def _never(sentence: str) -> Callable[[Write, Upstream | None], Inverse]:
    def refuse(write: Write, _copy: Upstream | None) -> Inverse:
        raise CannotUndo(write.pk, message=sentence)

    return refuse


def _ask(
    write: Write,
    action: str,
    *,
    changes: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
    subject: Upstream | None = None,
) -> Ask:
    """The write to be, if the API has a call for it."""
    provider, can = provider_of(write.connection), ACTIONS[action].can
    if can not in provider.can:
        raise CannotUndo(write.pk, message=provider.cannot.get(can, CannotDo.message))
    title = str(subject) if subject is not None else write.entry.subject
    return Ask(action, write.connection, changes or {}, before or {}, subject, title, write)


def _live(write: Write, copy: Upstream | None) -> Upstream:
    if copy is None or copy.gone_at is not None:
        raise CannotUndo(write.pk, message=NOT_THERE)
    return copy


def _as_kept(copy: Upstream, name: str, written: Any) -> Any:
    """What we wrote, in the form the service gave it: it may trim a text or fold its case."""
    theirs = copy.raw.get(name)
    return theirs if same_text(theirs, written) else written


def _adds(before: Any, after: Any) -> bool:
    """Whether the change added a part that putting the old value back does not remove."""
    return isinstance(before, dict) and isinstance(after, dict) and bool(after.keys() - before)


_INVERSES: dict[str, Callable[[Write, Upstream | None], Inverse]] = {
    "lead.create": _unmake,
    "lead.update": _put_back,
    "lead.delete": _make_again,
    "contact.create": _unmake,
    "contact.update": _put_back,
    "contact.delete": _make_again,
    "user.update": _put_back_known,
    "conversation.create": _never(STARTED),
    "conversation.status": _status_back,
    "message.send": _never(SPOKEN),
    "message.note": _never(SPOKEN),
}
NEVER = frozenset({"conversation.create", "message.send", "message.note"})
REVERSIBLE = frozenset(_INVERSES) - NEVER
"""What a person is offered to undo; whether it can be is looked at when they ask."""
LOSSY = frozenset(name for name in REVERSIBLE if name.endswith((".create", ".delete")))
"""Whose undoing loses something that is to be said before."""
