"""Markdown that was sent from here, as HTML that cannot hurt whoever reads it."""

from functools import cache

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# Past it the text is shown as it is: the parser takes seconds over some hostile texts.
LONGEST = 5_000
TAGS = frozenset(
    {"a", "blockquote", "br", "code", "del", "em", "hr", "li", "ol", "p", "pre", "s", "strong"}
    | {"table", "tbody", "td", "th", "thead", "tr", "ul"}
)
SCHEMES = {"http", "https", "mailto", "tel"}


def rendered(text: str) -> SafeString:
    """
    The text as HTML: CommonMark with line breaks, tables and strike-through.

    HTML in the text stays text, images become links (nothing is fetched from elsewhere),
    headings stay text (the page has its own outline), and what is left passes an allow-list.
    It stands inside `data-hx-ignore` all the same.
    """
    if len(text) > LONGEST:
        return format_html('<p class="text">{}</p>', text)
    html = nh3.clean(
        _parser().render(text),
        tags=set(TAGS),
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(html)  # noqa: S308 - cleaned by nh3 one line above


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "breaks": True}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    return parser.disable(["image", "heading", "lheading"])
