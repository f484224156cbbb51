"""When two values of a field mean the same, whatever form each side sent them in."""

from decimal import Decimal, InvalidOperation
from typing import Any


def same_value(one: Any, other: Any) -> bool:
    """
    Whether two values of one field are the same for a person.

    None, "" and nothing are the same emptiness; 12, 12.0 and "12.00" the same number; line
    ends are the same whether a browser or a server wrote them.
    """
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return _number(str(value))
    if isinstance(value, str):
        return _number(value.replace("\r\n", "\n"))
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _number(text: str) -> Any:
    """The number a text writes, so that 3200 equals "3200.00"; else the text."""
    try:
        number = Decimal(text) if text.isascii() and text[:1] in "-0123456789." else None
    except InvalidOperation:
        return text
    return text if number is None or not number.is_finite() else number


def same_text(theirs: Any, mine: Any) -> bool:
    """
    Whether a service may have kept `mine` as `theirs`: services trim texts, fold spaces and
    write addresses in lower case, and a number may come back as a text.
    """
    if isinstance(theirs, str) and isinstance(mine, str):
        return " ".join(theirs.split()).casefold() == " ".join(mine.split()).casefold()
    return same_value(theirs, mine)
