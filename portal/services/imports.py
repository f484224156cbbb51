"""Imports until they start: a file becomes a draft, its columns get a meaning, rows are checked."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from portal.batches import drafts, store
from portal.batches.files.reading import Sheet
from portal.batches.models import Batch, BatchRow
from portal.errors import PortalError
from portal.mirror.tables import LEADS, facets
from portal.records import FieldSpec, Form, Kind
from portal.services import batches
from portal.services.import_columns import ID, guess, writable
from portal.services.import_plan import CREATE, LINE, MENDED, MORE_CELLS, SKIP, UPDATE, Plan
from portal.services.upstream import provider_of, source_of
from portal.team.models import Membership
from portal.texts import gettext_noop
from portal.vault.models import Connection

FORMS = {Kind.LEADS: Form.LEAD, Kind.CONTACTS: Form.CONTACT}
"""So long a draft waits for the person who began it."""


class NotReady(PortalError):
    """Not every row was checked yet, or none is left to be imported."""

    message = gettext_noop("There is nothing to import yet. Check the rows first.")
    http_status = 409


class StartedAlready(PortalError):
    """The import is no draft any more."""

    message = gettext_noop("This import has started already: its rows cannot be changed any more.")
    http_status = 409


def kind_of(batch: Batch) -> Kind:
    return Kind(batch.options["of"])


def columns_of(batch: Batch) -> list[str]:
    return list(batch.options["columns"])


def fields_of(connection: Connection, kind: Kind) -> list[FieldSpec]:
    """The fields that an import through this connection can fill."""
    return writable(provider_of(connection).forms.get(FORMS[kind], ()))


def choices_of(kind: Kind) -> tuple[str, ...]:
    """What can be done with a row whose record is there: no two contacts share an e-mail."""
    return (SKIP, UPDATE, CREATE) if kind is Kind.LEADS else (SKIP, UPDATE)


def take_in(
    connection: Connection,
    kind: Kind,
    sheet: Sheet,
    *,
    name: str,
    actor: Membership,
    form_id: str,
    title: str,
) -> Batch:
    """
    A draft of the file's rows; nothing is sent. The same file by the same form makes one.
    """
    actor.require(Membership.Role.AGENT)
    return store.create(
        actor.workspace,
        kind=Batch.Kind.IMPORT,
        action=f"{kind.value.removesuffix('s')}.create",
        connection=connection,
        actor=actor.user,
        form_id=f"{form_id[:40]}-{sheet.mark()}",
        title=title,
        rows=_rows(sheet),
        options={
            "of": kind.value,
            "file": name[:200],
            "format": sheet.format,
            "encoding": sheet.encoding,
            "delimiter": sheet.delimiter,
            "columns": sheet.columns,
            "long": sheet.long,
            "checked": 0,
        },
    )


def _rows(sheet: Sheet) -> Iterator[BatchRow]:
    width = len(sheet.columns)
    for number, cells in sheet.rows():
        kept: dict[str, Any] = {
            str(place): text for place, text in enumerate(cells[:width]) if text
        }
        if len(cells) > width:
            kept[MORE_CELLS] = cells[width:]
        kept[LINE] = number
        yield BatchRow(cells=kept, status=store.SKIPPED, reason=drafts.NOT_CHECKED)


def mapping_of(batch: Batch) -> dict[str, str]:
    """The field of each column: as told, else as the last time, else guessed."""
    columns = columns_of(batch)
    specs = fields_of(_connection(batch), kind_of(batch))
    known = {ID, *(spec.name for spec in specs)}
    told = batch.options.get("map") or drafts.remembered(batch.workspace, _memory(batch), columns)
    if told is None:
        return guess(columns, specs)
    return {name: told[name] if told.get(name) in known else "" for name in columns}


def duplicates_of(batch: Batch) -> str:
    """What is to be done with records that are there: as told; with ids, they are changed."""
    told = str(batch.options.get("duplicates", ""))
    return told or (UPDATE if ID in mapping_of(batch).values() else SKIP)


def give_meaning(
    batch: Batch, fields: Mapping[str, str], duplicates: str, *, actor: Membership
) -> None:
    """
    Take what each column means and what duplicates are for; all rows are to be checked anew.

    Raises `StartedAlready`.
    """
    actor.require(Membership.Role.AGENT)

    def edit(options: dict[str, Any]) -> bool:
        options.update(map=dict(fields), duplicates=duplicates, checked=0)
        options["asked"] = options.get("asked", 0) + 1
        return True

    if not drafts.change(batch, edit, []):
        raise StartedAlready(batch.pk)
    drafts.start_over(batch)
    drafts.remember(actor.workspace, _memory(batch), columns_of(batch), fields)


def _memory(batch: Batch) -> str:
    return str(batch.options["of"])


def check(batch: Batch, *, seconds: float = 2.0) -> bool:
    """
    Look at the rows that were not yet; False if some are left when the time is up: call again.

    Nothing is sent. Whoever changes the columns' meaning meanwhile makes this stop.
    """
    plan, done = plan_of(batch), int(batch.options["checked"])
    asked = batch.options.get("asked")
    _remember_rows(plan, batch, up_to=done)
    until = time.monotonic() + seconds
    for rows in drafts.slices(batch, after=done):
        last = rows[-1].number

        def edit(options: dict[str, Any], last: int = last) -> bool:
            same = options.get("asked") == asked
            options["checked"] = max(last, options["checked"])
            return bool(same)

        if not drafts.change(batch, edit, plan.look_at(rows)):
            return False
        if time.monotonic() > until:
            break
    return is_checked(batch)


def is_checked(batch: Batch) -> bool:
    return int(batch.options["checked"]) >= batch.total > 0


def _remember_rows(plan: Plan, batch: Batch, *, up_to: int) -> None:
    """What the rows before already were: another one may mean the same record."""
    for rows in drafts.slices(batch, cells_only=True) if up_to else ():
        for row in rows:
            if row.number > up_to:
                return
            mark = f"id:{row.upstream_id}" if row.upstream_id else plan.mark(plan.texts(row), None)
            if mark:
                plan.seen.setdefault(mark, row.number)


def mend(batch: Batch, number: int, typed: Mapping[str, str], *, actor: Membership) -> BatchRow:
    """
    Put what somebody typed into one row's fields and check it again; the row as it is now.

    Rows of the same e-mail or id are looked at again, too. Raises `StartedAlready`.
    """
    actor.require(Membership.Role.AGENT)
    plan = plan_of(batch)
    row = next(iter(drafts.rows_of(batch, [number])))
    marks = {plan.mark(plan.texts(row), None)}
    row.cells = {name: cell for name, cell in row.cells.items() if name != MORE_CELLS}
    places = {name: str(place) for place, name in plan.fields.items()}
    for name in plan.specs.keys() & typed.keys():
        row.cells.pop(f"{MENDED}{name}", None)
        row.cells[places.get(name, f"{MENDED}{name}")] = typed[name]
    marks.add(plan.mark(plan.texts(row), None))
    family = [row, *_relatives(plan, batch, row, marks - {""})]
    changed = plan.look_at(sorted(family, key=lambda one: one.number))
    if not drafts.change(batch, lambda _options: True, changed):
        raise StartedAlready(batch.pk)
    return row


def _relatives(plan: Plan, batch: Batch, row: BatchRow, marks: set[str]) -> Iterator[BatchRow]:
    """The other rows whose e-mail one of these is."""
    for rows in drafts.slices(batch, cells_only=True) if marks else ():
        found = [one for one in rows if plan.mark(plan.texts(one), None) in marks]
        yield from drafts.rows_of(batch, [one.number for one in found if one.number != row.number])


def begin(batch: Batch, *, actor: Membership) -> bool:
    """Import what was checked and is sound; False if it was begun. Raises `NotReady`."""
    actor.require(Membership.Role.AGENT)
    if not is_checked(batch) or not store.counts(batch).waiting:
        raise NotReady(batch.pk)
    return batches.start(batch, actor=actor)


def plan_of(batch: Batch) -> Plan:
    connection, kind = _connection(batch), kind_of(batch)
    mapping, columns = mapping_of(batch), columns_of(batch)
    return Plan(
        kind,
        source_of(connection),
        {spec.name: spec for spec in fields_of(connection, kind)},
        {place: mapping[name] for place, name in enumerate(columns) if mapping[name]},
        duplicates_of(batch),
        lambda number: drafts.rows_of(batch, [number])[0],
        _people(batch) if kind is Kind.LEADS else {},
    )


def _people(batch: Batch) -> dict[str, str]:
    """Representatives by name, where only one is called so: an export writes their names."""
    names: dict[str, list[str]] = {}
    for id_, name in facets(LEADS, batch.workspace).pairs("rep_id", "rep_name").items():
        names.setdefault(name, []).append(id_)
    return {name: ids[0] for name, ids in names.items() if name and len(ids) == 1}


def _connection(batch: Batch) -> Connection:
    assert batch.connection is not None, "an import goes with its connection"
    return batch.connection
