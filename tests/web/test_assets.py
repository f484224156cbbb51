"""What is left out of the files that are served, and what never is."""

import pytest

from portal.web.assets import is_ours, shortened

SCRIPTS = {
    "/* one */\n/* two\n   lines */\ngo();\n": "go();",
    "  // why\n  go();\n\n\n  on();": "go();on();",
    "let n = 0;   /* how many */\ngo();": "let n=0;go();",
    "go()\non()": "go()\non()",
    'say("// no remark", `/* nor this */ ${a}`);': 'say("// no remark",`/* nor this */ ${a}`);',
    'const at = "https://crossdesk.example";': 'const at="https://crossdesk.example";',
    r"const a = b / c, d = /[/*]x/.test(e);": r"const a=b/c,d=/[/*]x/.test(e);",
}
STYLES = {
    "/* a */ .t {\n  td :is(a, b) { color: red; }\n}\n": ".t{td :is(a, b){color: red}}",
    "a::before { content: ' · ' }": "a::before{content: ' · '}",
    ".a .b , .c { gap: calc(1px + 2px) }": ".a .b , .c{gap: calc(1px + 2px)}",
}


@pytest.mark.parametrize("written", SCRIPTS)
def test_a_script_loses_remarks_and_blanks_and_nothing_else(written):
    assert shortened("portal.js", written) == SCRIPTS[written]


@pytest.mark.parametrize("written", STYLES)
def test_a_style_sheet_keeps_the_blanks_that_mean_something(written):
    assert shortened("css/parts.css", written) == STYLES[written]


def test_what_a_file_asks_for_stands_in_its_place_when_it_is_served(tmp_path, monkeypatch):
    monkeypatch.setattr("portal.web.assets.WRITTEN", tmp_path)
    (tmp_path / "css").mkdir()
    (tmp_path / "one.js").write_text("/* one */\nconst a = 1;\n")
    (tmp_path / "two.js").write_text('import "./one.js";\nconst a = 2;\n')
    (tmp_path / "css" / "parts.css").write_text("/* parts */\n.b { color: red }\n")
    three = 'import "./two.js";\nconst a = 3;\n'
    assert shortened("three.js", three) == "{{const a=1;}\nconst a=2;}\nconst a=3;"
    page = '@layer base, parts;\n@import "parts.css";\n\n.a { color: blue }\n'
    assert shortened("css/page.css", page) == "@layer base, parts;.b{color: red}.a{color: blue}"


@pytest.mark.parametrize(
    ("name", "ours"),
    {
        "portal.js": True,
        "css/parts.css": True,
        "vendor/htmx.min.js": False,
        "favicon.svg": False,
        "account/js/account.js": False,
    }.items(),
)
def test_only_what_is_written_here_is_shortened(name, ours):
    assert is_ours(name) is ours
