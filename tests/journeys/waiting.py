"""When a page has come to rest, is connected, or has all its scripts."""

import re

from playwright.sync_api import expect

QUIET = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame(); await frame();
  const running = document.getAnimations().filter((one) => one.effect.getTiming().iterations < 9);
  await Promise.allSettled(running.map((one) => one.finished));
  await document.fonts.ready;
}"""
SCRIPTLESS = "() => matchMedia('(scripting: none)').matches"
ASKING = "() => document.querySelector('.htmx-request, [aria-busy=true]') === null"


def settled(page):
    """Loaded, nothing asked for that has not been answered, nothing moving."""
    page.wait_for_load_state("load")
    if page.evaluate(SCRIPTLESS):  # nothing more can happen, and no frame would be told of
        return
    page.wait_for_timeout(60)
    page.wait_for_function(ASKING)
    at_rest(page)


def at_rest(page):
    """Nothing moving, and all signs drawn, on a page that asks for nothing."""
    page.evaluate(QUIET)


def sent(page):
    """Settled, and what was written has left: an open page shows a message before it is sent."""
    settled(page)
    expect(page.locator(".msg.sending")).to_have_count(0)
    settled(page)


def open_live(page, path):
    """The page there, once its stream was let in or refused: it asks a second after it loaded."""
    with page.expect_response("**/live/?*"):
        page.goto(path)


def selecting_works(page):
    """The script that selects rows comes after the page was loaded; it counts at once."""
    expect(page.locator("#bulk-count")).to_have_text(re.compile(r"^\d+ selected$"))
