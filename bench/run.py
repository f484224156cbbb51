"""
All measurements of performance.md against a database that `bench_data` filled.

    export PORTAL_DEMO=1 VAR_DIR=/tmp/bench
    .venv/bin/python manage.py migrate && .venv/bin/python manage.py bench_data
    .venv/bin/python -m bench.run [--write] [--quick] [--only pages ...]

With DATABASE_URL it measures PostgreSQL. `--write` puts the table into docs/benchmarks.md.
django-tables2 is installed into a temporary folder; without a network T5 is left out, in words.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `bench/run.py`; the targets are those of the design. Ratios of medians, both sides
taken in turns in one run on the same rows and behind the same middleware. The admin is given the
workspace's live rows in the same order, so that it may use the same indexes. The database was read
once before, so that it is in memory for both sides: from a disk, first keystrokes take longer.

T11 counts the bodies that a new browser gets, whatever asked for them: with the font, and without
it, since the design gives fonts a limit of their own.

react-admin (bench/react_admin/) is built as its makers say and gets its rows for next to nothing.
The targets are read against it as its build leaves it: in the trial they come from it took 3.6
times as long as the admin (0.4 by 0.11), here it takes 1.6 to 2.4 times as long. With brotli it is
a quarter of the size and about as slow as the admin; T11 is asked of that too, and T12 is told
without a target: if it means such a react-admin, it is missed.
"""
PARTS = ("pages", "searching", "ingest", "serving", "cold")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    told = parser.parse_args()
    os.environ |= {"DJANGO_SETTINGS_MODULE": "bench.settings", "PORTAL_DEMO": "1"}
    with tempfile.TemporaryDirectory() as folder:
        have_tables2 = "pages" in told.only and _install(folder)
        import django

        django.setup()
        lines = _measure(told.only, quick=told.quick, tables2=have_tables2)
    if told.write:
        options = ["--quick"] * told.quick + ["--write"]
        if set(told.only) != set(PARTS):
            options += ["--only", *told.only]
        _write(lines, " ".join(options), told.only)
    sys.exit(any(not line.holds for line in lines))


def _install(folder: str) -> bool:
    """django-tables2 into a folder that goes away; False (and a word) where it cannot be had."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder]
    done = subprocess.run([*command, "django-tables2"], capture_output=True, text=True, check=False)
    if done.returncode:
        print("T5   django-tables2 could not be installed: not measured")
        return False
    sys.path.append(folder)
    return True


def _measure(parts: list[str], *, quick: bool, tables2: bool) -> list:
    from bench import cold, ingest, pages, searching, serving
    from bench.small import small_workspace
    from bench.timing import Report
    from bench.warm import read_in

    report = Report()
    read_in()
    print(_place(), flush=True)
    if "pages" in parts:
        small_workspace()
        pages.run(report, tables2=tables2, rounds=7 if quick else 15)
    if "searching" in parts:
        searching.run(report, words=12, repeats=3 if quick else 5)
    if "ingest" in parts:
        ingest.run(report)
    if "serving" in parts:
        serving.run(report, length=4 if quick else 10)
    if "cold" in parts:
        cold.run(report, rounds=5 if quick else 9)
    return report.lines


def _place() -> str:
    """The database, its versions and the machine, in one line."""
    import django
    from django.db import connection

    from portal.mirror import counters
    from portal.models import Workspace
    from portal.records import Kind

    with connection.cursor() as cursor:
        postgres = connection.vendor == "postgresql"
        cursor.execute("SHOW server_version" if postgres else "SELECT sqlite_version()")
        version = cursor.fetchone()[0].split()[0]
    name = "PostgreSQL" if postgres else "SQLite"
    rows = counters.totals(Workspace.objects.get(slug="bench-1"), Kind.LEADS)
    return (
        f"{name} {version}, {rows:,} leads in one workspace; Python {platform.python_version()}, "
        f"Django {django.get_version()}; {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def _write(lines: list, options: str, only: Sequence[str]) -> None:
    """
    Put what was measured into the document. Each line of a database stands there once: a run of
    some parts is a section of its own and takes its lines out of the database's other ones.
    """
    place = _place()
    name = place.split()[0]
    title = name if set(only) == set(PARTS) else f"{name}: {', '.join(only)}"
    text = DOC.read_text() if DOC.exists() else HEAD
    marks = {line.mark for line in lines}
    kept = [
        part if part.split()[0].rstrip(":") != name else _without(part, marks)
        for part in text.split("\n## ")[1:]
    ]
    rows = "\n".join(
        f"| {line.mark} | {line.what} | {line.ours} | {line.theirs} | {line.ratio:.2f}x "
        f"| {line.target} | {line.verdict.replace('no', '**no**')} |"
        for line in lines
    )
    table = (
        "| # | What | Portal | Against | Ratio | Target | Holds |\n|---|---|---|---|---|---|---|"
    )
    day = datetime.now(tz=UTC).date()
    command = f"python -m bench.run {options}"
    mine = f"{title}\n\n{place}. {day}, `{command}`.\n\n{table}\n{rows}\n"
    parts = sorted([*(part.rstrip() + "\n" for part in kept if part), mine])
    DOC.write_text(HEAD + "".join(f"\n## {part}" for part in parts))
    print(f"wrote {DOC.relative_to(ROOT)}")


def _without(part: str, marks: set[str]) -> str:
    """A section without these lines; nothing if it has no others."""
    lines = part.splitlines()
    left = [line for line in lines if not any(line.startswith(f"| {mark} |") for mark in marks)]
    return "\n".join(left) if re.search(r"^\| [TS]\d", "\n".join(left), re.MULTILINE) else ""


if __name__ == "__main__":
    main()
