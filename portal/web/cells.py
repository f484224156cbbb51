"""
What stands in the cells of a list, made in Python: templates take a hundred times as long.

Everything that comes out is escaped, or plain text that the template escapes.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.templatetags.portal import Clock, amount, avatar_hue, hue, initials, nothing

# So many of the widest letters fit into the cell of a table.
FITS = 20
NONE = SafeString("")


class Cells:
    """The cells of one page: its moment and its words are asked once."""

    def __init__(self) -> None:
        self._clock, self._nothing = Clock(), nothing()
        self._marks: dict[str, SafeString] = {"": NONE}
        self._nobody = format_html('<span class="sub">{}</span>', _("Nobody"))

    def text(self, value: str) -> str:
        """A text, "—" if there is none."""
        return value if value.strip() else self._nothing

    def amount(self, value: Any) -> str:
        return self._nothing if value is None else amount(value)

    def time(self, moment: datetime | None) -> SafeString:
        return self._nothing if moment is None else self._clock.time(moment)

    def mark(self, status: str) -> SafeString:
        """How a write of this record stands that is not settled; nothing if none is."""
        if status not in self._marks:
            self._marks[status] = render_to_string("components/mark.html", {"mark": status})
        return self._marks[status]

    def stage(self, word: str) -> SafeString:
        """A stage's badge."""
        return word_badge(word, f"word {hue(word)}") if word else self._nothing

    def person(self, name: str) -> SafeString:
        """Whose a record is."""
        return _person(name) if name else self._nobody


# A list shows the same few words and people over and over.
@lru_cache(maxsize=1_000)
def word_badge(text: str, css: str) -> SafeString:
    return format_html('<span class="badge {}"><span>{}</span></span>', css, text)


@lru_cache(maxsize=1_000)
def _person(name: str) -> SafeString:
    return format_html(
        '<span class="person-cell"{}><span class="av {}" aria-hidden="true">{}</span>'
        '<span class="cut">{}</span></span>',
        hint(name),
        avatar_hue(name),
        initials(name),
        name,
    )


def hint(text: str) -> SafeString:
    """The attribute that tells a text in full where its cell may cut it; else nothing."""
    return format_html(' title="{}"', text) if len(text) > FITS else NONE
