"""
How soon a change that a service tells of by webhook stands on a page somebody has open.

    .venv/bin/python -m bench.live_page [--changes 40] [--database-url URL]

Starts a sandbox, gunicorn (2 x 16, as `make run` does) and a worker with data of their own, opens
the leads in Chromium, and sends signed deliveries, each a new name for one lead of the list. The
time runs from the first byte of a delivery until its row stands in the page. Half of them come
while the page reads nothing, half right after one another.
"""

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bench.webhooks import SLUG, Portal, percentile, post
from portal.sandbox import Sandbox, serve

TARGET = 2.0  # seconds
STANDS = """
name => [...document.querySelectorAll("td.name a")].some((link) => link.textContent === name)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--changes", type=int, default=40)
    parser.add_argument("--database-url", default="")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder,
        serve(Sandbox()) as sandbox,
    ):
        leads = [sandbox.add_lead(visitor_name=f"Lead {n}") for n in range(40)]
        portal = Portal(sandbox, folder, options.database_url)
        try:
            address = portal.prepare()
            portal.manage("collectstatic", "--noinput", "-v", "0")
            portal.serve()
            portal.start("manage.py", "worker")
            tell(measure(portal, address, leads, options.changes))
        finally:
            portal.stop()


def measure(portal: Portal, address: str, leads: list[Any], changes: int) -> list[float]:
    """Seconds from a delivery to its row, for each change."""
    from playwright.sync_api import sync_playwright

    chance, took = random.Random(1), list[float]()
    browser = os.environ.get("CROSSDESK_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = signed_in(chromium, portal)
        page.mouse.move(1, 1)
        page.wait_for_timeout(3_000)  # its stream is open
        for number in range(changes):
            page.wait_for_timeout(chance.uniform(3_000, 6_000) if number % 2 else 50)
            took.append(seen_after(page, address, chance.choice(leads), number))
        chromium.close()
    return took


def signed_in(chromium: Any, portal: Portal) -> Any:
    """The leads, opened by the owner."""
    site = f"http://127.0.0.1:{portal.port}"
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{site}/accounts/login/?next=/w/{SLUG}/leads/")
    page.locator("[name=login]").fill("b@bench.example")
    page.locator("[name=password]").fill(portal.environment["BENCH_KEY"])
    page.keyboard.press("Enter")
    page.locator("td.name").first.wait_for()
    return page


def seen_after(page: Any, address: str, lead: Any, number: int) -> float:
    """Seconds until the lead's new name stands in the list."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {**lead, "visitor_name": f"Changed {number}", "updated_at": now}
    told = {"event": "lead.updated", "timestamp": now, "workspace_id": "ws_7h2k9p4d", "data": data}
    started = time.perf_counter()
    _, status = post(urlsplit(address), json.dumps(told).encode())
    if status != 200:
        raise SystemExit(f"a delivery was answered {status}")
    page.wait_for_function(STANDS, arg=f"Changed {number}", polling=20, timeout=60_000)
    return time.perf_counter() - started


def tell(took: list[float]) -> None:
    late = sum(seconds > TARGET for seconds in took)
    for title, part in (("at rest", took[1::2]), ("right after another", took[0::2])):
        print(
            f"{title}: {len(part)} changes on the page after p50 {percentile(part, 0.5):.2f} s,"
            f" p95 {percentile(part, 0.95):.2f} s, max {max(part):.2f} s"
        )
    print(
        f"{len(took) - late} of {len(took)} within {TARGET:.0f} s (load {os.getloadavg()[0]:.1f})"
    )


if __name__ == "__main__":
    main()
