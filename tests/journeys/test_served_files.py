"""What is served says what was written: style sheets as a browser understands them, scripts run."""

import re

from django.conf import settings

from tests.journeys.conftest import DESK

RULES = """
([one, other]) => [one, other].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return [...sheet.cssRules].map((rule) => rule.cssText);
})
"""
ASKS = {".css": re.compile(r'@import "(.+)";'), ".js": re.compile(r'import "\./(.+)";')}
WRITTEN = settings.STATICFILES_DIRS[0]


def test_a_style_sheet_means_the_same_when_it_is_shorter(new_context, served_files):
    page = new_context(viewport={"width": DESK[0], "height": DESK[1]}).new_page()
    sheets = sorted(WRITTEN.glob("css/*.css"))
    assert len(sheets) > 2
    for sheet in sheets:
        served = (served_files / "css" / sheet.name).read_text()
        written = as_a_browser_reads(sheet)
        assert len(served) < len(written)
        theirs, ours = page.evaluate(RULES, [served, written])
        assert theirs == ours, sheet.name
        assert sum(map(len, ours)) > 1_000


def as_a_browser_reads(path):
    """A file with what it asks for, where it asks for it."""
    lines = path.read_text().splitlines()
    asked = [ASKS[path.suffix].fullmatch(line) for line in lines]
    return "\n".join(
        as_a_browser_reads(path.with_name(ask[1])) if ask else line
        for line, ask in zip(lines, asked, strict=True)
    )


def test_what_is_written_runs_as_well_where_nothing_was_collected(settings, house, open_page):
    """A developer's page, with the files as they stand in the repository."""
    settings.STATICFILES_DIRS = [WRITTEN]
    page = open_page(house.owner)
    page.goto("/w/acme/leads/")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys of this page").wait_for()
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert {"live.js", "portal.js", "keys.js", "selection.js", "parts.css"} <= {
        name.rsplit("/", 1)[1] for name in loaded
    }
