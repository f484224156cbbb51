"""What is kept of a page is drawn once for equal values, and never shown for others."""

from dataclasses import dataclass

import pytest
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import translation
from django.utils.safestring import mark_safe


@dataclass(frozen=True)
class Menu:
    name: str
    options: tuple[str, ...] = ()


class Counting:
    """Counts how often it is drawn."""

    drawn = 0

    def __str__(self):
        Counting.drawn += 1
        return "drawn"


def shown(template, **values):
    return template.render(Context(values))


def test_equal_values_are_drawn_once_and_others_anew():
    template = Template("{% kept menu=menu what=what %}{{ menu.name }} {{ what }}{% endkept %}")
    what, Counting.drawn = Counting(), 0
    menus = [Menu("a", ("x",)), Menu("a", ("x",)), Menu("b", ("x",)), Menu("a", ("y",))]
    assert [shown(template, menu=menu, what=what)[0] for menu in menus] == ["a", "a", "b", "a"]
    assert Counting.drawn == 3


def test_nothing_is_seen_that_the_tag_does_not_name():
    template = Template("{% kept a=a %}{{ a }}{{ secret }}{{ request.path }}{% endkept %}")
    request = RequestFactory().get("/mine/")
    assert template.render(RequestContext(request, {"a": "1", "secret": "s"})) == "1"


def test_each_language_has_its_own():
    template = Template(
        "{% load i18n %}{% kept %}{% get_current_language as l %}{{ l }}{% endkept %}"
    )
    for language in ("en", "de", "en"):
        with translation.override(language):
            assert shown(template) == language


def test_what_equals_but_is_drawn_otherwise_is_told_apart():
    template = Template("{% kept a=a %}{{ a }}{% endkept %}")
    assert [shown(template, a=a) for a in (1, True, 1.0, "1")] == ["1", "True", "1.0", "1"]


def test_hostile_texts_are_escaped_each_time():
    template = Template("{% kept a=a %}{{ a }}{% endkept %}")
    for _ in range(2):
        assert shown(template, a="<b>") == "&lt;b&gt;"
    with pytest.raises(TypeError):
        shown(template, a=mark_safe("<b>"))


def test_a_record_cannot_tell_what_is_kept(workspace):
    with pytest.raises(TypeError):
        shown(Template("{% kept a=a %}{{ a }}{% endkept %}"), a=workspace)


def test_a_form_cannot_be_kept():
    template = Template("{% kept %}{% csrf_token %}{% endkept %}")
    with pytest.raises(TypeError, match="cannot be kept"):
        template.render(RequestContext(RequestFactory().get("/")))


def test_many_values_do_not_fill_the_memory():
    template = Template("{% kept a=a %}{{ a }}{% endkept %}")
    assert [shown(template, a=n) for n in range(500)] == [str(n) for n in range(500)]
    assert len(template.nodelist[0]._drawn) <= 200


def test_it_is_refused_where_values_have_no_names():
    with pytest.raises(TemplateSyntaxError):
        Template("{% kept a %}{% endkept %}")
