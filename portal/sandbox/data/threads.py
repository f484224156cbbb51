"""Conversations told from the scripts: who said what, and when."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.sandbox.data.languages import SCRIPTS
from portal.sandbox.data.people import Person
from portal.sandbox.data.scripts import Script
from portal.sandbox.data.words import CITIES, PRODUCTS

SENDERS = {"v": "visitor", "b": "bot", "a": "agent"}
PAUSES = {"v": (15, 900), "b": (2, 9), "a": (40, 5400)}
"""Seconds before a visitor, the bot or an agent speaks, least and most."""

LONGEST = 14
DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"),
}
ENDINGS = {"open": "v", "pending": "vb", "active": "a", "snoozed": "a"}
"""Who spoke last in a conversation of this status; a finished one is told to its end."""


@dataclass(frozen=True)
class Line:
    """One message: sender "visitor", "bot" or "agent"."""

    sender: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Thread:
    """A conversation's subject and its messages, oldest first."""

    subject: str
    lines: tuple[Line, ...]


def tell(
    person: Person,
    agent: str,
    *,
    status: str,
    begun: datetime,
    now: datetime,
    chance: random.Random,
) -> Thread:
    """Tell a conversation that began about then and has come as far as its status says."""
    own = SCRIPTS.get(person.language, SCRIPTS["en"])
    scripts = own if chance.random() < 0.7 else SCRIPTS["en"]
    language = person.language if scripts is own else "en"
    subject = chance.choice(list(scripts))
    said = _told(scripts[subject], chance)
    if status in ENDINGS:
        said = _unfinished(said, ENDINGS[status], chance)
    elif len(scripts) > 1 and chance.random() < 0.12:
        other = chance.choice([name for name in scripts if name != subject])
        said = (said + _told(scripts[other], chance))[:LONGEST]
    values = _values(person, agent, language, chance)
    filled = [(sender, text.format(**values)) for sender, text in said]
    return Thread(subject, tuple(_timed(filled, begun, now, chance)))


def _told(script: Script, chance: random.Random) -> list[tuple[str, str]]:
    """One coherent story out of a script."""
    lane = chance.randrange(12)
    return [
        (sender.lower(), chance.choice(ways) if sender.isupper() else ways[lane % len(ways)])
        for sender, ways in script
    ]


def _unfinished(
    said: list[tuple[str, str]], last: str, chance: random.Random
) -> list[tuple[str, str]]:
    """The story up to one of the places where the right one has just spoken."""
    ends = [place for place, (sender, _) in enumerate(said) if sender in last]
    before_the_thanks = ends[:-1] or ends
    return said[: chance.choice(before_the_thanks) + 1]


def _timed(
    said: list[tuple[str, str]], begun: datetime, now: datetime, chance: random.Random
) -> list[Line]:
    """Times with human pauses; moved back as a whole where they would lie in the future."""
    at, times = begun, [begun]
    for sender, _ in said[1:]:
        at += timedelta(seconds=chance.uniform(*PAUSES[sender]))
        times.append(at)
    late = max(timedelta(), times[-1] - now + timedelta(seconds=chance.uniform(20, 600)))
    return [
        Line(SENDERS[sender], text, moment - late)
        for (sender, text), moment in zip(said, times, strict=True)
    ]


def _values(person: Person, agent: str, language: str, chance: random.Random) -> dict[str, object]:
    """What stands for the names in braces, the same throughout one thread."""
    euros = chance.choice((9, 18, 29, 49, 120, 240, 780)) + chance.choice((0, 0.5, 0.9))
    return {
        "name": person.first,
        "agent": agent,
        "order": f"{chance.choice('ABKMRX')}-{chance.randrange(10_000, 99_999)}",
        "product": chance.choice(PRODUCTS),
        "city": chance.choice(CITIES),
        "day": chance.choice(DAYS.get(language, DAYS["en"])),
        "amount": chance.choice(("€ {:.2f}", "{:.2f} €", "£{:.2f}", "US$ {:.2f}")).format(euros),
        "n": chance.randrange(2, 9),
    }
