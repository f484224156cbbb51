"""Rows of a list are stamped: one rendering, as escaped as any other, and never quietly wrong."""

from dataclasses import dataclass

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils.html import format_html

NASTY = "<img src=x onerror='alert(1)'> & 100% \" {{ list }} %s %(name)s"


@dataclass
class Row:
    pk: int
    name: str
    cell: str = ""


def stamped(source, rows, **more):
    return Template("{% load i18n %}" + source).render(Context({"rows": rows, **more}))


def test_each_row_gets_its_own_values_in_order():
    html = stamped(
        '{% stamp row in rows %}<a id="r{{ row.pk }}">{{ row.name }}</a>{% endstamp %}',
        [Row(1, "Ada"), Row(2, "Grace")],
    )
    assert html == '<a id="r1">Ada</a><a id="r2">Grace</a>'


def test_it_says_what_a_loop_says_of_hostile_texts():
    rows = [Row(7, NASTY, format_html("<b>{}</b>", NASTY)), Row(8, "", NASTY)]
    body = (
        '<p title="{{ row.name }}">{{ row.name }}</p>{{ row.cell }} 5 % {{ page }}'
        "{% blocktranslate with name=row.name %}Select {{ name }}{% endblocktranslate %}"
    )
    mine = stamped("{% stamp row in rows %}" + body + "{% endstamp %}", rows, page=NASTY)
    assert mine == stamped("{% for row in rows %}" + body + "{% endfor %}", rows, page=NASTY)
    assert "<img" not in mine


def test_what_belongs_to_the_page_may_be_asked_and_filtered():
    source = "{% stamp row in rows %}{% if bulk %}{{ page|upper }}{% endif %}{{ row.pk }}"
    assert stamped(source + "{% endstamp %}", [Row(1, "")], bulk=True, page="a") == "A1"
    assert stamped(source + "{% endstamp %}", [Row(1, "")], bulk=False, page="a") == "1"


def test_no_rows_are_nothing():
    assert stamped("{% stamp row in rows %}{{ row.pk }}{% endstamp %}", []) == ""


def test_a_filter_on_the_row_is_refused_when_the_template_is_read():
    with pytest.raises(TemplateSyntaxError, match=r"row\.name"):
        Template("{% stamp row in rows %}{{ row.name|upper }}{% endstamp %}")


def test_asking_the_row_itself_is_refused():
    with pytest.raises(TypeError, match="name"):
        stamped("{% stamp row in rows %}{% if row.name %}x{% endif %}{% endstamp %}", [Row(1, "")])


def test_a_value_no_row_has_is_an_error():
    with pytest.raises(AttributeError):
        stamped("{% stamp row in rows %}{{ row.colour }}{% endstamp %}", [Row(1, "")])


@pytest.mark.parametrize("source", ["{% stamp rows %}", "{% stamp row of rows now %}"])
def test_it_is_written_in_one_way(source):
    with pytest.raises(TemplateSyntaxError):
        Template(source + "{% endstamp %}")
