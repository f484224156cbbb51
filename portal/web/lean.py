"""
Templates are read without the blanks that only we need: a page says nothing by indenting.

Done to the source, once, when it is read: what people wrote, which may hold blanks that count, is
not in it yet. Where there was a blank between two words or parts there is one still.
"""

import re

from django.template import Origin
from django.template.loaders import filesystem

# A line that only steers: if, for, with, block and the like. What puts out something stays a line.
STEERS = (
    r"{#(?:(?!#}).)*#}"
    r"|{% (?:(?:end)?(?:if|for|with|block|kept|partialdef)|elif|else|empty|load|extends)\b"
    r"(?:(?!%}).)*%}"
)
REMARK = re.compile(r"{% comment %}.*?{% endcomment %}\n?", re.DOTALL)
ONLY_STEERS = re.compile(rf"^((?:(?:{STEERS}) *)+)\n", re.MULTILINE)


def lean(source: str) -> str:
    """The same template without remarks, its lines not indented, none for a tag that says nothing.

    >>> lean("<ul>\\n  {% for a in all %}\\n  <li>{{ a }}</li>\\n  {% endfor %}\\n</ul>")
    '<ul>\\n{% for a in all %}<li>{{ a }}</li>\\n{% endfor %}</ul>'
    """
    return ONLY_STEERS.sub(r"\1", re.sub(r"\n\s+", "\n", REMARK.sub("", source)))


class Loader(filesystem.Loader):
    """Our own templates: those of TEMPLATES' DIRS."""

    def get_contents(self, origin: Origin) -> str:
        source = str(super().get_contents(origin))
        return lean(source) if str(origin.name).endswith(".html") else source
