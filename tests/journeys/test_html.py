"""The Nu HTML checker finds no error in what is served, whatever state a screen is in."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from portal.models import Held
from tests.journeys.screens import SCREENS

JAR = Path(settings.VAR_DIR) / "tools" / "vnu.jar"


def missing():
    """What the checker lacks, "" if it can run."""
    if not shutil.which("java"):
        return "no java"
    return "" if JAR.exists() else f"no {JAR.name}: scripts/html_checker fetches it"


def served(page):
    """Collects the documents a page is given, as they came."""
    documents = []
    page.on(
        "response",
        lambda answer: (
            documents.append(answer)
            if answer.request.is_navigation_request() and not 300 <= answer.status < 400
            else None
        ),
    )
    return documents


def check(folder):
    """One start of Java for all pages."""
    command = ["java", "-Xss1m", "-jar", str(JAR), "--format", "json", "--exit-zero-always"]
    told = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=True)
    found = json.loads(told.stderr)["messages"]
    return [
        f"{m['url'].rsplit('/', 1)[-1]}:{m.get('lastLine')}: {m['message']} {m.get('extract', '')}"
        for m in found
        if m["type"] == "error"
    ]


@pytest.mark.timeout(1800)  # all screens, one after the other
def test_every_served_page_is_sound_html(house, open_page, guard, tmp_path, capfd):
    if missing():
        with capfd.disabled():
            print(f"HTML checker: not run ({missing()})")  # noqa: T201
        pytest.skip(f"HTML checker: not run ({missing()})")
    plain = [screen for screen in SCREENS if not screen.scripts and not screen.phone_only]
    pages = {}
    for screen in sorted(plain, key=lambda screen: screen.name == "settings-key-rejected"):
        guard.expected = set(screen.answers)
        if screen.role not in pages:
            page = open_page(getattr(house, screen.role) if screen.role else None, scripts=False)
            pages[screen.role] = page, served(page)
        page, documents = pages[screen.role]
        documents.clear()
        # All screens are one house here: what one of them stopped must not stop the next.
        Held.objects.all().delete()
        try:
            screen.open(page, house)
        except Exception as error:
            page.screenshot(path=tmp_path / "failed.png")
            raise AssertionError(f"{screen.name} could not be opened: {tmp_path}") from error
        (tmp_path / f"{screen.name}.html").write_text(documents[-1].text())
    assert len(list(tmp_path.iterdir())) == len(plain)

    problems = check(tmp_path)
    assert not problems, "\n".join(problems)
