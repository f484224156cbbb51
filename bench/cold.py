"""
T12: how long a browser that has nothing yet takes until 50 rows stand, on a slow line.

Chromium, told to be on slow 4G (1.6 Mbit/s, 150 ms there and back) with a processor four times
slower, opens both pages in turns, each time in a new profile. Both are served as deployed:
static files with names of their content, compressed beforehand.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from bench.pages import LEADS_PAGE, signed_in
from bench.serving import served
from bench.timing import Line, Report

SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8,
           "uploadThroughput": 750_000 / 8}  # fmt: skip
SLOWER = 4
# From the start of the navigation until the frame in which all rows are there and painted.
STAND = """
const look = () => {
    const rows = document.querySelectorAll("table tbody tr").length;
    const painted = performance.getEntriesByName("first-contentful-paint").length;
    if (rows >= 50 && painted) window.stood = performance.now();
    else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def run(report: Report, *, rounds: int) -> None:
    browser = os.environ.get("CROSSDESK_CHROMIUM") or shutil.which("chromium")
    if not browser:
        print("T12  no Chromium (CROSSDESK_CHROMIUM): not measured")
        return
    cookie = signed_in().cookies["session"].value
    with tempfile.TemporaryDirectory() as folder:
        deployed = {"BENCH_STATIC": folder}
        subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"],
            env=os.environ | deployed | {"DJANGO_SETTINGS_MODULE": "bench.settings"}, check=True,
        )  # fmt: skip
        with served(**deployed) as port:
            ours, theirs = _taken(browser, port, cookie, rounds)
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    report.add(Line("T12", "cold time until 50 rows stand, slow 4G, 4x slower, against the admin's",
                    f"{ours:.0f} ms", f"{theirs:.0f} ms", ours / theirs, most=0.7))  # fmt: skip


def _taken(browser: str, port: int, cookie: str, rounds: int) -> list[list[float]]:
    from playwright.sync_api import sync_playwright

    paths, times = (LEADS_PAGE, "/admin/portal/lead/"), [list[float](), list[float]()]
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for number in range(rounds + 1):
            for path, taken in zip(paths, times, strict=True):
                took = _cold(chromium, f"http://127.0.0.1:{port}", path, cookie)
                if number:  # the first round also warms the server's processes
                    taken.append(took)
        chromium.close()
    return times


def _cold(chromium: Any, site: str, path: str, cookie: str) -> float:
    """Milliseconds of one page in a new profile."""
    profile = chromium.new_context(viewport={"width": 1440, "height": 900})
    profile.add_cookies([{"name": "session", "value": cookie, "url": site}])
    profile.add_init_script(STAND)
    page = profile.new_page()
    tool = profile.new_cdp_session(page)
    tool.send("Network.enable")
    tool.send("Network.emulateNetworkConditions", SLOW_4G)
    tool.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(site + path, wait_until="commit", timeout=60_000)
    # Asked again and again: the portal's policy lets no waiting script in.
    while not (stood := page.evaluate("window.stood || 0")):
        page.wait_for_timeout(50)
    profile.close()
    return float(stood)
