"""
Texts that a spreadsheet would take for a formula, made harmless, and taken back.

A leading apostrophe is put before such a text, and before one that has apostrophes before such a
beginning already: so taking one apostrophe off gives every text back as it was. A text that
merely begins with an apostrophe is left alone.
"""

import re
from typing import Any

# "=", "+", "-", "@" and what folds to them (full width, small, raised), also behind white space
# and marks that nobody sees; and tab, line ends, NUL as the first character (reliability T10).
_SIGNS = (
    r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
    r"\u207a\u207b\u207c\u208a\u208b\u208c\u2212"
)
_UNSEEN = (
    r"\s\x00-\x1f\x7f-\xa0\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"
)
_DANGEROUS = re.compile(rf"'*(?:[\t\r\n\x00]|[{_UNSEEN}]*[{_SIGNS}])")
_APOSTROPHES = re.compile(rf"'+(?:[\t\r\n\x00]|[{_UNSEEN}]*[{_SIGNS}])")
# Two of them no workbook and no page can hold.
_NOWHERE = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")


def mended(text: str) -> str:
    """The text without what no file can hold: NUL, halves of characters, non-characters."""
    return _NOWHERE.sub("\ufffd", text)


def defused(text: str) -> str:
    """The text as a CSV cell holds it."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def defused_typed(text: str) -> str:
    """
    The text as a cell that is typed as text holds it: no program takes it for a formula.

    Only one that would lose an apostrophe when it is read back gets another one.
    """
    return f"'{text}" if _APOSTROPHES.match(text) else text


def taken_back(cell: str) -> str:
    """The text of a cell that `defused` or `defused_typed` wrote; any other one as it is."""
    return cell[1:] if _APOSTROPHES.match(cell) else cell


def text_of(value: Any) -> str:
    """A value as CSV writes it: times in ISO 8601, numbers plainly."""
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return mended(str(value))
