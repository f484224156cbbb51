"""S8: how fast records come in beside all indexes, and what that costs the pages; S6: memory."""

import itertools
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection

from bench.pages import LEADS_PAGE, get, signed_in
from bench.timing import Line, Report, ms, p95, seconds
from portal.management.commands.bench_data import people
from portal.mirror.store import Source
from portal.models import Connection, Lead
from portal.records import Kind, LeadRecord
from portal.services.keeping import keep_records

API_ROWS = 100 * 100 / 60
"""What one key can bring in a second: 100 requests a minute of 100 rows."""
PAGES = 60


def run(report: Report) -> None:
    source = _source()
    pages = _pages("ingest", PAGES)
    took = [seconds(lambda page=page: keep_records(source, Kind.LEADS, page)) for page in pages]
    rate = 100 / statistics.median(took)
    report.add(Line("S8", "new leads a second, all indexes, against what a key brings",
                    f"{rate:.0f}/s", f"{API_ROWS:.0f}/s", rate / API_ROWS, least=5))  # fmt: skip
    again = [seconds(lambda page=page: keep_records(source, Kind.LEADS, page)) for page in pages]
    print(f"S7   the same pages again, unchanged: {ms(statistics.median(again))} a page")
    _pages_meanwhile(report, source)
    Lead.objects.filter(upstream_id__startswith="ingest").delete()


def _pages_meanwhile(report: Report, source: Source) -> None:
    """In turns: pages alone, and pages beside a sync in a process of its own, as deployed."""
    client, quiet, busy = signed_in(), list[float](), list[float]()
    with subprocess.Popen(
        [sys.executable, "-m", "bench.syncing"], stdin=subprocess.PIPE, text=True
    ) as syncing:
        assert syncing.stdin is not None
        for _ in range(8):
            for word, times in (("off", quiet), ("on", busy)):
                syncing.stdin.write(f"{word}\n")
                syncing.stdin.flush()
                time.sleep(1)
                times += [seconds(lambda: get(client, LEADS_PAGE)) for _ in range(40)]
        syncing.stdin.close()
    Lead.objects.filter(upstream_id__startswith="meanwhile-ingest").delete()
    one, other = p95(busy), p95(quiet)
    report.add(Line("S8", "p95 of the list while a key syncs, against quiet",
                    ms(one), ms(other), one / other, most=1.3))  # fmt: skip
    print(f"     medians: {ms(statistics.median(busy))} against {ms(statistics.median(quiet))}")
    _in_this_very_process(client, source, other)


def _in_this_very_process(client: Any, source: Source, quiet: float) -> None:
    """What no deployment does: Python runs one thread of a process at a time."""
    stop = threading.Event()

    def sync() -> None:
        for _page in keep_pages("meanwhile-ingest"):
            if stop.is_set():
                break
        connection.close()

    worker = threading.Thread(target=sync)
    worker.start()
    busy = [seconds(lambda: get(client, LEADS_PAGE)) for _ in range(200)]
    stop.set()
    worker.join()
    Lead.objects.filter(upstream_id__startswith="meanwhile-ingest").delete()
    print(f"     in this very process: {ms(p95(busy))}, {p95(busy) / quiet:.2f}x (no target)")


def keep_pages(name: str) -> Iterator[int]:
    """Save pages of new leads without an end, at the pace of the API."""
    source, chance = _source(), random.randrange(10**9)
    for number in itertools.count():
        page = _pages(f"{name}-{chance}-{number}", 1)[0]
        started = time.monotonic()
        keep_records(source, Kind.LEADS, page)
        time.sleep(max(0.0, 100 / API_ROWS - (time.monotonic() - started)))
        yield number


def _source() -> Source:
    row = Connection.objects.filter(workspace__slug="bench-1").first()
    assert row is not None
    return Source(row.pk, row.workspace_id)


def _pages(name: str, count: int) -> list[list[LeadRecord]]:
    from dataclasses import replace

    maker = people(seed=99)
    return [
        [replace(maker.lead(n), upstream_id=f"{name}-{page}-{n}") for n in range(100)]
        for page in range(count)
    ]
