"""CSV and its kin: the encoding and the delimiter found, everything bounded. Runs in the fence."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portal.batches.files.limits import LONGEST_CELL, LONGEST_LINE, FileRefused

DELIMITERS = ",;\t|"
FALLBACKS = ("cp1252", "latin-1")
CHOICES = ("utf-8", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "latin-1", "shift_jis",
           "gb18030", "utf-16")  # fmt: skip
"""What a person may say a file is written in."""
SAMPLE_CHARACTERS, SAMPLE_ROWS = 64 * 1024, 30
PIECE = 256 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What no text in a one-byte encoding holds, and nearly every other file does.
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def encoding_of(path: Path, chosen: str = "") -> str:
    """The name of the encoding this file is written in. Raises `FileRefused`."""
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise FileRefused("empty")
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), "")
    if head.startswith(codecs.BOM_UTF32_LE):
        raise FileRefused("broken_text")
    if marked or chosen:
        if not _decodes(path, marked or chosen):
            raise FileRefused("broken_text" if marked else "wrong_encoding")
        return marked or chosen
    if _decodes(path, "utf-8"):
        return "utf-8"
    _refuse_binary(path)
    if _decodes(path, "utf-8", "surrogatepass"):
        raise FileRefused("broken_text")
    return next(name for name in FALLBACKS if _decodes(path, name))


def _decodes(path: Path, encoding: str, errors: str = "strict") -> bool:
    """Whether the whole file can be read so, piece by piece."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    with path.open("rb") as file:
        try:
            while piece := file.read(PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True


def _refuse_binary(path: Path) -> None:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            if _CONTROLS.search(piece):
                raise FileRefused("binary")


def refuse_nul(path: Path, encoding: str) -> None:
    """NUL stands in no text: every second byte of UTF-16 does, and any byte of a program."""
    if encoding == "utf-16":
        return
    with path.open("rb") as file:
        piece = file.read(PIECE)
        if piece.count(0) > len(piece) // 4:
            raise FileRefused("utf16")
        while piece:
            if 0 in piece:
                raise FileRefused("binary")
            piece = file.read(PIECE)


def open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    return path.open(encoding=encoding, newline="")


def delimiter_of(path: Path, encoding: str) -> str:
    """The delimiter that cuts the first rows into the same number of cells most often."""
    with open_text(path, encoding) as file:
        sample = file.read(SAMPLE_CHARACTERS)
    told = re.match(r"sep=([,;\t|])\r?\n", sample)
    if told:
        return told[1]
    return max(DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))


def _evenness(sample: str, delimiter: str) -> tuple[float, int]:
    """How many of the first rows are as wide as the head (none if it is one cell), how wide."""
    widths = list[int]()
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True):
            widths.append(len(row))
            if len(widths) > SAMPLE_ROWS:
                break
    except csv.Error:
        """The sample ends within quotes: what stands before counts."""
    if not widths or widths[0] < 2:
        return (0, 0)
    rows = widths[1:] or widths
    return (sum(width == widths[0] for width in rows) / len(rows) + 0.01, widths[0])


def rows_of(path: Path, encoding: str, delimiter: str) -> Iterator[list[Any]]:
    """The records of the file, its head among them. Raises `FileRefused`."""
    csv.field_size_limit(LONGEST_CELL)
    try:
        with open_text(path, encoding) as file:
            yield from csv.reader(_lines(file), delimiter=delimiter, strict=True)
    except csv.Error as error:
        long = "field larger" in str(error)
        raise FileRefused("cell_too_long" if long else "quotes") from error


def _lines(file: io.TextIOWrapper) -> Iterator[str]:
    """The lines, none longer than is bearable; without the one that only tells the delimiter."""
    first = True
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise FileRefused("line_too_long")
        if not (first and re.fullmatch(r"sep=.\r?\n", line)):
            yield line
        first = False
