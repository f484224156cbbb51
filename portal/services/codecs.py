"""
Fields of a provider's record as people type them, and back: text <-> the provider's value.

Every kind of `FieldSpec` but attributes has a `Codec`. Forms and imports check with the same.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.records import FieldSpec

LARGEST_AMOUNT = Decimal(10) ** 12
MAX_TAGS = 100
EMAIL_MAX = 254

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
# One tag: in quotes, where "" is a quote, or whatever stands before the next comma.
_TAG = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:,|$)|([^,]*)(?:,|$)')
_SPACES = re.compile(r"[\s'’\u00a0\u202f_]")
_SEPARATORS = str.maketrans({"٫": ".", "٬": ",", "，": ",", "．": "."})
_LINE_ENDS = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class Codec:
    """`show`: the provider's value as text; `read`: the text as value, or `ValidationError`."""

    show: Callable[[Any], str]
    read: Callable[[str], Any]
    one_line: bool = True

    def same(self, one: str, other: str) -> bool:
        """Whether two texts of the input mean the same, as browsers change line ends."""
        if self._plain(one) == self._plain(other):
            return True
        try:
            return bool(self.read(one) == self.read(other))
        except ValidationError:
            return False

    def _plain(self, text: str) -> str:
        text = _LINE_ENDS.sub("\n", text.replace("\x00", "\ufffd"))
        return text.replace("\n", "") if self.one_line else text


def show_text(value: Any) -> str:
    return "" if value is None else str(value)


def read_text(text: str) -> str | None:
    """The text with one kind of line end; nothing is None, which clears the field."""
    return _LINE_ENDS.sub("\n", text) or None


def read_email(text: str) -> str | None:
    text = text.strip()
    if text and (len(text) > EMAIL_MAX or not _EMAIL.fullmatch(text)):
        raise ValidationError(_("This is not an e-mail address: name@example.com is one."))
    return text or None


def show_amount(value: Any) -> str:
    """The number without an exponent and without separators; a text as it came."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{Decimal(str(value)):f}"
    return show_text(value)


def read_amount(text: str) -> int | float | None:
    """
    A number people write: "3,200.50", "3200,5", "3 200". A comma is a decimal one unless
    three digits follow it, as the pages themselves group them.
    """
    plain = _digits(_SPACES.sub("", text))
    if not plain:
        return None
    if not re.fullmatch(r"\d[\d.,]*|[.,]\d+", plain):
        raise ValidationError(_("This is not a number. Write it like 3200 or 3,200.50."))
    try:
        number = Decimal(_one_point(plain))
    except InvalidOperation as error:
        raise ValidationError(_("This is not a number. Write it like 3200.50.")) from error
    if number >= LARGEST_AMOUNT:
        raise ValidationError(_("This number is too large."))
    if number != round(number, 4):
        raise ValidationError(_("At most four decimals are kept."))
    return int(number) if number == int(number) else float(number)


def _digits(text: str) -> str:
    """Digits of any script as ASCII."""
    text = text.translate(_SEPARATORS)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _one_point(plain: str) -> str:
    """The same number with a point for the decimals and no separators."""
    comma, point = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and point >= 0:
        thousands, decimal = (",", ".") if point > comma else (".", ",")
        whole, _sep, rest = plain.rpartition(decimal)
        return f"{_ungrouped(whole, thousands)}.{rest}"
    mark = "," if comma >= 0 else "."
    if plain.count(mark) > 1 or (mark == "," and re.fullmatch(r"[1-9]\d{0,2},\d{3}", plain)):
        return _ungrouped(plain, mark)
    return plain.replace(mark, ".")


def _ungrouped(whole: str, mark: str) -> str:
    """The digits without their separators, if those stand where separators do."""
    groups = whole.split(mark)
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(g) != 3 for g in groups[1:])):
        raise InvalidOperation
    return "".join(groups)


def show_tags(value: Any) -> str:
    """Tags beside each other, those that hold a comma or a quote in quotes."""
    if not isinstance(value, list | tuple):
        return show_text(value)
    return ", ".join(map(_quoted, value))


def _quoted(tag: Any) -> str:
    text = str(tag)
    if text == text.strip() and text and not set(text) & set(',"\r\n'):
        return text
    return '"{}"'.format(text.replace('"', '""'))


def read_tags(text: str) -> list[str]:
    tags = list(_tags(text))
    if len(tags) > MAX_TAGS:
        raise ValidationError(_("At most 100 tags are kept."))
    return tags


def _tags(text: str) -> Iterable[str]:
    for found in _TAG.finditer(text):
        quoted, bare = found.groups()
        tag = quoted.replace('""', '"') if quoted is not None else (bare or "").strip()
        if tag:
            yield tag


CODECS: dict[str, Codec] = {
    "text": Codec(show_text, read_text),
    "long_text": Codec(show_text, read_text, one_line=False),
    "email": Codec(show_text, read_email),
    "phone": Codec(show_text, read_text),
    "amount": Codec(show_amount, read_amount),
    "tags": Codec(show_tags, read_tags),
}


def checked(spec: FieldSpec, text: str) -> Any:
    """The provider's value that a text typed into this field means. Raises `ValidationError`."""
    if spec.required and not text.strip():
        raise ValidationError(_("This is needed: please fill it in."))
    if spec.max_length is not None and len(text) > spec.max_length:
        raise ValidationError(
            _("This has %(n)d characters; at most %(most)d are allowed.")
            % {"n": len(text), "most": spec.max_length}
        )
    return CODECS[spec.kind].read(text)
