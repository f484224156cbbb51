"""
The process in which a stranger's file is read: `python -m portal.batches.files.fence`.

It knows no Django, no database and no secret, and has little memory and time: whatever the file
does to it, the page that started it goes on. It prints what the file is, in JSON, or why it is
refused, and writes the rows into another file, one JSON line each:
[number, [cell, ...]], where the number is what a spreadsheet calls the row.
"""

import json
import resource
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from portal.batches.files import texts, workbooks
from portal.batches.files.cells import mended, taken_back
from portal.batches.files.limits import (
    LONGEST_CELL,
    MIB,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    FileRefused,
)

EXTRA_MEMORY = 90 * MIB
JUDGE_SECONDS, READ_SECONDS = 1.6, 8.0
"""
Of the processor: to tell whether a workbook may be read, and to read what may be. What a CSV
file can cost is bounded by its size.
"""
LARGEST_ANSWER = 400 * MIB


def put_up() -> None:
    """Take away from this process what no honest file needs."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + EXTRA_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (15, 15))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_ANSWER, LARGEST_ANSWER))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, JUDGE_SECONDS)


def judged() -> None:
    """The file may be read: it has more time from now on."""
    signal.setitimer(signal.ITIMER_PROF, READ_SECONDS)


def read(path: Path, answer: Path, encoding: str = "") -> dict[str, Any]:
    """Judge the file, write its rows into `answer`, return what it is. Raises `FileRefused`."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(workbooks.OLE):
        workbooks.refuse_ole(path)
    if head.startswith((workbooks.ZIP, b"PK\x05\x06")):
        workbooks.refuse_unsafe(path)
        told, rows = {"format": "xlsx"}, workbooks.rows_of(path, judged)
    else:
        judged()
        texts.refuse_nul(path, _utf16(head, encoding))
        encoding = texts.encoding_of(path, encoding)
        delimiter = texts.delimiter_of(path, encoding)
        told = {"format": "csv", "encoding": encoding, "delimiter": delimiter}
        rows = texts.rows_of(path, encoding, delimiter)
    return told | _write(_numbered(rows), answer)


def _utf16(head: bytes, encoding: str) -> str:
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "utf-16" if marked else encoding


def _numbered(rows: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, bounded, with what exports put before formulas taken off."""
    cells = 0
    for number, row in enumerate(rows, start=1):
        while row and not row[-1]:
            row.pop()
        if not any(map(str.strip, row)):
            continue
        cells += len(row)
        if len(row) > MOST_COLUMNS:
            raise FileRefused("too_many_columns")
        if number > MOST_ROWS * 2:
            raise FileRefused("too_many_rows")
        if cells > MOST_CELLS:
            raise FileRefused("too_many_cells")
        if max(map(len, row)) > LONGEST_CELL:
            raise FileRefused("cell_too_long")
        yield number, [mended(taken_back(cell)) for cell in row]


def _write(rows: Iterator[tuple[int, list[str]]], answer: Path) -> dict[str, Any]:
    columns = next(rows, (0, []))[1]
    if not columns:
        raise FileRefused("empty")
    total = long = 0
    with answer.open("w", encoding="ascii") as file:
        for number, row in rows:
            total += 1
            if total > MOST_ROWS:
                raise FileRefused("too_many_rows")
            long += len(row) > len(columns)
            file.write(json.dumps([number, row], separators=(",", ":")) + "\n")
    if not total:
        raise FileRefused("headers_only")
    return {"columns": named(columns), "total": total, "long": long}


def named(columns: list[str]) -> list[str]:
    """A name for each column, no two alike: "Column 3" for none, "Name (2)" for the second."""
    names = list[str]()
    for place, told in enumerate(columns, start=1):
        name = base = " ".join(told.split())[:200] or f"Column {place}"
        again = 2
        while name in names:
            name, again = f"{base} ({again})", again + 1
        names.append(name)
    return names


def main() -> None:
    path, answer, encoding = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    try:
        put_up()
        told = read(path, answer, encoding)
    except FileRefused as refused:
        told = {"refused": refused.code}
    except (MemoryError, RecursionError):
        told = {"refused": "too_costly"}
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
