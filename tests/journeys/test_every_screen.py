"""Every screen: nothing for axe to find in light and dark, and it never scrolls sideways."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.journeys.conftest import DESK, PHONE
from tests.journeys.screens import SCREENS
from tests.journeys.waiting import at_rest, settled

AXE = (Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOOKS = {"light": {"type": "tag", "values": RULES}, "dark": ["color-contrast"]}
FIND = """async (runOnly) => {
  const { violations } = await axe.run(document, { runOnly });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) =>
    `${id}: ${node.target.join(" ")} | ${node.failureSummary.replace(/\\s+/g, " ")}`));
}"""
SIDEWAYS = """() => {
  const wide = document.documentElement.scrollWidth, most = innerWidth;
  if (wide <= most) return [];
  const found = [...document.querySelectorAll("body *")]
    .filter((node) => node.getBoundingClientRect().right > most + 1 && node.checkVisibility())
    .map((node) => `${node.tagName}.${node.className}#${node.id}`);
  return [`${wide} > ${most}`, ...found.slice(0, 8)];
}"""


def picture(page, name, look, width):
    folder = Path(settings.VAR_DIR) / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}-{look}-{width}.png")


def at_width(page, name, width, height):
    """Everything that is wrong with what the page shows at this width."""
    problems = []
    page.set_viewport_size({"width": width, "height": height})
    for look, rules in LOOKS.items():
        page.emulate_media(color_scheme=look, reduced_motion="reduce")
        at_rest(page)
        picture(page, name, look, width)
        problems += [f"{look} {width}: {line}" for line in page.evaluate(FIND, rules)]
    return problems + sideways(page, width, height)


def sideways(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    return [f"{width} wide: {line}" for line in page.evaluate(SIDEWAYS)]


def opened(screen, house, open_page, size):
    page = open_page(getattr(house, screen.role) if screen.role else None, size=size)
    screen.open(page, house)
    settled(page)
    page.evaluate(AXE)
    return page


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_screen_is_accessible_and_fits(screen, house, open_page, guard):
    guard.expect(*screen.answers)
    page = opened(screen, house, open_page, PHONE if screen.phone_only else DESK)
    problems = []
    if not screen.phone_only:
        problems += at_width(page, screen.name, *DESK) + sideways(page, 768, 1024)
    if screen.menus:
        page = opened(screen, house, open_page, PHONE)
    problems += at_width(page, screen.name, *PHONE) + sideways(page, 320, 640)
    guard.dialogs_allowed = True
    assert not problems, "\n".join(problems)
