"""The menus of a list's filter form: what can be asked, what is asked, how many there are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from portal.mirror.tables import NONE, PRESETS, Facets
from portal.vault.models import Connection
from portal.web.list_state import State, Words

type MenuKind = Literal["checks", "texts", "numbers", "since"]


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a menu; `count` is None where it is not known."""

    value: str
    label: str
    count: int | None
    checked: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """
    One filter of the form. `kind` picks the inputs: boxes, free texts, a lowest and a
    highest number, or a time. `values` are what is asked now.
    """

    name: str
    label: str
    kind: MenuKind
    options: tuple[Option, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def date(self) -> str:
        """The date asked of a time filter, "" if none or a preset is."""
        return next((v for v in self.values if v not in PRESETS), "")

    @property
    def low(self) -> str:
        return self.values[0]

    @property
    def high(self) -> str:
        return self.values[1]


def since_words(label: str) -> Words:
    return Words(label, {"today": _("today"), "7d": _("7 days"), "30d": _("30 days")})


def connection_words(connections: Iterable[Connection], names: Mapping[int, str]) -> Words:
    return Words(_("Service"), {str(c.pk): names[c.pk] for c in connections})


def checks(
    state: State, name: str, words: Words, counts: Mapping[Any, int], *, counted: bool
) -> Menu:
    """Boxes for the words known or in use; a word no row holds stays, without a number (F9)."""
    asked = state.values(name)
    values = {str(value) if value != "" else NONE: n for value, n in counts.items()}
    every = dict.fromkeys([*words.values, *(v for v in values if v != NONE), *asked])
    if NONE in values:
        every |= {NONE: None}
    options = tuple(
        Option(value, words.of(value), values.get(value, 0) if counted else None, value in asked)
        for value in every
    )
    return Menu(name, words.label, "checks", options, asked)


def texts(state: State, name: str, words: Words) -> Menu:
    """A box for each text asked, and an empty one."""
    return Menu(name, words.label, "texts", values=(*state.values(name), ""))


def numbers(state: State, name: str, label: str) -> Menu:
    """From and to: the filters `name`_min and `name`_max."""
    ends = (state.values(f"{name}_{end}") for end in ("min", "max"))
    low, high = (values[-1] if values else "" for values in ends)
    return Menu(name, label, "numbers", values=(low, high))


def since(state: State, name: str, words: Words) -> Menu:
    asked = state.values(name)
    options = tuple(Option(v, label, None, v in asked) for v, label in words.values.items())
    return Menu(name, words.label, "since", options, asked)


def known_words(words: Words, counts: Mapping[Any, int], facets: Facets) -> set[str] | None:
    """The values a filter can have; None where not every row was counted: any may exist."""
    return {*words.values, *map(str, counts)} if facets.whole else None
