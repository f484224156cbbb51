"""
Free attributes of a person: rows of a name, a type and a value, made without a script.

Only what changed is sent: the API may not be able to say what is there, and it may replace
everything with what it is given.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.records import FieldSpec
from portal.services.errors import Clash
from portal.web.forms import BEFORE, CHOICE, EARLIER, THEIRS, WAS, RecordForm, Suggestions

EMPTY_ROWS = 3
MAX_ROWS = 100
NAME_LIMIT, VALUE_LIMIT = 100, 2000
TYPES = ("text", "number", "yes_no")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,10})?")
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute as typed; `error` says what is wrong with it, "" if nothing is."""

    name: str = ""
    type: str = "text"
    value: str = ""
    error: str = ""

    @property
    def parsed(self) -> str | int | float | bool:
        """The value in its type. Raises `ValueError`."""
        if self.type == "text":
            return self.value.replace("\r\n", "\n")
        text = self.value.strip()
        if self.type == "yes_no":
            if text.lower() not in _YES_NO:
                raise ValueError(_("Write true or false."))
            return _YES_NO[text.lower()]
        if not _NUMBER.fullmatch(text):
            raise ValueError(_("This is not a number. Write it like 12 or 12.5."))
        return float(text) if "." in text else int(text)


class UserForm(RecordForm):
    """A form with an editor for the one field of the kind "attributes", if there is one."""

    def __init__(
        self,
        specs: Iterable[FieldSpec],
        data: QueryDict | None = None,
        *,
        raw: Mapping[str, Any] | None = None,
        suggestions: Suggestions | None = None,
    ) -> None:
        specs = list(specs)
        super().__init__(specs, data, raw=raw, suggestions=suggestions)
        self.attributes = next((s for s in specs if s.kind == "attributes"), None)
        self.rows: list[Row] = []
        if self.attributes is not None:
            self.known = self._known(self.attributes.name)
            typed = self._typed() if self.is_bound else None
            self.rows = typed or [_row(n, v) for n, v in self.known.items() if _scalar(v)]
            self.rows += [Row()] * EMPTY_ROWS

    @property
    def known_json(self) -> str:
        """What the editor showed, for the hidden field beside it."""
        return json.dumps(self.known)

    @property
    def types(self) -> list[tuple[str, str]]:
        return [("text", _("text")), ("number", _("number")), ("yes_no", _("true or false"))]

    def refill(self, changes: Mapping[str, Any]) -> None:
        super().refill(changes)
        wanted = changes.get(self.attributes.name) if self.attributes else None
        if isinstance(wanted, dict):
            shown = {**self.known, **wanted}
            self.rows = [_row(n, v) for n, v in shown.items() if _scalar(v)] + [Row()] * EMPTY_ROWS

    def move(self, clashes: Iterable[Clash]) -> list[dict[str, str]]:
        """An attribute's clash stands under its own name; what is seen of it now is theirs."""
        rows = super().move(clashes)
        prefix = f"{self.attributes.name}[" if self.attributes else ""
        for row, clash in zip(rows, clashes, strict=True):
            if prefix and clash.name.startswith(prefix):
                name = clash.name[len(prefix) : -1]
                row["label"] = name
                self.known = {**self.known, name: clash.theirs}
        return rows

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.attributes is not None:
            self._clean_rows(self.attributes)
        return cleaned

    def _clean_rows(self, spec: FieldSpec) -> None:
        """Keep the rows that changed; a row that cannot be read says so beside itself."""
        wanted: dict[str, Any] = {}
        checked: list[Row] = []
        for row in self.rows:
            error = self._problem(row, wanted)
            checked.append(Row(row.name, row.type, row.value, error))
        self.rows = checked
        if any(row.error for row in checked):
            self.add_error(None, _("%s: please look at the marked rows.") % _(spec.label))
            return
        changed = {n: v for n, v in wanted.items() if not _same(v, self.known.get(n))}
        if changed:
            self.changes[spec.name] = changed
            self.before[spec.name] = {n: self.known.get(n) for n in changed}

    def _problem(self, row: Row, wanted: dict[str, Any]) -> str:
        name = row.name.strip()
        if not name:
            return _("Give it a name.") if row.value.strip() else ""
        wrong = self._wrong(name, row, wanted)
        if wrong:
            return wrong
        try:
            wanted[name] = row.parsed
        except ValueError as error:
            return str(error)
        return ""

    def _wrong(self, name: str, row: Row, wanted: Mapping[str, Any]) -> str:
        if len(name) > NAME_LIMIT or len(row.value) > VALUE_LIMIT:
            return _("This is too long.")
        if "\x00" in row.name + row.value:
            return _("Null characters are not allowed.")
        if name in wanted:
            return _("This name is there twice.")
        missing = not row.value.strip() and name not in self.known
        return _("Give it a value.") if missing else ""

    def _known(self, name: str) -> dict[str, Any]:
        """The attributes as the person saw them; as our copy has them where the form is silent."""
        told: Any = self.data.get(BEFORE + name)
        try:
            known = self.raw.get(name) if told is None else json.loads(told)
        except (ValueError, RecursionError):
            known = None
        return dict(known) if isinstance(known, dict) else {}

    def _decided(self, row: Row) -> Row:
        """The row with what was chosen for it, where both sides changed it."""
        name = f"{self.attributes.name}[{row.name.strip()}]" if self.attributes else ""
        if not isinstance(self.data, QueryDict) or name not in self.data.getlist("clash"):
            return row
        choice = self.data.get(CHOICE + name)
        if choice == THEIRS:
            return _row(row.name, self.known.get(row.name.strip()))
        return Row(row.name, row.type, self.data.get(WAS + name, "")) if choice == EARLIER else row

    def _typed(self) -> list[Row]:
        if not isinstance(self.data, QueryDict):
            return []
        columns = [self.data.getlist(f"attribute-{part}") for part in ("name", "type", "value")]
        rows = [
            self._decided(Row(n, t if t in TYPES else "text", v))
            for n, t, v in zip(*columns, strict=False)
        ]
        return [row for row in rows[:MAX_ROWS] if row.name or row.value]


def _row(name: str, value: Any) -> Row:
    if isinstance(value, bool):
        return Row(name, "yes_no", "true" if value else "false")
    if isinstance(value, int | float):
        return Row(name, "number", str(value))
    return Row(name, "text", "" if value is None else str(value))


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _same(one: Any, other: Any) -> bool:
    """Equal and of one kind: true is not 1; an empty text is what None was shown as."""
    if other is None:
        return bool(one == "")
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
