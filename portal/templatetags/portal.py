"""
What templates may say in one word: icons, times, amounts, hues, initials.

Everything here returns escaped HTML or plain text; nothing marks input as safe.
"""

import re
import zlib
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.formats import get_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.templatetags.kept import kept
from portal.templatetags.stamp import stamp
from portal.web.action_words import words_of
from portal.web.offers import Offer

register = template.Library()
register.tag(stamp)
register.tag(kept)

# One meaning per hue across the product (ux 11.4); a word that is not here is somebody's own.
HUES = {
    **dict.fromkeys(("new", "snoozed", "closed", "archived", "draft", "removed"), "neutral"),
    **dict.fromkeys(("owner", "admin", "agent", "viewer"), "neutral"),
    **dict.fromkeys(("qualified", "open", "active", "in_flight", "running"), "blue"),
    **dict.fromkeys(("contacted", "pending", "waiting", "queued", "unknown"), "amber"),
    **dict.fromkeys(("undecided", "stale", "paused"), "amber"),
    **dict.fromkeys(("converted", "sent", "done", "synced", "connected", "ok"), "green"),
    **dict.fromkeys(("lost", "refused", "failed", "rejected", "down"), "red"),
    **dict.fromkeys(("assigned",), "violet"),
}
# Avatars and tags never borrow the hues of states.
AVATAR_HUES = ("violet", "teal", "pink", "blue")
# Seconds in a unit and the words for so many of it, smallest first.
AGES = (
    (1, gettext_noop("%(n)s s ago")),
    (60, gettext_noop("%(n)s min ago")),
    (3600, gettext_noop("%(n)s h ago")),
    (86_400, gettext_noop("%(n)s d ago")),
)
AGES_DOWN = AGES[::-1]
JUST_NOW, JUST_NOW_SECONDS = gettext_noop("just now"), 5
GROUP = 3
CLOCKS_DIFFER, A_WEEK = timedelta(minutes=1), timedelta(days=7)


@register.simple_tag
@lru_cache(maxsize=200, typed=True)
def icon(name: str, label: str = "") -> SafeString:
    """The icon `name` (scripts/vendor.py lists them); decoration unless it has a `label`."""
    file = "icons.svg" if name in _often_shown() else "icons-more.svg"
    href = f"{static(f'vendor/{file}')}#{name}"
    if label:
        return format_html(
            '<svg class="i" role="img" aria-label="{}"><use href="{}"></use></svg>', label, href
        )
    return format_html('<svg class="i" aria-hidden="true"><use href="{}"></use></svg>', href)


@cache
def _often_shown() -> frozenset[str]:
    """The icons of the frame and of tables, which a first visit needs."""
    sprite = Path(settings.BASE_DIR, "static/vendor/icons.svg").read_text()
    return frozenset(re.findall(r'<symbol id="([^"]+)"', sprite))


@register.simple_tag
def relative_words() -> str:
    """The words of `relative`, for the script that keeps them true: now|s|min|h|d ago."""
    return "|".join([_(JUST_NOW), *(_(words) % {"n": "#"} for _seconds, words in AGES)])


@register.filter
def relative(moment: datetime | None) -> SafeString:
    """
    A `<time>` in words: relative under 7 days ("4 min ago"), the date after ("18 Nov").

    The exact time, with its zone, is in `title`. None is "—". A time ahead of now by less
    than a minute (clocks differ) is "just now"; further ahead it is shown as date and time.
    """
    return Clock().time(moment)


class Clock:
    """One moment and its words, asked once: a list shows a hundred times by it."""

    def __init__(self) -> None:
        self.now = timezone.localtime()
        self._words: dict[str | int, str] = {}

    def time(self, moment: datetime | None) -> SafeString:
        """See `relative`."""
        if moment is None:
            return nothing()
        local = moment.astimezone(self.now.tzinfo)
        iso = local.isoformat(timespec="seconds")
        days = self._words_for_days(local)
        # Only what is relative moves on by itself: the script looks for data-relative.
        mark = "" if days else " data-relative"
        exact = f"{self._day(local)} {local.year}, {iso[11:19]} {local.tzname()}"
        said = days or self._words_ago(self.now - local)
        return SafeString(
            f'<time datetime="{iso}" title="{escape(exact)}"{mark}>{escape(said)}</time>'
        )

    def _day(self, local: datetime) -> str:
        """The "18 Nov" of every date format here."""
        month = self._words.get(local.month)
        if month is None:
            month = self._words[local.month] = str(MONTHS_3[local.month]).title()
        return f"{local.day} {month}"

    def _words_ago(self, age: timedelta) -> str:
        """Words for an age under 7 days."""
        seconds = int(age.total_seconds())
        if seconds < JUST_NOW_SECONDS:
            return self._said(JUST_NOW)
        unit, words = next(pair for pair in AGES_DOWN if seconds >= pair[0])
        return self._said(words) % {"n": seconds // unit}

    def _words_for_days(self, local: datetime) -> str:
        """The date of a time a week old or ahead of now; "" for what is said relatively."""
        ahead = local > self.now + CLOCKS_DIFFER
        if not ahead and self.now - local < A_WEEK:
            return ""
        day = self._day(local)
        date = day if local.year == self.now.year else f"{day} {local.year}"
        return f"{date}, {local:%H:%M}" if ahead else date

    def _said(self, words: str) -> str:
        found = self._words.get(words)
        if found is None:
            found = self._words[words] = _(words)
        return found


@register.filter
def amount(value: Any) -> str:
    """A number with thousands separators and no needless decimals ("3,200.50"); None is "—"."""
    if value is None or value == "":
        return nothing()
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not number.is_finite():
        return str(value)
    whole, _point, decimals = f"{number:f}".partition(".")
    decimals = decimals.rstrip("0")
    return _grouped(Decimal(f"{whole}.{decimals.ljust(2, '0')}" if decimals else whole))


def _grouped(number: Decimal) -> str:
    """Django's `number_format`, several times as fast where groups are of three digits."""
    if get_format("NUMBER_GROUPING") != GROUP:
        return number_format(number, force_grouping=True)
    signs = {44: get_format("THOUSAND_SEPARATOR"), 46: get_format("DECIMAL_SEPARATOR")}
    return f"{number:,f}".translate(signs)


@register.filter
def shown(value: Any) -> Any:
    """The value, or "—" with hidden words where there is none (T6)."""
    return nothing() if value is None or str(value).strip() == "" else value


def nothing() -> SafeString:
    """How every page shows a missing value."""
    return format_html(
        '<span class="none"><span aria-hidden="true">—</span><span class="vh">{}</span></span>',
        _("no value"),
    )


@register.filter
def hue(word: Any) -> str:
    """The badge hue of a stage, a state, a role or an outcome; teal for a word we do not know."""
    return HUES.get(str(word).strip().lower(), "teal") if word else "neutral"


@register.filter
def initials(name: Any) -> str:
    """One or two letters for an avatar: first and last word, or the first letter of an e-mail."""
    words = [word for word in str(name or "").replace("@", " @").split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


@register.filter
def avatar_hue(key: Any) -> str:
    """A hue that is always the same for the same id or name."""
    return AVATAR_HUES[zlib.crc32(str(key).encode()) % len(AVATAR_HUES)]


@register.filter
def undo_offer(message: Any) -> Any:
    """What undoes what this message says, None if it offers nothing."""
    return Offer.told(getattr(message, "extra_tags", ""))


@register.filter
def action_words(action: str) -> str:
    """What an action of the log is called."""
    return words_of(action)
