"""
What an export holds: the columns of the list as they stand on the screen, or every field of the
records under the provider's own labels, to be edited and imported again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.records import FieldSpec, Form, Kind
from portal.services import connections as service
from portal.services.codecs import CODECS
from portal.vault.models import Connection
from portal.web import contact_list, inbox_list, lead_list

ID, SERVICE = gettext_noop("Id"), gettext_noop("Service")
FORMS = {Kind.LEADS: Form.LEAD, Kind.CONTACTS: Form.CONTACT}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, and the cell of a record (None, text, number or time)."""

    title: str
    value: Callable[[Any], Any]


def shown_columns(kind: Kind, connections: Sequence[Connection], *, several: bool) -> list[Column]:
    """The columns on the screen, in their order. `several` services have one of their own."""
    names = {c.pk: service.name_of(c) for c in connections}
    if kind is Kind.CONVERSATIONS:
        return _conversation(names, several=several)
    if kind is Kind.CONTACTS:
        titles = [head.label for head in contact_list.heads(several=several)]
        values = _contact(names, several=several)
    else:
        titles, values = [head.label for head in lead_list.heads()], _lead()
    return [Column(title, value) for title, value in zip(titles, values, strict=True)]


def _lead() -> list[Callable[[Any], Any]]:
    return [
        _name,
        lambda lead: lead.company,
        lambda lead: lead.stage,
        lambda lead: lead.source,
        lambda lead: lead.rep_name or lead.rep_id,
        lambda lead: _plain(lead.amount),
        lambda lead: lead.created_at,
        lambda lead: lead.updated_at,
    ]


def _contact(names: dict[int, str], *, several: bool) -> list[Callable[[Any], Any]]:
    own: list[Callable[[Any], Any]] = [lambda c: names.get(c.connection_id, "")]
    return [
        _name,
        lambda contact: contact.company,
        lambda contact: contact.email,
        lambda contact: contact.phone,
        *(own if several else []),
        lambda contact: contact.conversation_count,
        lambda contact: contact.last_activity_at,
        lambda contact: contact.created_at,
    ]


def _conversation(names: dict[int, str], *, several: bool) -> list[Column]:
    found = [
        Column(_("Name"), inbox_list.name_of),
        Column(_("Subject"), lambda row: row.subject),
        Column(_("Last message"), lambda row: row.last_message),
        Column(_("Active"), lambda row: row.active_at),
        Column(_("State"), lambda row: inbox_list.badge(row)[0]),
        Column(_("Channel"), lambda row: row.source),
    ]
    if several:
        found.append(Column(_("Service"), lambda row: names.get(row.connection_id, "")))
    return [*found, Column(_("Tags"), lambda row: CODECS["tags"].show(row.tags))]


def _name(record: Any) -> str:
    """What the row is called on the screen."""
    return str(record.name or record.email or record.upstream_id)


def every_column(kind: Kind, connections: Sequence[Connection]) -> list[Column]:
    """The id, each field that one of the services lets people write, and what it tells."""
    names = {c.pk: service.name_of(c) for c in connections}
    by_label: dict[str, dict[int, FieldSpec]] = {}
    for connection in connections:
        for spec in service.fields_of(connection, FORMS[kind]):
            if spec.kind in CODECS:
                by_label.setdefault(spec.label, {})[connection.pk] = spec
    fields = [Column(_(label), _field(specs)) for label, specs in by_label.items()]
    told = [Column(_("Created"), lambda record: record.created_at)]
    if kind is Kind.LEADS:
        told.insert(0, Column(_("Owner"), lambda lead: lead.rep_name))
        told.append(Column(_("Updated"), lambda lead: lead.updated_at))
    own = Column(_(SERVICE), lambda record: names.get(record.connection_id, ""))
    return [Column(_(ID), lambda record: record.upstream_id), *fields, own, *told]


def _field(specs: dict[int, FieldSpec]) -> Callable[[Any], Any]:
    """The field's value as the provider has it; our own copy's where it has no such field."""
    attribute = next((spec.attribute for spec in specs.values()), "")

    def value(record: Any) -> Any:
        spec = specs.get(record.connection_id)
        if spec is None:
            return getattr(record, attribute, "") if attribute else ""
        told = record.raw.get(spec.name)
        if spec.kind == "amount" and isinstance(told, int | float) and not isinstance(told, bool):
            return told
        return CODECS[spec.kind].show(told)

    return value


def _plain(amount: Decimal | None) -> Decimal | None:
    """Without the needless zeros of the column."""
    return None if amount is None else Decimal(f"{amount:f}".rstrip("0").rstrip("."))
