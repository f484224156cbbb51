"""
`{% stamp row in rows %}…{% endstamp %}`: rows of a list at the price of their values.

A loop asks its template anew for every cell of every row, which is most of what a page of 50
rows costs. This block is rendered once, with a slot wherever `{{ row.name }}` stands, and
then stamped for each row with that row's values. A value is escaped like anywhere, unless it
is safe HTML already. What differs between rows is therefore a value: filters and `if` on the
row itself are refused; on what belongs to the page they work as in any template.
"""

import re
from collections.abc import Iterator
from html import escape
from operator import attrgetter
from typing import Any

from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token, VariableNode
from django.utils.safestring import SafeString

# No page and no address holds a NUL, so that nothing else can look like a slot.
_SLOT = re.compile("\0([a-z_]+)\0")


class _Slot:
    """Where a row's value will stand."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"\0{self.name}\0"

    def __bool__(self) -> bool:
        raise TypeError(f"“{self.name}” differs between rows: prepare it as a value")


class _Slots:
    """A row that is none yet."""

    def __getitem__(self, name: str) -> _Slot:
        return _Slot(name)


class StampNode(Node):
    def __init__(self, name: str, rows: FilterExpression, nodelist: NodeList) -> None:
        self.name, self.rows, self.nodelist = name, rows, nodelist

    def render(self, context: Context) -> SafeString:
        with context.push(**{self.name: _Slots()}):
            texts = _SLOT.split(self.nodelist.render(context))
        mould = "%s".join(text.replace("%", "%%") for text in texts[::2])
        values_of = attrgetter(*texts[1::2])
        rows = self.rows.resolve(context)
        return SafeString("".join([mould % tuple(_escaped(values_of(row))) for row in rows]))


def _escaped(values: Any) -> Iterator[str]:
    """Like a template does it, without its detours; `values` is what `attrgetter` gives."""
    for value in values if isinstance(values, tuple) else (values,):
        yield value if value.__class__ is SafeString else escape(str(value))


def stamp(parser: Parser, token: Token) -> StampNode:
    """`{% stamp row in rows %}`; see the top of this file."""
    try:
        _tag, name, _in, rows = token.split_contents()
    except ValueError as error:
        raise TemplateSyntaxError("stamp is written {% stamp row in rows %}") from error
    nodelist = parser.parse(("endstamp",))
    parser.delete_first_token()
    for node in nodelist.get_nodes_by_type(VariableNode):
        told: FilterExpression = node.filter_expression  # type: ignore[attr-defined]
        if told.filters and str(told.var).startswith(f"{name}."):
            raise TemplateSyntaxError(f"{told}: prepare it as a value of the row")
    return StampNode(name, parser.compile_filter(rows), nodelist)
