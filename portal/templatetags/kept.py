"""
`{% kept name=value … %}…{% endkept %}`: a part of a page that is drawn once for equal values.

Most of a page is the same each time: menus, words, the list of keys. Inside of this block stand
only the values that its tag names; nothing else of the page can be seen. What is drawn for equal
values in one language is therefore equal, for whomever it is, and can be kept: it never grows
old, and no process needs to tell another one of it. The values are texts, numbers, and tuples or
frozen dataclasses of these. A record of the database is refused, since it equals what it was
before it changed; and so is HTML, since it equals the text that is not.
"""

from typing import Any

from django.db.models import Model
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.utils.safestring import SafeString
from django.utils.translation import get_language

# Of one block. Where values are typed by people there are many of them, and soon others.
MOST = 200


class _Refused:
    """What a form inside would ask for: it is another one on each page."""

    def __bool__(self) -> bool:
        raise TypeError("a form with {% csrf_token %} cannot be kept")


class KeptNode(Node):
    def __init__(self, told: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.told, self.nodelist = told, nodelist
        self._drawn: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        values = {name: told.resolve(context) for name, told in self.told.items()}
        # 1 equals True and 1.0, but is not drawn like them.
        key = (get_language(), *values.values(), *map(type, values.values()))
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = self._draw(context, values)
            if len(self._drawn) >= MOST:
                self._drawn.clear()
            self._drawn[key] = drawn
        return drawn

    def _draw(self, context: Context, values: dict[str, Any]) -> SafeString:
        for name, value in values.items():
            if isinstance(value, Model | SafeString):
                raise TypeError(f"“{name}” cannot tell what is kept by it")
        return self.nodelist.render(context.new(values | {"csrf_token": _Refused()}))


def kept(parser: Parser, token: Token) -> KeptNode:
    """`{% kept name=value … %}`; see the top of this file."""
    bits = token.split_contents()[1:]
    told = token_kwargs(bits, parser)
    if bits:
        raise TemplateSyntaxError("kept is written {% kept name=value … %}")
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    return KeptNode(told, nodelist)
