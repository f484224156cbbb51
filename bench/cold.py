"""
T11 and T12: what a browser that has nothing yet loads until the leads stand, and how long it takes.

Chromium, told to be on slow 4G (1.6 Mbit/s, 150 ms there and back) with a processor four times
slower, opens the pages in turns, each time in a new profile. All are served as deployed: static
files shortened and compressed beforehand. Bytes are those of the bodies that came over the line,
whatever asked for them.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import react_peer
from bench.pages import LEADS_PAGE, signed_in
from bench.serving import served
from bench.timing import Line, Report

SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8,
           "uploadThroughput": 750_000 / 8}  # fmt: skip
SLOWER = 4
# From the start of the navigation until the frame that holds all rows is painted: the message is
# a task of its own, so it comes after the styles, layout and painting of the frame it is sent from.
STAND = """
const channel = new MessageChannel();
channel.port1.onmessage = () => { window.stood = performance.now(); };
const look = () => {
    const rows = document.querySelectorAll("table tbody tr").length;
    if (rows >= 50) channel.port2.postMessage(0);
    else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


# What is asked for once the page stands: scripts that wait, fonts, pictures.
AFTERWARDS_MS = 3_000
WITHOUT = {
    "without the font": (".woff2",),
    "with the font": (),
}
FONTS = 60 * 1024
"""What the fonts may have by themselves."""


@dataclass(frozen=True)
class Page:
    """A page that is visited, and what T11 and T12 ask beside it; None where they ask nothing."""

    path: str
    packed: bool = True
    bytes: float | None = None
    time: float | None = None


OURS = Page(LEADS_PAGE)
ADMIN = {"the admin's": Page("/admin/portal/lead/", bytes=0.6, time=0.7)}
REACT = {
    "react-admin's as built": Page(react_peer.PAGE, packed=False, bytes=0.2, time=0.25),
    "react-admin's with brotli": Page(react_peer.PAGE, bytes=0.2),
}


@dataclass
class Cold:
    """First visits of one page: milliseconds of each, and bytes by address."""

    took: list[float] = field(default_factory=list)
    sizes: Counter[str] = field(default_factory=Counter)

    def bytes(self, *, without: tuple[str, ...] = ()) -> int:
        return sum(n for path, n in self.sizes.items() if not any(w in path for w in without))


def run(report: Report, *, rounds: int) -> None:
    browser = os.environ.get("CROSSDESK_CHROMIUM") or shutil.which("chromium")
    if not browser:
        print("T11, T12  no Chromium (CROSSDESK_CHROMIUM): not measured")
        return
    cookie = signed_in().cookies["session"].value
    with tempfile.TemporaryDirectory() as folder:
        deployed = {"BENCH_STATIC": f"{folder}/static"}
        peers = ADMIN
        if dist := react_peer.built(folder):
            deployed["BENCH_REACT"] = str(dist)
            peers = ADMIN | REACT
        subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"],
            env=os.environ | deployed | {"DJANGO_SETTINGS_MODULE": "bench.settings"}, check=True,
        )  # fmt: skip
        with served(**deployed) as port:
            ours, *others = _visited(browser, port, cookie, (OURS, *peers.values()), rounds)
    beside = [
        (whose, page, cold) for (whose, page), cold in zip(peers.items(), others, strict=True)
    ]
    _bytes(report, ours, beside)
    for whose, page, theirs in beside:
        what = f"cold time until 50 rows stand, slow 4G, 4x slower, against {whose}"
        one, other = map(statistics.median, (ours.took, theirs.took))
        report.add(Line("T12", what, f"{one:.0f} ms", f"{other:.0f} ms",
                        one / other, most=page.time))  # fmt: skip


def _bytes(report: Report, ours: Cold, beside: list[tuple[str, Page, Cold]]) -> None:
    for said, without in WITHOUT.items():
        what, size = f"cold bytes of the leads page, {said}", ours.bytes(without=without)
        report.add(Line("T11", what, _kb(size), "60 KB", size / 61_440, most=1))
        for whose, page, theirs in beside:
            other = theirs.bytes()
            report.add(Line("T11", f"{what}, against {whose}", _kb(size), _kb(other),
                            size / other, most=page.bytes))  # fmt: skip
    fonts = ours.bytes() - ours.bytes(without=(".woff2",))
    report.add(
        Line("T11", "fonts of the leads page", _kb(fonts), _kb(FONTS), fonts / FONTS, most=1)
    )
    for path, size in ours.sizes.most_common():
        print(f"     {size:6} {path}")


def _kb(size: int) -> str:
    return f"{size / 1024:.1f} KB"


def _visited(
    browser: str, port: int, cookie: str, pages: Sequence[Page], rounds: int
) -> list[Cold]:
    from playwright.sync_api import sync_playwright

    visits = [Cold() for _ in pages]
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for number in range(rounds + 1):
            for page, cold in zip(pages, visits, strict=True):
                _visit(chromium, f"http://127.0.0.1:{port}", page, cookie, cold)
                if not number:  # the first round also warms the server's processes
                    cold.took.clear()
        chromium.close()
    return visits


def _visit(chromium: Any, site: str, visited: Page, cookie: str, cold: Cold) -> None:
    """One page in a new profile."""
    profile = chromium.new_context(viewport={"width": 1440, "height": 900})
    profile.add_cookies([{"name": "session", "value": cookie, "url": site}])
    profile.add_init_script(STAND)
    page = profile.new_page()
    tool = profile.new_cdp_session(page)
    begun, cold.sizes = dict[str, tuple[str, int]](), Counter()

    def began(event: dict[str, Any]) -> None:
        answer = event["response"]
        begun[event["requestId"]] = (answer["url"].removeprefix(site), answer["encodedDataLength"])

    def ended(event: dict[str, Any]) -> None:
        if event["requestId"] in begun:
            address, headers = begun[event["requestId"]]
            cold.sizes[address] += int(event["encodedDataLength"]) - headers

    tool.on("Network.responseReceived", began)
    tool.on("Network.loadingFinished", ended)
    tool.send("Network.enable")
    if not visited.packed:
        tool.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": "identity"}})
    tool.send("Network.emulateNetworkConditions", SLOW_4G)
    tool.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(site + visited.path, wait_until="commit", timeout=60_000)
    # Asked again and again: the portal's policy lets no waiting script in.
    for _ in range(2_400):
        if stood := page.evaluate("window.stood || 0"):
            break
        page.wait_for_timeout(50)
    else:
        raise SystemExit(f"{visited.path} never showed its rows")
    cold.took.append(float(stood))
    page.wait_for_timeout(AFTERWARDS_MS)
    profile.close()
