"""A template as it is written and as it is read say the same; only our own blanks are gone."""

import re
from pathlib import Path

import pytest
from django.template import Context, Engine

from portal.web.lean import STEERS, lean

pytestmark = pytest.mark.once
TEMPLATES = Path(__file__).parents[2] / "templates"
LIST = """<ul>
  {# those who are here #}
  {% for name in names %}
    {% if name %}
    <li>{{ name }}</li>
    {% endif %}
  {% endfor %}
</ul>
"""


def rendered(source, **values):
    return Engine().from_string(source).render(Context(values))


def test_a_list_is_sent_without_our_indents_and_empty_lines():
    said = rendered(lean(LIST), names=["Ada", "", "Bo"])
    assert said == "<ul>\n<li>Ada</li>\n<li>Bo</li>\n</ul>\n"


def test_what_people_wrote_keeps_its_blanks():
    note = "one\n\n    two\n{% if x %}\n  {# no remark #}"
    assert rendered(lean("<p>\n    {{ note }}\n</p>"), note=note) == f"<p>\n{note}\n</p>"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<b>a</b>\n  {% if yes %}\n  <b>b</b>\n  {% endif %}\n<i>c</i>", "a b c"),
        ("{% if yes %}a{% endif %}\n{% if yes %}b{% endif %}", "a b"),
        ("<b>a</b>{% if yes %}\n<b>b</b>{% endif %}", "a b"),
        ("{{ a }}\n{% firstof 'b' %}\n{{ c }}", "a b c"),
        ("a\n{% comment %}\nnot\nshown\n{% endcomment %}\nb", "a b"),
        ("{% if no %}a\n{% elif yes %}\nb\n{% else %}\nc\n{% endif %}\nd", "b d"),
    ],
)
def test_words_do_not_run_together(written, shown):
    said = rendered(lean(written), yes=True, no=False, a="a", c="c")
    assert re.sub(r"\s+", " ", re.sub("<.*?>", "", said)).strip() == shown


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=str)
def test_every_template_says_what_is_written_with_a_blank_wherever_one_was(path):
    written = path.read_text()
    assert words(lean(written)) == words(written)
    assert not re.search(r"^[ \t]", lean(written), re.MULTILINE)


def words(source):
    """What a template puts out; what only steers is a blank where a line begins or ends."""
    source = re.sub(r"{% comment %}.*?{% endcomment %}", "", source, flags=re.DOTALL)
    said = re.sub(STEERS, "\x00", source)
    return re.sub(r"[\s\x00]*\n[\s\x00]*", "\n", said).strip("\x00\n ")
