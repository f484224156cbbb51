"""Any text comes back as text: nothing runs, nothing acts, nothing breaks the page."""

import pytest

from tests.journeys.conftest import DESK, PHONE
from tests.journeys.hostile import HOSTILE
from tests.journeys.test_every_screen import SIDEWAYS
from tests.journeys.waiting import sent, settled

# What a page holds that could have come out of a text: things that act, load or run.
ALIVE = """() => {
  const owned = document.title === "owned" ? ["the title was changed"] : [];
  const own = new URL(document.baseURI).origin;
  const texts = [...document.querySelectorAll("td, th, dd, p, li, a, h1, h2, article, .sn, .who")];
  const inside = texts.flatMap((node) => [...node.querySelectorAll(
    "script, style, iframe, object, embed, base, meta, link, template, hx-partial")]);
  const acting = [...document.querySelectorAll("*")].filter((node) =>
    [...node.attributes].some(({ name, value }) => name.startsWith("on") || name.startsWith("hx-")
      || (/^(href|src|action|formaction)$/.test(name) && /^\\s*javascript:/i.test(value))
      || (/^(data-)?hx-(get|post|put|patch|delete)$/.test(name) && /logout/.test(value))));
  const away = [...document.querySelectorAll("[src], a[href], link[href]")].filter((node) =>
    /^(https?:)?\\/\\//.test(node.getAttribute("src") ?? node.getAttribute("href") ?? "")
      && new URL(node.src ?? node.href).origin !== own && !node.closest(".md"));
  const escaped = [...document.querySelectorAll("#escaped")];
  return [...owned, ...[...inside, ...acting, ...away, ...escaped].map((node) =>
    node.outerHTML.slice(0, 120))];
}"""
FOLD = """(texts) => {
  const fold = (text) => text.replace(/\\s+/g, " ").trim();
  const seen = fold(document.body.textContent
    + [...document.querySelectorAll("input, textarea")].map((node) => ` ${node.value}`).join(""));
  return texts.filter((text) => !seen.includes(fold(text)));
}"""


@pytest.fixture
def hostile(sandbox, house):
    """Every text as every kind of thing a service can send, and a thread of all of them."""
    for number, text in enumerate(HOSTILE):
        address = f"h{number}@hostile.example"
        sandbox.add_lead(
            id=f"hostile-{number}",
            visitor_name=text,
            visitor_company=text,
            visitor_email=address,
            visitor_phone=text,
            need_summary=text,
            pipeline_stage=text,
            source=text,
            tags=[text, "x"],
            strange=text,
        )
        sandbox.add_contact(
            first_name=text, last_name=text, company_name=text, email=address, tags=[text]
        )
        sandbox.add_conversation(
            visitor_name=text, visitor_company=text, last_message=text, tags=[text], source=text
        )
        sandbox.add_dexra_conversation(subject=text, tags=[text], status=text)
    sandbox.add_conversation(
        id="conv-hostile",
        visitor_name=HOSTILE[0],
        thread=[(("visitor", "agent", "bot")[n % 3], text) for n, text in enumerate(HOSTILE)],
    )
    house.sync()
    return house


def look(page, path, texts=()):
    page.goto(path)
    settled(page)
    assert page.evaluate(ALIVE) == []
    assert page.evaluate(FOLD, list(texts)) == []
    assert page.evaluate(SIDEWAYS) == []


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_lists_show_hostile_texts_as_texts(size, hostile, open_page):
    page = open_page(hostile.owner, size=size)
    look(page, "/w/acme/leads/?per=100", HOSTILE)
    look(page, "/w/acme/contacts/?per=100", HOSTILE)
    look(page, "/w/acme/conversations/?per=100&q=hostile", ())
    look(page, "/w/acme/conversations/?per=100&sort=-active_at", ())
    look(page, "/w/acme/", ())


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_thread_of_hostile_texts_is_inert(size, hostile, open_page):
    page = open_page(hostile.owner, size=size)
    look(page, hostile.url(hostile.conversation("conv-hostile")))
    assert page.locator("#log article").count() == len(HOSTILE)
    shown = page.locator("#log article .text").all_text_contents()
    assert shown == HOSTILE
    assert page.evaluate(ALIVE) == []
    assert page.evaluate(SIDEWAYS) == []


@pytest.mark.parametrize("number", [0, 28, 54, 62], ids=str)
def test_a_record_of_hostile_texts_is_inert_and_unchanged(number, hostile, open_page):
    page, text = open_page(hostile.owner), HOSTILE[number]
    lead = hostile.lead(text)
    look(page, hostile.url(lead), [text])
    look(page, hostile.url(lead) + "edit/", [text])
    page.get_by_label("Phone").fill("+386 1 555 0100")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved", exact=True).first.wait_for()
    now = hostile.sandbox.lead(f"hostile-{number}")
    assert now["visitor_phone"] == "+386 1 555 0100"
    assert [now[name] for name in ("visitor_name", "visitor_company", "need_summary")] == [text] * 3
    assert [r.body for r in hostile.writes] == [{"visitor_phone": "+386 1 555 0100"}]


def test_hostile_texts_that_people_type_arrive_as_typed(house, open_page, guard):
    page = open_page(house.owner)
    page.goto(house.url(house.conversation("conv-mara")))
    text = "\n".join(HOSTILE[:40])
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Send to").click()
    page.locator(".msg.out").wait_for()
    sent(page)
    assert house.sandbox.dexra_messages("conv-mara")[-1]["text"] == text
    assert page.evaluate(ALIVE) == []
    page.reload()
    assert page.evaluate(ALIVE) == []


@pytest.mark.parametrize("text", ["<b>x</b>", "{{7*7}}", "\"'`<>", "%00", "a\x00b", "🏳️‍🌈"])
def test_searches_and_filters_show_what_was_asked_as_text(text, house, open_page):
    page = open_page(house.owner)
    for kind in ("leads", "contacts", "conversations"):
        page.goto(f"/w/acme/{kind}/")
        page.locator("#q").fill(text)
        page.locator("#q").press("Enter")
        settled(page)
        assert page.evaluate(ALIVE) == []
        assert page.evaluate(SIDEWAYS) == []
