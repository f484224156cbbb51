"""The words pages use for times, amounts, hues and names."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import timezone

from portal.templatetags import portal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def words(ago):
    html = portal.relative(NOW - ago)
    return html[html.index(">") + 1 : html.index("</time>")]


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=0), "just now"),
        (timedelta(seconds=-30), "just now"),
        (timedelta(seconds=12), "12 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=4, seconds=59), "4 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=6, hours=23), "6 d ago"),
        (timedelta(days=7), "14 Nov"),
        (timedelta(days=400), "17 Oct 2025"),
        (timedelta(hours=-2), "21 Nov, 14:00"),
    ],
)
def test_a_time_is_said_relatively_for_a_week_and_by_its_date_after(ago, said):
    assert words(ago) == said


def test_the_exact_time_is_always_there():
    html = portal.relative(NOW - timedelta(hours=1))
    assert 'datetime="2026-11-21T11:00:00+00:00"' in html
    assert 'title="21 Nov 2026, 11:00:00 UTC"' in html


def test_only_a_relative_time_moves_on_by_itself():
    assert " data-relative" in portal.relative(NOW - timedelta(days=6))
    assert "data-relative" not in portal.relative(NOW - timedelta(days=8))


def test_the_script_gets_the_words_of_the_server():
    assert portal.relative_words() == "just now|# s ago|# min ago|# h ago|# d ago"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Decimal("12400"), "12,400"),
        (Decimal("12400.00"), "12,400"),
        (Decimal("3200.5"), "3,200.50"),
        (Decimal("0.125"), "0.125"),
        (Decimal("1E+6"), "1,000,000"),
        (Decimal("-1200"), "-1,200"),
        (0, "0"),
        (1284, "1,284"),
        (0.1, "0.10"),
        ("10,000+", "10,000+"),
        (float("nan"), "nan"),
    ],
)
def test_an_amount_has_separators_and_no_needless_decimals(value, said):
    assert portal.amount(value) == said


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_value_is_a_dash_with_words_for_those_who_listen(value):
    for html in (portal.amount(value), portal.shown(value)):
        assert "—" in html
        assert "no value" in html


def test_zero_and_false_are_values():
    assert portal.shown(0) == 0
    assert portal.shown(False) is False


@pytest.mark.parametrize(
    ("word", "hue"),
    [
        ("new", "neutral"),
        ("Qualified", "blue"),
        ("assigned", "violet"),
        ("contacted", "amber"),
        ("converted", "green"),
        ("lost", "red"),
        ("Site visit", "teal"),
        ("open", "blue"),
        ("pending", "amber"),
        ("snoozed", "neutral"),
        ("closed", "neutral"),
        ("", "neutral"),
        (None, "neutral"),
    ],
)
def test_a_word_has_one_hue_everywhere(word, hue):
    assert portal.hue(word) == hue


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Marta Kowalska", "MK"),
        ("Ludwig van Beethoven", "LB"),
        ("Čeněk", "Č"),
        ("山田 太郎", "山太"),
        ("jo@acme.example", "J"),
        ("  ", "?"),
        (None, "?"),
        ("(none) -", "?"),
    ],
)
def test_initials_are_one_or_two_letters(name, letters):
    assert portal.initials(name) == letters


def test_an_avatar_keeps_its_hue():
    assert portal.avatar_hue(42) == portal.avatar_hue("42")
    assert {portal.avatar_hue(number) for number in range(50)} == set(portal.AVATAR_HUES)


def test_what_people_typed_comes_out_inert():
    nasty = '<img src=x onerror="alert(1)">'
    source = '{{ v|shown }}{{ v|initials }}{{ v|hue }}{{ v|amount }}{% icon "x" label=v %}'
    html = Template(source).render(Context({"v": nasty}))
    assert "<img" not in html
    assert "&lt;img" in html


def test_a_badge_shows_its_word_escaped_and_in_its_hue():
    source = '{% include "components/badge.html" with word=word %}'
    html = Template(source).render(Context({"word": "Lost"}))
    assert 'class="badge red"' in html
    html = Template(source).render(Context({"word": "<b>"}))
    assert "&lt;b&gt;" in html
