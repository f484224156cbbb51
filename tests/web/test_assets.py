"""What is left out of the files that are served, and what never is."""

import pytest

from portal.web.assets import is_ours, shortened

SCRIPTS = {
    "/* one */\n/* two\n   lines */\ngo();\n": "go();",
    "  // why\n  go();\n\n\n  on();": "go();\non();",
    "let n = 0;   /* how many */\ngo();": "let n = 0;\ngo();",
    "/* first */ go();\n/* second */\non();": "/* first */ go();\non();",
    'say("// no remark", `/* nor this */`);': 'say("// no remark", `/* nor this */`);',
    'const at = "https://crossdesk.example";': 'const at = "https://crossdesk.example";',
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
