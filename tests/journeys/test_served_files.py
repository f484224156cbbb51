"""What is served says what was written: style sheets as a browser understands them, scripts run."""

from django.conf import settings

from tests.journeys.conftest import DESK

RULES = """
([one, other]) => [one, other].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return [...sheet.cssRules].map((rule) => rule.cssText);
})
"""
WRITTEN = settings.STATICFILES_DIRS[0]


def test_a_style_sheet_means_the_same_when_it_is_shorter(new_context, served_files):
    page = new_context(viewport={"width": DESK[0], "height": DESK[1]}).new_page()
    sheets = sorted(WRITTEN.glob("css/*.css"))
    assert len(sheets) > 2
    for sheet in sheets:
        served = (served_files / "css" / sheet.name).read_text()
        written = sheet.read_text()
        assert len(served) < len(written)
        theirs, ours = page.evaluate(RULES, [served, written])
        assert theirs == ours, sheet.name
        assert sum(map(len, ours)) > 1_000


def test_scripts_keep_each_line_that_is_not_a_remark(served_files):
    """All other stories run them."""
    for script in WRITTEN.glob("*.js"):
        served = (served_files / script.name).read_text()
        lines = [line.strip() for line in script.read_text().splitlines()]
        remarks = [line for line in lines if line not in served]
        assert len(served) < len(script.read_text()) * 0.95, script.name
        assert all(
            "/*" in line or line.endswith("*/") or in_remark(lines, line) for line in remarks
        )


def in_remark(lines, line):
    """Whether a line stands between the beginning of a remark and its end."""
    before = "\n".join(lines[: lines.index(line)])
    return before.rfind("/*") > before.rfind("*/")
