"""What the pages serve is what was vendored, small enough, and asks no other host."""

import hashlib
import json
import re
from pathlib import Path

import brotli
import pytest

STATIC = Path(__file__).resolve().parents[2] / "static"
VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


def compressed_kb(*paths):
    return sum(len(brotli.compress(path.read_bytes(), quality=5)) for path in paths) / 1024


def vendored():
    return {name: digest for package in MANIFEST for name, digest in package["files"].items()}


@pytest.mark.parametrize(("name", "digest"), sorted(vendored().items()))
def test_vendored_file_is_the_one_in_the_manifest(name, digest):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest


def test_nothing_is_vendored_behind_the_manifests_back():
    assert {path.name for path in VENDOR.iterdir()} == {*vendored(), "manifest.json"}


def test_every_vendored_package_names_its_version_and_ships_its_licence():
    for package in MANIFEST:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"]), package["name"]
        licences = [name for name in package["files"] if name.endswith(".LICENSE.txt")]
        assert licences, package["name"]


OF_ONE_PAGE = {STATIC / "board.js", STATIC / "thread.js"}


def test_scripts_fit_their_budget():
    every = {*STATIC.glob("*.js"), *VENDOR.glob("*.js")}
    assert every >= OF_ONE_PAGE
    assert compressed_kb(*every - OF_ONE_PAGE) <= 29
    assert all(compressed_kb(script) <= 2.5 for script in OF_ONE_PAGE)


def test_style_sheets_fit_their_budget():
    assert compressed_kb(*STATIC.rglob("*.css")) <= 25


# What tables of records may show, beside the page itself: drawn in its place, or swapped into it.
TABLES = ("leads/list.html", "contacts/list.html")
NAMED = re.compile(r"""{%-? (?:extends|include) ["']([^"']+)["']""")


def parts_of(name, seen):
    """The text of a template and of all that it names."""
    if name in seen:
        return ""
    seen.add(name)
    text = (STATIC.parent / "templates" / name).read_text()
    return text + "".join(parts_of(other, seen) for other in NAMED.findall(text))


def test_tables_of_records_show_nothing_that_only_other_pages_have_styles_for():
    said = {name: re.sub(r"/\*.*?\*/", "", (STATIC / "css" / f"{name}.css").read_text(), flags=re.S)
            for name in ("frame", "parts", "pages")}  # fmt: skip
    styled = {
        name: set(re.findall(r"[.#]([a-z][\w-]*)(?=[^;{}]*{)", css)) for name, css in said.items()
    }
    only = styled["pages"] - styled["frame"] - styled["parts"]
    assert len(only) > 30
    for table in TABLES:
        text = parts_of(table, set())
        assert "{% block styles %}{% endblock %}" in text
        text = re.sub(r"{%.*?%}|{{.*?}}", " ", text)
        shown = {
            word
            for attribute in re.findall(r"""(?:class|id)="([^"]*)\"""", text)
            for word in attribute.split()
        }
        assert "t" in shown
        assert shown & only == set(), table


def test_fonts_fit_their_budget():
    assert sum(path.stat().st_size for path in STATIC.rglob("*.woff2")) <= 60 * 1024
    assert (VENDOR / "inter.woff2").stat().st_size <= 13 * 1024


def test_the_font_that_is_loaded_ahead_holds_the_signs_of_our_own_texts():
    css = (STATIC / "css" / "frame.css").read_text()
    # Where both name a sign the last one counts: the one that is loaded ahead.
    later, ahead = (in_ranges(told) for told in re.findall(r"unicode-range: ([^;]+);", css))
    assert css.index("inter-ext.woff2") < css.index("inter.woff2")
    assert set(range(0x20, 0x7F)) <= ahead
    assert set(range(0xA1, 0x250)) <= ahead | later
    ours = "".join(path.read_text() for path in (STATIC.parent / "templates").rglob("*.html"))
    assert {ord(sign) for sign in ours if sign.isprintable()} <= ahead


def in_ranges(told):
    """The code points of "U+20-7E, U+A0"."""
    ends = [part.strip().removeprefix("U+").split("-") for part in told.split(",")]
    return {code for pair in ends for code in range(int(pair[0], 16), int(pair[-1], 16) + 1)}


def test_our_own_files_name_no_other_host():
    for path in [*STATIC.glob("*.js"), *STATIC.rglob("*.css"), *VENDOR.glob("*.svg")]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|url\(\s*[\"']?//", text), path.name


def test_every_icon_a_template_names_stands_in_one_file():
    one, two = (
        re.findall(r'<symbol id="([^"]+)"', (VENDOR / name).read_text())
        for name in ("icons.svg", "icons-more.svg")
    )
    assert len({*one, *two}) == len(one) + len(two)
    templates = STATIC.parent / "templates"
    named = {
        (path.name, name)
        for path in templates.rglob("*.html")
        for name in re.findall(
            r"""{% icon ["']([^"']+)["']|icon_name=["']([^"']+)["']""", path.read_text()
        )
        for name in [name[0] or name[1]]
    }
    assert named
    assert not {pair for pair in named if pair[1] not in {*one, *two}}


def test_templates_hold_no_inline_script_style_or_handler():
    templates = STATIC.parent / "templates"
    for path in templates.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on|js:", text), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path
        # <hx-partial> stands in answers to htmx only, never in a page.
        assert not re.search(r"\shx-[a-z]+=", re.sub(r"<hx-partial[^>]*>", "", text)), (
            f"{path}: write data-hx-*"
        )
