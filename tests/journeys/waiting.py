"""When a page has come to rest."""

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
    page.evaluate(QUIET)
