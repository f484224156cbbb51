"""
T12: how long a browser that has nothing yet takes until 50 rows stand, on a slow line; and T11
against react-admin, which is built for this.

Chromium, told to be on slow 4G (1.6 Mbit/s, 150 ms there and back) with a processor four times
slower, opens the pages in turns, each time in a new profile. All are served as deployed:
static files compressed beforehand.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import react_peer
from bench.pages import LEADS_PAGE, cold_bytes, get, kb, signed_in
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
        deployed = {"BENCH_STATIC": f"{folder}/static"}
        paths = {"the admin's": "/admin/portal/lead/"}
        if dist := react_peer.built(folder):
            deployed["BENCH_REACT"] = str(dist)
            paths["react-admin's"] = react_peer.PAGE
            _bytes(report, dist)
        subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"],
            env=os.environ | deployed | {"DJANGO_SETTINGS_MODULE": "bench.settings"}, check=True,
        )  # fmt: skip
        with served(**deployed) as port:
            taken = _taken(browser, port, cookie, (LEADS_PAGE, *paths.values()), rounds)
    ours, *others = map(statistics.median, taken)
    for whose, theirs in zip(paths, others, strict=True):
        what = f"cold time until 50 rows stand, slow 4G, 4x slower, against {whose}"
        most = 0.7 if whose == "the admin's" else 0.25
        report.add(
            Line("T12", what, f"{ours:.0f} ms", f"{theirs:.0f} ms", ours / theirs, most=most)
        )


def _bytes(report: Report, dist: Path) -> None:
    """T11 against react-admin, with and without our font."""
    client = signed_in()
    rows = get(client, react_peer.ROWS, accept_encoding="gzip").content
    theirs = react_peer.cold_bytes(dist, rows)
    for said, fonts in (("without the font", False), ("with the font of ASCII", True)):
        ours = cold_bytes(client, LEADS_PAGE, fonts=fonts)
        what = f"cold bytes of the leads page, {said}, against react-admin's"
        report.add(Line("T11", what, kb(ours), kb(theirs), ours / theirs, most=0.2))


def _taken(
    browser: str, port: int, cookie: str, paths: Sequence[str], rounds: int
) -> list[list[float]]:
    from playwright.sync_api import sync_playwright

    times = [list[float]() for _ in paths]
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
    for _ in range(2_400):
        if stood := page.evaluate("window.stood || 0"):
            break
        page.wait_for_timeout(50)
    else:
        raise SystemExit(f"{path} never showed its rows")
    profile.close()
    return float(stood)
