"""
What would become of each row of a file: made anew, changed, left out, or wrong and why.

Nothing is sent and nothing is read upstream: the copy tells what is there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.batches.files.cells import mended
from portal.batches.models import BatchRow
from portal.mirror import alike, columns
from portal.mirror.models import Upstream
from portal.mirror.store import Source
from portal.records import FieldSpec, Kind
from portal.services.batch_runs import SO_ALREADY
from portal.services.codecs import CODECS, checked
from portal.services.import_columns import ID
from portal.services.values import same_value
from portal.texts import gettext_noop

SKIP, UPDATE, CREATE = "skip", "update", "create"
MORE_CELLS, MENDED = "+", "="
"""In a row's `cells`: those beyond the last column; before a field's name: what was typed."""
LINE = "#"
"""In a row's `cells`: the row's number in the file."""
NOTHING_IN_IT = gettext_noop("Nothing stands in the columns that are imported.")
THERE_ALREADY = gettext_noop("It is there already: the same e-mail or id.")
TWICE = gettext_noop("The same e-mail or id stands further up in the file.")
TOGETHER = gettext_noop("Put together with the row of the same e-mail or id further up.")


@dataclass(slots=True)
class Plan:
    """
    How the rows of one import are read. `fields` tells each column's field, by the column's
    place. `seen` are the numbers of the rows by what identifies their record, as far as they
    were looked at; `fetch` reads one of them again.
    """

    kind: Kind
    source: Source
    specs: Mapping[str, FieldSpec]
    fields: Mapping[int, str]
    duplicates: str
    fetch: Callable[[int], BatchRow]
    people: Mapping[str, str] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    touched: dict[int, BatchRow] = field(default_factory=dict)

    @property
    def noun(self) -> str:
        return self.kind.value.removesuffix("s")

    def look_at(self, rows: Sequence[BatchRow]) -> list[BatchRow]:
        """Decide about these rows; returns them, and earlier ones that they changed."""
        read = [(row, self.texts(row)) for row in rows]
        emails = [self.email(texts) for _row, texts in read]
        there = alike.by_email(self.source, self.kind, emails)
        ids = alike.by_id(self.source, self.kind, (texts.get(ID, "") for _row, texts in read))
        self.touched = {row.number: row for row in rows}
        for row, texts in read:
            email = columns.email_key(self.email(texts))
            existing = ids.get(texts.get(ID, "")) or (there.get(email) if email else None)
            self._decide(row, texts, existing, self._earlier(row, self.mark(texts, existing)))
        return list(self.touched.values())

    def texts(self, row: BatchRow) -> dict[str, str]:
        """The texts of a row by field, those that were typed since before the file's own."""
        found = {
            name: text
            for place, name in self.fields.items()
            if (text := str(row.cells.get(str(place), ""))).strip()
        }
        if ID in found:
            found[ID] = found[ID].strip()
        for key, text in row.cells.items():
            if key.startswith(MENDED) and key[1:] in self.specs:
                found[key[1:]] = str(text)
        return found

    def email(self, texts: Mapping[str, str]) -> str:
        name = next((s.name for s in self.specs.values() if s.attribute == "email"), "")
        return texts.get(name, "").strip()

    def mark(self, texts: Mapping[str, str], existing: Upstream | None) -> str:
        """What identifies the record a row means, "" if nothing does."""
        if existing is not None:
            return f"id:{existing.upstream_id}"
        email = columns.email_key(self.email(texts))
        return f"mail:{email}" if email else ""

    def _earlier(self, row: BatchRow, mark: str) -> int | None:
        """The number of the first row that means the same record, if that is another one."""
        number = self.seen.setdefault(mark, row.number) if mark else row.number
        return None if number == row.number else number

    def _row(self, number: int) -> BatchRow:
        """An earlier row, to be changed."""
        if number not in self.touched:
            self.touched[number] = self.fetch(number)
        return self.touched[number]

    def _decide(
        self,
        row: BatchRow,
        texts: Mapping[str, str],
        existing: Upstream | None,
        earlier: int | None,
    ) -> None:
        """Write the decision into the row, or into the earlier one it is put together with."""
        row.before, row.changes, row.problems = {}, {}, {}
        row.action, row.upstream_id, row.reason = f"{self.noun}.create", "", ""
        row.status, row.title = BatchRow.Status.WAITING, self._title(texts)[:200]
        values = self._values(row, texts, existing)
        if not texts:
            _leave_out(row, NOTHING_IN_IT)
        elif row.problems:
            _refuse(row)
        elif earlier is not None and self.duplicates == SKIP:
            _leave_out(row, TWICE)
        elif earlier is not None and self._takes_more(earlier):
            self._put_together(self._row(earlier), values, existing)
            _leave_out(row, TOGETHER)
        elif existing is not None and self.duplicates == SKIP:
            row.upstream_id = existing.upstream_id
            _leave_out(row, THERE_ALREADY)
        elif existing is not None and self.duplicates == UPDATE:
            self._update(row, values, existing)
        else:
            self._make(row, values)

    def _values(
        self, row: BatchRow, texts: Mapping[str, str], existing: Upstream | None
    ) -> dict[str, Any]:
        """The provider's values of a row's texts; what is wrong goes into its problems."""
        if MORE_CELLS in row.cells:
            row.problems[""] = _(
                "This row has more cells than there are columns: perhaps a delimiter stands in a "
                "text. Look at the values and save them."
            )
        values = {}
        for name, text in texts.items():
            spec = self.specs.get(name)
            if spec is None:
                continue
            told = self.people.get(text.strip(), text) if spec.attribute == "rep_id" else text
            try:
                values[name] = checked(spec, told)
            except ValidationError as error:
                if not self._held_so(name, text, existing):
                    row.problems[name] = " ".join(error.messages)
        return {name: value for name, value in values.items() if value not in (None, "", [])}

    def _held_so(self, name: str, text: str, existing: Upstream | None) -> bool:
        """Whether the record says so already: what a service holds may be anything."""
        if existing is None or self.duplicates != UPDATE:
            return False
        return text == mended(CODECS[self.specs[name].kind].show(existing.raw.get(name)))

    def _make(self, row: BatchRow, values: dict[str, Any]) -> None:
        for spec in self.specs.values():
            if spec.required and spec.name not in values:
                row.problems[spec.name] = _("This is needed: please fill it in.")
        row.changes = values
        if row.problems:
            _refuse(row)

    def _update(self, row: BatchRow, values: dict[str, Any], existing: Upstream) -> None:
        """Only what differs, and nothing is cleared: an empty cell says nothing."""
        row.action, row.upstream_id = f"{self.noun}.update", existing.upstream_id
        row.changes = {
            name: value
            for name, value in values.items()
            if self.specs[name].on_update and not self._same(name, value, existing.raw.get(name))
        }
        row.before = {name: existing.raw.get(name) for name in row.changes}
        if not row.changes:
            _leave_out(row, SO_ALREADY)

    def _same(self, name: str, value: Any, old: Any) -> bool:
        spec, codec = self.specs[name], CODECS[self.specs[name].kind]
        if spec.attribute == "email" and columns.email_key(value) == columns.email_key(str(old)):
            return True
        return same_value(value, old) or codec.same(codec.show(value), mended(codec.show(old)))

    def _takes_more(self, number: int) -> bool:
        """Whether what a later row says can be put into this one."""
        return self.duplicates == UPDATE and not self._row(number).problems

    def _put_together(
        self, row: BatchRow, values: dict[str, Any], existing: Upstream | None
    ) -> None:
        """What stands further down in the file is the newer word."""
        row.status, row.reason = BatchRow.Status.WAITING, ""
        if existing is not None:
            self._update(row, row.changes | values, existing)
        else:
            self._make(row, row.changes | values)

    def _title(self, texts: Mapping[str, str]) -> str:
        """What the row's record is called."""
        by_attribute = {spec.attribute: texts.get(name, "") for name, spec in self.specs.items()}
        names = (by_attribute.get(part, "") for part in ("name", "first_name", "last_name"))
        return " ".join(" ".join(names).split()) or self.email(texts) or texts.get(ID, "")


def _leave_out(row: BatchRow, reason: str) -> None:
    row.status, row.reason = BatchRow.Status.SKIPPED, reason


def _refuse(row: BatchRow) -> None:
    row.status = BatchRow.Status.FAILED
    row.reason = " ".join(row.problems.values())[:500]
