"""
One change to many records: what would become of each is written into a batch's rows, with the
record as it is now. Nothing is sent: the batch is a draft until somebody confirms it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from portal.batches import store
from portal.batches.models import Batch, BatchRow
from portal.errors import PortalError
from portal.mirror.models import Upstream
from portal.mirror.picked import ours_of, picked
from portal.outbox.models import Write
from portal.records import Can, FieldSpec, Form, Kind
from portal.services.actions import ACTIONS
from portal.services.batch_runs import READ_ONLY, SO_ALREADY
from portal.services.errors import CannotDo, StaleRecord
from portal.services.upstream import provider_of
from portal.services.values import same_value
from portal.team.models import Membership
from portal.texts import gettext_noop
from portal.vault import store as vault
from portal.vault.models import Connection

NO_SUCH_STATUS = gettext_noop("This service has no such status.")


class NothingPicked(PortalError):
    """None of the picked records is (still) there."""

    message = gettext_noop("Nothing is selected. Select some rows first.")
    http_status = 422


class TooMany(PortalError):
    """More records than one batch may hold."""

    message = gettext_noop("These are more than 50,000 records. Narrow the list with its filters.")
    http_status = 422


class NotUnderstood(PortalError):
    """What "all matching" means cannot be told from what the list's address asks for."""

    message = gettext_noop("The list was not understood. Open it again and select once more.")
    http_status = 422


@dataclass(frozen=True, slots=True)
class Verb:
    """
    What can be done to many records. `attribute` is the record's attribute that changes, ""
    where the whole record goes; `change` makes its new value of the old one and the person's.
    """

    action: str
    attribute: str = ""
    change: Callable[[Any, str], Any] = lambda _old, value: value

    @property
    def can(self) -> Can:
        return ACTIONS[self.action].can


def _with_tag(old: Any, tag: str) -> list[Any]:
    tags = list(old) if isinstance(old, list) else []
    return tags if tag in tags else [*tags, tag]


def _without_tag(old: Any, tag: str) -> list[Any]:
    return [one for one in old if one != tag] if isinstance(old, list) else []


VERBS: Mapping[Kind, Mapping[str, Verb]] = {
    Kind.LEADS: {
        "stage": Verb("lead.update", "stage"),
        "rep": Verb("lead.update", "rep_id", lambda _old, value: value or None),
        "tag-add": Verb("lead.update", "tags", _with_tag),
        "tag-remove": Verb("lead.update", "tags", _without_tag),
        "delete": Verb("lead.delete"),
    },
    Kind.CONTACTS: {
        "tag-add": Verb("contact.update", "tags", _with_tag),
        "tag-remove": Verb("contact.update", "tags", _without_tag),
        "delete": Verb("contact.delete"),
    },
    Kind.CONVERSATIONS: {"status": Verb("conversation.status", "status")},
}
_FORMS = {Kind.LEADS: Form.LEAD, Kind.CONTACTS: Form.CONTACT}


def offered(kind: Kind, connections: Iterable[Connection]) -> dict[str, Verb]:
    """The verbs that at least one of these connections can do with its key."""
    able = [provider_of(connection) for connection in connections if connection.may_write]
    return {
        name: verb
        for name, verb in VERBS[kind].items()
        if any(verb.can in provider.can for provider in able)
    }


def prepare(
    kind: Kind,
    name: str,
    value: str,
    ids: Sequence[int],
    *,
    actor: Membership,
    form_id: str,
    title: str,
) -> Batch:
    """
    A draft with one row for each of these records that is there, whatever will become of it:
    what needs no change or cannot be changed stands in it with the reason.

    Raises `NothingPicked`, `TooMany`.
    """
    actor.require(Membership.Role.AGENT)
    if len(ids) > store.LARGEST:
        raise TooMany(len(ids))
    verb = VERBS[kind][name]
    batch = store.create(
        actor.workspace,
        kind=Batch.Kind.BULK,
        action=verb.action,
        connection=None,
        actor=actor.user,
        form_id=form_id,
        title=title,
        rows=_rows(actor, kind, verb, value, ids),
        options={"of": kind.value, "verb": name, "value": value},
    )
    if not batch.total:
        batch.delete()
        raise NothingPicked(kind)
    return batch


def conflicts(batch: Batch) -> "QuerySet[BatchRow]":
    """
    Its rows that nobody decided about yet: somebody else had changed the same field, so that
    nothing was sent.
    """
    refused = store.rows(batch, store.SKIPPED).filter(write__status=Write.Status.REFUSED)
    return refused.filter(write__reason=StaleRecord.__name__)


def again(batch: Batch, *, actor: Membership) -> Batch:
    """
    A draft that changes those records nevertheless: made of them as they are now, so that its
    page shows what would be overwritten. Pressed twice it is one draft.

    Raises `NothingPicked` if none is left, and for what is no bulk change.
    """
    told, ids = batch.options, [row.upstream_id for row in conflicts(batch)]
    if batch.kind != Batch.Kind.BULK or not ids:
        raise NothingPicked(batch.pk)
    kind = Kind(told["of"])
    mine = ours_of(actor.workspace, kind, ids)
    picked_ids = [
        mine[key]
        for row in conflicts(batch)
        if (key := (row.connection_id or 0, row.upstream_id)) in mine
    ]
    return prepare(
        kind, told["verb"], told["value"], picked_ids,
        actor=actor, form_id=f"again-{batch.pk}", title=batch.title,
    )  # fmt: skip


def _rows(
    actor: Membership, kind: Kind, verb: Verb, value: str, ids: Iterable[int]
) -> Iterator[BatchRow]:
    connections = {c.pk: c for c in vault.connections(actor.workspace)}
    for record in picked(actor.workspace, kind, ids):
        yield _row(kind, verb, value, record, connections[record.connection_id])


def _row(kind: Kind, verb: Verb, value: str, record: Upstream, connection: Connection) -> BatchRow:
    row = BatchRow(
        action=verb.action,
        connection=connection,
        upstream_id=record.upstream_id,
        title=str(record),
    )
    field = _field(kind, verb, connection)
    if reason := _why_not(verb, value, connection, field):
        row.status, row.reason = store.SKIPPED, reason
    elif not verb.attribute:
        row.before = dict(record.raw)
    else:
        old = record.raw.get(field)
        new = verb.change(old, value)
        row.before, row.changes = {field: old}, {field: new}
        if same_value(old, new):
            row.status, row.reason = store.SKIPPED, SO_ALREADY
    return row


def _why_not(verb: Verb, value: str, connection: Connection, field: str) -> str:
    """Why this cannot be done there, "" if it can."""
    provider = provider_of(connection)
    if verb.can not in provider.can:
        return provider.cannot.get(verb.can, CannotDo.message)
    if not connection.may_write:
        return READ_ONLY
    if verb.can is Can.SET_STATUS and value not in provider.settable_statuses:
        return NO_SUCH_STATUS
    return CannotDo.message if verb.attribute and not field else ""


def _field(kind: Kind, verb: Verb, connection: Connection) -> str:
    """The provider's own name of the field that changes, "" if it has none."""
    if verb.can is Can.SET_STATUS:
        return "status"
    spec = spec_of(kind, verb, connection)
    return spec.name if spec else ""


def spec_of(kind: Kind, verb: Verb, connection: Connection) -> FieldSpec | None:
    """The field of the provider's form that the verb changes."""
    specs = provider_of(connection).forms.get(_FORMS.get(kind, Form.USER), ())
    return next((s for s in specs if s.attribute == verb.attribute and s.on_update), None)
