"""
Reads values and records that may not be what the documentation says.

Only a missing id makes a record unreadable. Any other value of a wrong type is read as
well as it can be ("12" as 12), else as nothing: the record's `raw` keeps what came.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from portal.records import Rejected

MAX_RECORD_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_ID = 255
BEGINNING = datetime.min.replace(tzinfo=UTC)
_LARGEST_COUNT = 2**31 - 1
_LARGEST_AMOUNT = Decimal(10) ** 15
_MILLISECONDS_FROM = 1e11


class Unreadable(ValueError):
    """One record cannot be read; the text says why, without a word of the record."""


def text(value: Any) -> str:
    """Any scalar as text; "" for null and for objects and lists."""
    match value:
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
    return ""


def texts(value: Any) -> tuple[str, ...]:
    """A list of scalars as texts, a single text as one, empty ones left out."""
    items = value if isinstance(value, list) else [value]
    return tuple(word for word in map(text, items) if word)


def moment(value: Any) -> datetime | None:
    """
    ISO 8601 text, Unix seconds or milliseconds as aware UTC; None if it is none of them.

    Text without an offset is taken as UTC; numbers from 10^11 on are milliseconds.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = _unix(value) if isinstance(value, str) else float(value)
        if seconds is not None:
            return _showable(datetime.fromtimestamp(_in_seconds(seconds), UTC))
        told_time = datetime.fromisoformat(str(value).strip())
        aware = told_time if told_time.tzinfo else told_time.replace(tzinfo=UTC)
        return _showable(aware.astimezone(UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _showable(time: datetime) -> datetime | None:
    # The first and last year of the calendar break when shown in another time zone.
    return time if MINYEAR < time.year < MAXYEAR else None


def _unix(value: str) -> float | None:
    # Eight digits are a date ("20260406"), not seconds of the year 1970.
    bare = value.strip().replace(".", "", 1)
    return float(value) if bare.isascii() and bare.isdigit() and len(bare) > 8 else None


def _in_seconds(number: float) -> float:
    return number / 1000 if abs(number) >= _MILLISECONDS_FROM else number


def amount(value: Any) -> Decimal | None:
    """A number or numeric text as an exact Decimal below 10^15; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < _LARGEST_AMOUNT else None


def count(value: Any) -> int | None:
    """A whole number from 0 to 2^31 - 1, also as text or 3.0; else None."""
    number = amount(value)
    if number is None or number != number.to_integral_value():
        return None
    return int(number) if 0 <= number <= _LARGEST_COUNT else None


def score(value: Any) -> float | None:
    """A finite number; else None."""
    number = amount(value)
    return None if number is None else float(number)


def identity(value: Any) -> str:
    """A record's id: non-empty text, or a whole number as text. Raises ValueError."""
    known = isinstance(value, str | int) and not isinstance(value, bool)
    name = str(value) if known else ""
    if not name.strip() or len(name) > MAX_ID:
        raise ValueError("no usable id")
    return name


Id = Annotated[str, BeforeValidator(identity)]
Text = Annotated[str, BeforeValidator(text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(texts)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]
Amount = Annotated[Decimal | None, BeforeValidator(amount)]
Count = Annotated[int | None, BeforeValidator(count)]
Score = Annotated[float | None, BeforeValidator(score)]


class Answer(BaseModel):
    """
    What an API tells of one record. Attributes are named as in `portal.records`, with
    the provider's own name as alias; the unknown rest stays in the record's `raw`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    upstream_id: Id = Field(alias="id")


def read[A: Answer](model: type[A], raw: Any) -> A:
    """One record's answer. Raises `Unreadable` with the reason."""
    if not isinstance(raw, dict):
        raise Unreadable("it is not an object")
    if reason := damage(raw):
        raise Unreadable(reason)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        names = ", ".join(sorted({str(part["loc"][0]) for part in error.errors()}))
        raise Unreadable(f"it has no usable {names}") from None


def told[R](kind: type[R], answer: Answer, raw: Mapping[str, Any], **more: Any) -> R:
    """
    The record of the answer's attributes and `more`; `told` names those it speaks of.

    A record has `told` and `raw`: what the answer left out must not clear a copy.
    """
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    read_here = names & type(answer).model_fields.keys()
    values = {name: getattr(answer, name) for name in read_here} | more
    spoken = frozenset((answer.model_fields_set & names) | more.keys())
    make: Callable[..., R] = kind
    return make(**values, told=spoken, raw=raw)


def many[R](items: Iterable[Any], parse: Callable[[Any], R]) -> tuple[list[R], list[Rejected]]:
    """The records of a page, and those that cannot be read with the reason."""
    records: list[R] = []
    rejected: list[Rejected] = []
    for item in items:
        try:
            records.append(parse(item))
        except Unreadable as reason:
            name = text(item.get("id")) if isinstance(item, dict) else ""
            rejected.append(Rejected("" if _text_damage(name) else name[:MAX_ID], str(reason)))
    return records, rejected


def damage(raw: dict[str, Any]) -> str:
    """
    Why no database could keep this record, "" if it can be kept.

    NUL and lone surrogates are refused by PostgreSQL or SQLite, NaN and Infinity are not
    JSON; both databases must set the same records aside.
    """
    size, waiting = 0, [(raw, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            size += _bytes(value)
        elif isinstance(value, float) and not math.isfinite(value):
            return "a number in it is NaN or infinite"
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                return f"it is nested deeper than {MAX_DEPTH} levels"
            inside = [*value, *value.values()] if isinstance(value, dict) else value
            waiting += [(part, depth + 1) for part in inside]
        size += 2
        if reason := _text_damage(value) or _size_damage(size):
            return reason
    return ""


def _bytes(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode(errors="replace"))


def _size_damage(size: int) -> str:
    return f"it is longer than {MAX_RECORD_BYTES} bytes" if size > MAX_RECORD_BYTES else ""


def _text_damage(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if "\0" in value:
        return "a text in it holds the character NUL"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "a text in it holds half a character (a lone surrogate)"
    return ""


def mended(value: str) -> str:
    """The text with NUL and lone surrogates, which no database keeps, shown as U+FFFD."""
    if not _text_damage(value):
        return value
    return "".join("\ufffd" if _text_damage(letter) else letter for letter in value)
