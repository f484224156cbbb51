"""People made up from the names of a place: each with an address, a number and often a firm."""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass

from portal.sandbox.data.places import PLACES, Place

SPELT = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "ß": "ss",
        "đ": "d",
        "ı": "i",
        "æ": "ae",
        "þ": "th",
        "ð": "d",
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
    }
)
TRADES = (
    "Design",
    "Studio",
    "& Partners",
    "Consulting",
    "Import",
    "Foods",
    "Media",
    "Labs",
    "& Co.",
)
MAILBOXES = ("post.example", "mail.example", "inbox.example", "letters.example")
TOGETHER = ("zh", "ko")
"""Languages that write family and first name without a space."""


@dataclass(frozen=True)
class Person:
    """A made-up person; `company` and `phone` are None where they were not given."""

    first: str
    family: str
    full: str
    email: str
    phone: str | None
    company: str | None
    language: str


class Crowd:
    """Makes people, each with an e-mail address of their own."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._taken: set[str] = set()
        self._weights = [place.weight for place in PLACES]

    def person(self) -> Person:
        """One more person."""
        place = self._chance.choices(PLACES, self._weights)[0]
        first, first_latin = self._name(place.first)
        family, family_latin = self._name(place.family)
        company, domain = self._company(place, family, family_latin)
        return Person(
            first=first,
            family=family,
            full=_full(place, first, family),
            email=self._email(first_latin, family_latin, domain),
            phone=self._phone(place.phone) if self._chance.random() < 0.78 else None,
            company=company,
            language=place.language,
        )

    def _name(self, names: str) -> tuple[str, str]:
        """A name as written, and in Latin letters."""
        written, _, latin = self._chance.choice(names.split()).partition("|")
        written = written.replace("_", " ")
        return written, latin or latin_letters(written)

    def _company(self, place: Place, family: str, latin: str) -> tuple[str | None, str]:
        """A firm and its mail domain; about a quarter of all people write from no firm."""
        luck = self._chance.random()
        if luck < 0.24:
            return None, self._chance.choice(MAILBOXES)
        if luck < 0.5:
            trade = self._chance.choice(TRADES)
            return f"{family} {trade}", f"{latin}-{latin_letters(trade) or 'firm'}.example"
        name, _, slug = self._chance.choice(place.firms.split(";")).partition("|")
        return name, f"{slug}.example"

    def _email(self, first: str, family: str, domain: str) -> str:
        forms = (f"{first}.{family}", f"{first[:1]}.{family}", first, f"{first}{family[:1]}")
        local = self._chance.choice(forms)
        address, count = f"{local}@{domain}", 1
        while address in self._taken:
            count += 1
            address = f"{first}.{family}{count}@{domain}"
        self._taken.add(address)
        return address

    def _phone(self, pattern: str) -> str:
        return re.sub("#", lambda _: str(self._chance.randrange(10)), pattern)


def latin_letters(text: str) -> str:
    """Letters and digits of a Latin-script text in plain ASCII lower case: "Großmann" grossmann."""
    spelt = unicodedata.normalize("NFC", text).lower().translate(SPELT)
    plain = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "", plain)


def _full(place: Place, first: str, family: str) -> str:
    if not place.family_first:
        return f"{first} {family}"
    return f"{family}{first}" if place.language in TOGETHER else f"{family} {first}"
