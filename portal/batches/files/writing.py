"""
Rows written as CSV or as a workbook, one by one: memory stays flat however many they are.

A cell is None, a text, a number (int, float, Decimal), or an aware time.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from portal.batches.files.cells import defused, defused_typed, text_of
from portal.batches.files.limits import LONGEST_CELL

BOM = "\ufeff"
LINES_AT_ONCE = 200


class _Line:
    """A file for `csv.writer` that only remembers what was written last."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def csv_pieces(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """CSV as of RFC 4180, in UTF-8 with a mark so that Excel knows it."""
    line = _Line()
    writer = csv.writer(line, lineterminator="\r\n")
    held = [BOM]
    for row in _with_titles(titles, rows):
        writer.writerow([defused(text_of(value)) for value in row])
        held.append(line.text)
        if len(held) >= LINES_AT_ONCE:
            yield "".join(held).encode()
            held.clear()
    if held:
        yield "".join(held).encode()


def _with_titles(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield titles
    yield from rows


def write_workbook(path: Path, titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """
    A workbook of one sheet with typed cells: numbers as numbers, times as times in UTC, texts
    always as texts. Returns how many texts were cut because no cell can hold them.
    """
    cut = 0
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet()
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        quoted = book.add_format({"quote_prefix": True})
        sheet.freeze_panes(1, 0)
        for y, row in enumerate(_with_titles(titles, rows)):
            for x, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(y, x, value.astimezone(UTC).replace(tzinfo=None), time)
                elif _exact(value):
                    sheet.write_number(y, x, float(value))
                elif text := text_of(value):
                    text = defused_typed(text)
                    cut += len(text) > LONGEST_CELL
                    dangerous = defused(text) != text
                    # Shown without the apostrophe, kept a text even if somebody edits the cell.
                    sheet.write_string(y, x, _fitting(text), quoted if dangerous else None)
    return cut


def _exact(value: Any) -> bool:
    """Whether a workbook can hold this number as it is: it keeps 16 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    try:
        number = float(value)
        return math.isfinite(number) and Decimal(f"{number:.16G}") == Decimal(str(value))
    except (OverflowError, ArithmeticError):
        return False


def _fitting(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
