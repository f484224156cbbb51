"""
Excel workbooks. What they unpack to is told by their directory and then counted, before anything
of them is read; calamine reads them and knows neither formulas nor entities. Runs in the fence.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import python_calamine as calamine

from portal.batches.files.limits import (
    HIGHEST_RATIO,
    LARGEST_UNPACKED,
    LEAST_SUSPECT,
    MOST_COLUMNS,
    MOST_PACKED_FILES,
    MOST_ROWS,
    FileRefused,
)

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCAL_HEAD, _PIECE = 30, 256 * 1024
# In UTF-8 and in UTF-16; a workbook's parts define nothing of the sort.
_ENTITIES = (b"<!DOCTYPE", b"<!ENTITY", b"<\x00!\x00D\x00", b"<\x00!\x00E\x00")
_OVERLAP = 16
_PROTECTED = "EncryptedPackage".encode("utf-16-le")


def refuse_ole(path: Path) -> None:
    """The container of the old formats, and of workbooks with a password."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if _PROTECTED in piece:
                raise FileRefused("protected")
    raise FileRefused("old_excel")


def refuse_unsafe(path: Path) -> None:
    """Raise `FileRefused` unless this is a workbook that unpacks to what it tells."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileRefused("damaged") from error
    _refuse_declared(parts, path.stat().st_size)
    _refuse_actual(parts, path)


def _refuse_declared(parts: list[zipfile.ZipInfo], packed: int) -> None:
    names = [part.filename for part in parts]
    if any(_unsafe(part.orig_filename) for part in parts) or len(set(names)) < len(names):
        raise FileRefused("paths")
    if any(part.flag_bits & 0x1 for part in parts):
        raise FileRefused("protected")
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise FileRefused("not_a_workbook")
    if any(name.casefold().endswith(("vbaproject.bin", ".exe", ".dll", ".js")) for name in names):
        raise FileRefused("macros")
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PACKED_FILES or _bomb(unpacked, packed):
        raise FileRefused("unpacked")


def _unsafe(name: str) -> bool:
    steps = re.split(r"[/\\]", name)
    return "\x00" in name or "\\" in name or ".." in steps or name.startswith("/") or ":" in name


def _bomb(unpacked: int, packed: int) -> bool:
    too_dense = unpacked > LEAST_SUSPECT and unpacked > packed * HIGHEST_RATIO
    return unpacked > LARGEST_UNPACKED or too_dense


def _refuse_actual(parts: list[zipfile.ZipInfo], path: Path) -> None:
    """Unpack everything once without keeping it: the directory may lie."""
    left = LARGEST_UNPACKED
    with path.open("rb") as file:
        for part in parts:
            size = 0
            for piece in _unpacked(file, part):
                size += len(piece)
                if size > min(left, part.file_size):
                    raise FileRefused("unpacked")
            left -= size


def _unpacked(file: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The pieces of one part, whatever the directory says of its size."""
    file.seek(part.header_offset)
    head = file.read(_LOCAL_HEAD)
    if len(head) < _LOCAL_HEAD or not head.startswith(ZIP):
        raise FileRefused("damaged")
    file.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileRefused("unpacked")
    stored = part.compress_type == zipfile.ZIP_STORED
    xml, tail, left = _is_xml(part.filename), b"", part.compress_size
    inflate = zlib.decompressobj(-15)
    while left > 0 and (packed := file.read(min(left, 64 * 1024))):
        left -= len(packed)
        while packed:
            try:
                piece = packed if stored else inflate.decompress(packed, _PIECE)
            except zlib.error as error:
                raise FileRefused("damaged") from error
            packed = b"" if stored or inflate.eof else inflate.unconsumed_tail
            seen = tail + piece
            if xml and any(word in seen for word in _ENTITIES):
                raise FileRefused("entities")
            tail = piece[-_OVERLAP:]
            yield piece
    if left > 0:
        raise FileRefused("damaged")


def _is_xml(name: str) -> bool:
    return name.casefold().endswith((".xml", ".rels", ".vml"))


def rows_of(path: Path, judged: Callable[[], None] = lambda: None) -> Iterator[list[Any]]:
    """
    The rows of the first sheet that is shown, its head among them. Raises `FileRefused`.

    `judged` is called once it is known that they are few enough.
    """
    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            sheet = book.get_sheet_by_index(_shown(book))
            if sheet.total_height > MOST_ROWS + 1:
                raise FileRefused("too_many_rows")
            if sheet.total_width > MOST_COLUMNS:
                raise FileRefused("too_many_columns")
            judged()
            for row in sheet.iter_rows():
                yield [_text(value) for value in row]
    except calamine.PasswordError as error:
        raise FileRefused("protected") from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise FileRefused("damaged") from error


def _shown(book: Any) -> int:
    for index, sheet in enumerate(book.sheets_metadata):
        normal = sheet.typ == calamine.SheetTypeEnum.WorkSheet
        if normal and sheet.visible == calamine.SheetVisibleEnum.Visible:
            return index
    raise FileRefused("no_sheet")


def _text(value: Any) -> str:
    """A typed cell as the text that its CSV would hold."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if value.is_integer():
            return str(int(value))
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time | timedelta):
        return str(value)
    return str(value)
