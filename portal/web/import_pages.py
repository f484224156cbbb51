"""What the pages of an import show before it starts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.batches import drafts, store
from portal.batches.models import Batch, BatchRow
from portal.records import FieldSpec, Kind
from portal.services import batches
from portal.services import connections as connections_service
from portal.services import imports as service
from portal.services.codecs import CODECS
from portal.services.import_columns import ID
from portal.services.import_plan import CREATE, LINE, SKIP, UPDATE, Plan
from portal.vault.models import Connection
from portal.web.access import MemberRequest
from portal.web.batch_page import about
from portal.web.progress import KINDS
from portal.web.waiting import Change

SAMPLES, SHOWN, PER_PAGE = 3, 5, 25
LISTS = {Kind.LEADS: "lead-list", Kind.CONTACTS: "contact-list"}
ENCODINGS = (
    ("", gettext_lazy("Find it out")),
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", gettext_lazy("Windows-1252 (Western Europe)")),
    ("cp1250", gettext_lazy("Windows-1250 (Central Europe)")),
    ("cp1251", gettext_lazy("Windows-1251 (Cyrillic)")),
    ("cp1253", gettext_lazy("Windows-1253 (Greek)")),
    ("cp1254", gettext_lazy("Windows-1254 (Turkish)")),
    ("latin-1", "ISO 8859-1"),
    ("shift_jis", gettext_lazy("Shift JIS (Japanese)")),
    ("gb18030", gettext_lazy("GB 18030 (Chinese)")),
)
DELIMITERS = {
    ",": gettext_lazy("commas"),
    ";": gettext_lazy("semicolons"),
    "\t": gettext_lazy("tabs"),
    "|": gettext_lazy("vertical bars"),
}
DUPLICATES = {
    SKIP: (
        gettext_lazy("Leave them out"),
        gettext_lazy("Rows whose record is there already are not imported."),
    ),
    UPDATE: (
        gettext_lazy("Change what is there"),
        gettext_lazy("Only fields that differ are sent; an empty cell clears nothing."),
    ),
    CREATE: (
        gettext_lazy("Make them again"),
        gettext_lazy("Every row makes a new lead, whether there is one or not."),
    ),
}


@dataclass(frozen=True, slots=True)
class Box:
    """A column of the file with some of its texts, and the field that it fills."""

    place: int
    name: str
    samples: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True)
class Input:
    """A field of a row that is to be mended."""

    name: str
    label: str
    value: str
    error: str
    long: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file: what is wrong with it, or what becomes of it."""

    row: BatchRow
    line: int
    title: str
    sound: bool
    errors: tuple[str, ...]
    inputs: tuple[Input, ...]
    words: str
    changes: tuple[Change, ...] = ()


class ColumnsForm:
    """What a person says of the columns: `fields` by column name, `duplicates`, `errors`."""

    def __init__(self, batch: Batch, data: QueryDict | None) -> None:
        names = service.columns_of(batch)
        known = {ID, *(spec.name for spec in specs_of(batch))}
        self.fields = service.mapping_of(batch)
        self.duplicates = service.duplicates_of(batch)
        self.errors: list[str] = []
        if data is None:
            return
        for place, name in enumerate(names):
            told = data.get(f"column-{place}", "")
            self.fields[name] = told if told in known else ""
        told = data.get("duplicates", "")
        if told in service.choices_of(service.kind_of(batch)):
            self.duplicates = told
        self._judge(batch)

    def _judge(self, batch: Batch) -> None:
        given = [name for name in self.fields.values() if name]
        labels = dict(options_of(batch))
        for name in dict.fromkeys(name for name in given if given.count(name) > 1):
            self.errors.append(_("Two columns fill “%s”. Leave one of them out.") % labels[name])
        if not set(given) - {ID}:
            self.errors.append(_("Choose a field for at least one column."))


def specs_of(batch: Batch) -> list[FieldSpec]:
    assert batch.connection is not None, "an import goes with its connection"
    return service.fields_of(batch.connection, service.kind_of(batch))


def options_of(batch: Batch) -> list[tuple[str, str]]:
    """The fields that a column can fill, with their words."""
    assert batch.connection is not None, "an import goes with its connection"
    name = connections_service.name_of(batch.connection)
    fields = [(spec.name, _(spec.label)) for spec in specs_of(batch)]
    return [*fields, (ID, _("Id in %s") % name)]


def named(connections: Iterable[Connection]) -> list[tuple[int, str]]:
    return [(c.pk, connections_service.name_of(c)) for c in connections]


def list_href(request: MemberRequest, kind: Kind) -> str:
    return reverse(LISTS[kind], args=[request.member.workspace.slug])


def check_href(request: MemberRequest, batch: Batch) -> str:
    return reverse("import-check", args=[request.member.workspace.slug, batch.pk])


def around(request: MemberRequest, batch: Batch) -> dict[str, Any]:
    """What every page of an import has."""
    kind = service.kind_of(batch)
    return {
        "batch": batch,
        "noun": KINDS[kind],
        "total": batch.total,
        "file": batch.options["file"],
        "list_href": list_href(request, kind),
        "upload_href": list_href(request, kind) + "import/",
        "section": kind.value,
    }


def columns_page(request: MemberRequest, batch: Batch, form: ColumnsForm) -> dict[str, Any]:
    options = batch.options
    rows = next(drafts.slices(batch), [])[:20]
    boxes = [
        Box(place, name, _samples(rows, place), form.fields[name])
        for place, name in enumerate(service.columns_of(batch))
    ]
    asked = service.choices_of(service.kind_of(batch))
    return around(request, batch) | {
        "boxes": boxes,
        "fields": options_of(batch),
        "needed": [_(s.label) for s in specs_of(batch) if s.required],
        "duplicates": [(name, *DUPLICATES[name], name == form.duplicates) for name in asked],
        "errors": form.errors,
        "encoding": dict(ENCODINGS).get(options["encoding"], options["encoding"].upper()),
        "guessed": options["encoding"] in ("cp1252", "latin-1"),
        "delimiter": DELIMITERS.get(options["delimiter"], ""),
        "long": options["long"],
    }


def _samples(rows: Sequence[BatchRow], place: int) -> tuple[str, ...]:
    found = (str(row.cells.get(str(place), "")) for row in rows)
    return tuple(dict.fromkeys(text[:80] for text in found if text.strip()))[:SAMPLES]


def check_page(request: MemberRequest, batch: Batch) -> dict[str, Any]:
    """How many would be made, changed, left out, and which are wrong."""
    tallies = drafts.tallies(batch)
    noun = service.kind_of(batch).value.removesuffix("s")
    wrong = sum(n for (status, _a), n in tallies.items() if status == store.FAILED)
    out = sum(n for (status, _a), n in tallies.items() if status == store.SKIPPED)
    made = tallies.get((store.WAITING, f"{noun}.create"), 0)
    changed = tallies.get((store.WAITING, f"{noun}.update"), 0)
    after = _number(request.GET.get("after"))
    failed = list(drafts.with_status(batch, store.FAILED).filter(number__gt=after)[: PER_PAGE + 1])
    ready = service.is_checked(batch)
    return around(request, batch) | {
        "ready": ready,
        "checked": batch.options["checked"],
        "made": made,
        "changed": changed,
        "left_out": out,
        "wrong": wrong,
        "reasons": [(_(reason), number) for reason, number in drafts.left_out(batch)],
        "lines": [line_of(batch, row) for row in failed[:PER_PAGE]],
        "more_href": f"?after={failed[PER_PAGE - 1].number}" if len(failed) > PER_PAGE else "",
        "samples": _sample_lines(batch, noun),
        **_cost(batch, made + changed if ready else 0),
    }


def _cost(batch: Batch, waiting: int) -> dict[str, Any]:
    if not waiting:
        return {"waiting": 0}
    estimate = batches.estimate(batch)
    calls = number_format(estimate.calls, force_grouping=True)
    return {"waiting": waiting, "calls": calls, "time": about(estimate.seconds)}


def _sample_lines(batch: Batch, noun: str) -> list[Line]:
    """The first rows of those that are made and of those that change something."""
    plan = service.plan_of(batch)
    found: list[BatchRow] = []
    for verb in ("create", "update"):
        found += drafts.with_status(batch, store.WAITING, f"{noun}.{verb}")[:SHOWN]
    return [_line(plan, row) for row in found]


def line_of(batch: Batch, row: BatchRow) -> Line:
    return _line(service.plan_of(batch), row)


def _line(plan: Plan, row: BatchRow) -> Line:
    texts, problems = plan.texts(row), row.problems
    # Where nothing tells which field is wrong, all that the file fills can be mended.
    names = [name for name in plan.specs if name in problems]
    if "" in problems:
        names = [name for name in plan.specs if name in plan.fields.values()]
    inputs = tuple(
        Input(
            name,
            _(plan.specs[name].label),
            texts.get(name, ""),
            problems.get(name, ""),
            plan.specs[name].kind == "long_text",
        )
        for name in names
    )
    return Line(
        row,
        row.cells.get(LINE, row.number),
        row.title,
        row.status != store.FAILED,
        (problems[""],) if "" in problems else (),
        inputs,
        _words(row),
        _changes(plan, row),
    )


def _changes(plan: Plan, row: BatchRow) -> tuple[Change, ...]:
    return tuple(
        Change(
            _(plan.specs[name].label),
            CODECS[plan.specs[name].kind].show(row.before.get(name)),
            CODECS[plan.specs[name].kind].show(value),
        )
        for name, value in row.changes.items()
        if name in plan.specs
    )


def _words(row: BatchRow) -> str:
    """What becomes of the row."""
    if row.status == store.SKIPPED:
        return _(row.reason)
    if row.status == store.FAILED:
        return _("not imported as it is")
    return _("will be changed") if row.action.endswith(".update") else _("will be made")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
