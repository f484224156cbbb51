"""Fields and values of a change in words: labels of the services' own forms, texts as typed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portal.records import FieldSpec, Form
from portal.services import connections as service
from portal.services.codecs import CODECS
from portal.services.values import same_value
from portal.vault.models import Connection

type Specs = Mapping[str, FieldSpec]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what it is called, what it held before, what it holds then."""

    name: str
    label: str
    before: str
    after: str


def specs_of(connections: Iterable[Connection]) -> Specs:
    """Every field that the services' forms describe, by its own name."""
    found: dict[str, FieldSpec] = {}
    for connection in connections:
        for form in Form:
            for spec in service.fields_of(connection, form):
                found.setdefault(spec.name, spec)
    return found


def label_of(name: str, specs: Specs) -> str:
    """What the forms call the field, else its own name made readable."""
    if name in specs:
        return _(specs[name].label)
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else name


def text_of(name: str, value: Any, specs: Specs) -> str:
    """The value as one would type it; "" for none."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(part)}" for key, part in value.items())
    codec = CODECS.get(specs[name].kind) if name in specs else None
    if codec is not None:
        return codec.show(value)
    return CODECS["tags"].show(value) if isinstance(value, list) else _plain(value)


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], specs: Specs
) -> list[Difference]:
    """The fields of either side that differ, those that are set first in their order."""
    names = list(dict.fromkeys([*after, *before]))
    return [
        Difference(
            name,
            label_of(name, specs),
            text_of(name, before.get(name), specs),
            text_of(name, after.get(name), specs),
        )
        for name in names
        if not same_value(before.get(name), after.get(name))
    ]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
