"""
A file that somebody uploaded -> its columns and rows, whatever is in it.

    with opened(upload, encoding="") as sheet:
        sheet.columns, sheet.total
        for number, cells in sheet.rows(): ...

Raises `FileRefused`. The file is read in a process of its own behind a fence.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.batches.files.limits import LARGEST_FILE, FileRefused

ROOT = Path(__file__).resolve().parents[3]
WALL_SECONDS = 15.0
"""For a machine that is busy. What costs too much is stopped by the fence's own clock."""
AT_ONCE = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    What a file holds. `encoding` and `delimiter` are "" for a workbook. `long` rows have
    more cells than there are columns.
    """

    columns: list[str]
    total: int
    path: Path
    format: str
    encoding: str = ""
    delimiter: str = ""
    long: int = 0

    def mark(self) -> str:
        """Tells this file's rows from those of another one."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:20]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's number, as a spreadsheet shows it, and its cells."""
        with self.path.open(encoding="ascii") as file:
            for line in file:
                number, cells = json.loads(line)
                yield number, cells


@contextmanager
def opened(pieces: Iterable[bytes], *, encoding: str = "") -> Iterator[Sheet]:
    """
    Read the file these pieces make. `encoding` is what a person says it is, "" to find it.

    Raises `FileRefused`, and then nothing of it is left.
    """
    with tempfile.TemporaryDirectory(prefix="crossdesk-") as folder:
        path, answer = Path(folder, "file"), Path(folder, "rows")
        _keep(pieces, path)
        told = _asked(path, answer, encoding)
        if "refused" in told:
            raise FileRefused(told["refused"])
        yield Sheet(path=answer, **told)


def _keep(pieces: Iterable[bytes], path: Path) -> None:
    size = 0
    with path.open("wb") as file:
        for piece in pieces:
            size += len(piece)
            if size > LARGEST_FILE:
                raise FileRefused("too_large")
            file.write(piece)
    if not size:
        raise FileRefused("empty")


def _asked(path: Path, answer: Path, encoding: str) -> dict[str, Any]:
    """What the process behind the fence says of the file; it may end in any way."""
    command = [sys.executable, "-m", "portal.batches.files.fence", str(path), str(answer), encoding]
    if not AT_ONCE.acquire(timeout=WALL_SECONDS):
        raise FileRefused("busy")
    try:
        done = subprocess.run(  # noqa: S603 (our own module, a path of ours, a name from a list)
            command,
            cwd=ROOT,
            env={"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"refused": "too_costly"}
    finally:
        AT_ONCE.release()
    if done.returncode < 0:
        return {"refused": "too_costly"}
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"refused": "unreadable"}
    return told
