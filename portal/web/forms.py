"""
A form over a provider's own fields, made of its `FieldSpec`s.

It carries beside each field the value as the person saw it (`before-<field>`): what differs
is what is sent. Fields that were not touched are not checked: what a service holds may be
anything.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.records import FieldSpec
from portal.services.codecs import CODECS, Codec, checked, show_text
from portal.services.errors import Clash

type Suggestions = Mapping[str, list[tuple[str, str]]]
"""For a record's attribute ("stage"): values to choose from, with their words."""

BEFORE = "before-"
# A conflict's fields: which of the three was chosen, and what the field held at first.
CHOICE, WAS = "choice-", "was-"
THEIRS, EARLIER = "theirs", "before"


class TextBox(forms.CharField):
    """A text as typed: whether it is good is for the whole form to say."""

    def clean(self, value: Any) -> Any:
        text = self.to_python(value)
        ProhibitNullCharactersValidator()(text)
        return text


class Suggest(forms.TextInput):
    """A text with suggestions: any other value may be typed."""

    template_name = "django/forms/widgets/suggest.html"

    def __init__(self, options: Iterable[str], attrs: dict[str, Any]) -> None:
        super().__init__(attrs)
        self.options = list(options)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["list"] = f"{name}-list"
        return context | {"options": self.options}


class RecordForm(forms.Form):
    """
    `raw` is the record as our copy holds it; None when one is being made. After `is_valid`,
    `changes` holds what is to be sent and `before` the same fields as they were seen, both
    under the provider's names.
    """

    def __init__(
        self,
        specs: Iterable[FieldSpec],
        data: QueryDict | None = None,
        *,
        raw: Mapping[str, Any] | None = None,
        suggestions: Suggestions | None = None,
    ) -> None:
        self.specs = [s for s in specs if s.kind in CODECS and (raw is None or s.on_update)]
        self.raw, self.making = raw or {}, raw is None
        self.changes: dict[str, Any] = {}
        self.before: dict[str, Any] = {}
        self.moved: dict[str, str] = {}
        shown = {s.name: codec_of(s).show(self.raw.get(s.name)) for s in self.specs}
        super().__init__(_decided(data), initial=shown, use_required_attribute=False)
        for spec in self.specs:
            self.fields[spec.name] = self._box(spec, suggestions or {})

    def clean(self) -> dict[str, Any]:
        for spec in self.specs:
            text = self.cleaned_data.get(spec.name)
            if text is None or (spec.name not in self.data and not self.making):
                continue
            if not self.making and codec_of(spec).same(text, self.seen(spec.name)):
                continue
            try:
                self._take(spec, text)
            except ValidationError as error:
                self.add_error(spec.name, error)
        return self.cleaned_data

    def seen(self, name: str) -> str:
        """The field's text as the person saw it; as our copy has it where the form is silent."""
        told = self.data.get(BEFORE + name)
        return str(self.initial.get(name, "")) if told is None else str(told)

    @property
    def befores(self) -> list[tuple[str, str]]:
        """The hidden fields that carry what is being seen now."""
        if self.making:
            return []
        return [(BEFORE + n, self.moved.get(n, self.seen(n))) for n in self.fields]

    def refill(self, changes: Mapping[str, Any]) -> None:
        """Show what somebody wanted to change already, compared with what is there now."""
        for spec in self.specs:
            if spec.name in changes:
                self.moved[spec.name] = str(self.initial.get(spec.name, ""))
                self.initial[spec.name] = codec_of(spec).show(changes[spec.name])

    def meanwhile(self) -> list[tuple[str, str]]:
        """The fields that changed since the form was shown, with their values now, in words."""
        return [
            (_(spec.label), str(self.initial[spec.name]))
            for spec in self.specs
            if BEFORE + spec.name in self.data
            and not codec_of(spec).same(self.seen(spec.name), str(self.initial[spec.name]))
        ]

    def move(self, clashes: Iterable[Clash]) -> list[dict[str, str]]:
        """
        After `StaleRecord`: what is seen now is theirs, so that sending again keeps mine.

        Returns the rows of the conflict, in words.
        """
        by_name, rows = {spec.name: spec for spec in self.specs}, []
        for clash in clashes:
            spec = by_name.get(clash.name)
            show = codec_of(spec).show if spec else show_text
            self.moved[clash.name] = show(clash.theirs)
            rows.append(
                {
                    "name": clash.name,
                    "label": _(spec.label) if spec else clash.name,
                    "before": show(clash.before),
                    "theirs": show(clash.theirs),
                    "mine": show(clash.mine),
                    "choice": CHOICE + clash.name,
                    "was": WAS + clash.name,
                }
            )
        return rows

    def _take(self, spec: FieldSpec, text: str) -> None:
        """Check one field that changed and keep its value. Raises `ValidationError`."""
        value = checked(spec, text)
        if self.making and value in (None, []):
            return
        self.changes[spec.name] = value
        self.before[spec.name] = self._value_seen(spec)

    def _value_seen(self, spec: FieldSpec) -> Any:
        """The provider's value that the person saw: our copy's, unless it moved since."""
        codec, text = codec_of(spec), self.seen(spec.name)
        if codec.same(text, str(self.initial.get(spec.name, ""))):
            return self.raw.get(spec.name)
        try:
            return codec.read(text)
        except ValidationError:
            return text

    def _box(self, spec: FieldSpec, suggestions: Suggestions) -> forms.Field:
        return TextBox(
            label=_(spec.label),
            help_text=_(spec.help) if spec.help else "",
            required=spec.required,
            strip=False,
            widget=self._widget(spec, suggestions.get(spec.attribute, [])),
        )

    def _widget(self, spec: FieldSpec, options: list[tuple[str, str]]) -> forms.Widget:
        attrs: dict[str, Any] = {"autocomplete": "off"}
        if spec.example:
            attrs["placeholder"] = spec.example
        if spec.kind == "long_text":
            return forms.Textarea(attrs | {"rows": 4})
        if options:
            return forms.Select(choices=self._options(spec, options))
        if spec.choices:
            return Suggest(spec.choices, attrs)
        modes = {"email": "email", "phone": "tel", "amount": "decimal"}
        if spec.kind in modes:
            attrs["inputmode"] = modes[spec.kind]
        return forms.TextInput(attrs)

    def _options(self, spec: FieldSpec, options: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The suggestions, and whatever else the field holds or held: nothing is forced."""
        now = [str(self.data.get(spec.name, "")), self.seen(spec.name)]
        words = dict.fromkeys([value for value, _words in options]) | dict.fromkeys(now)
        words.pop("", None)
        labels = dict(options)
        empty = [] if spec.attribute == "stage" and all(now[1:]) else [("", "—")]
        return empty + [(value, labels.get(value) or value) for value in words]


def codec_of(spec: FieldSpec) -> Codec:
    return CODECS[spec.kind]


def _decided(data: QueryDict | None) -> QueryDict | None:
    """The posted form with what the person chose, field by field, where both sides differ."""
    if data is None or "clash" not in data:
        return data
    data = data.copy()
    for name in data.getlist("clash"):
        choice = data.get(CHOICE + name)
        if choice == THEIRS:
            data[name] = data.get(BEFORE + name, "")
        elif choice == EARLIER:
            data[name] = data.get(WAS + name, "")
    return data
