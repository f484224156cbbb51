"""What we sent is shown as Markdown, and can do nothing to who reads it."""

import time

import pytest

from portal.web.markdown import LONGEST, rendered


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a *b* **c**", "<p>a <em>b</em> <strong>c</strong></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("# not a heading of the page", "<p># not a heading of the page</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("<b data-hx-get=/x>", "<p>&lt;b data-hx-get=/x&gt;</p>"),
        (
            "[x](https://a.example/?b&c)",
            '<p><a href="https://a.example/?b&amp;c" rel="noopener noreferrer nofollow">x</a></p>',
        ),
        (
            "![pixel](https://a.example/x)",
            '<p>!<a href="https://a.example/x" rel="noopener noreferrer nofollow">pixel</a></p>',
        ),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](data:text/html,1)", "<p>[x](data:text/html,1)</p>"),
        ("", ""),
    ],
)
def test_markdown_becomes_harmless_html(text, html):
    assert rendered(text).strip() == html


@pytest.mark.parametrize(
    "text", ["[" * LONGEST, "*a_" * 1600, "> " * 2400, "`" * LONGEST, "a" * 10**6]
)
def test_hostile_markdown_takes_no_time(text):
    started = time.process_time()  # others may use the machine meanwhile
    rendered(text)
    assert time.process_time() - started < 3
