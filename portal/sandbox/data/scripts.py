"""What a told conversation is made of, and the turns that fit anywhere."""

from __future__ import annotations

type Turn = tuple[str, tuple[str, ...]]
"""A sender (v visitor, b bot, a agent) and ways to say it; a capital: any of the ways fits."""

type Script = tuple[Turn, ...]
"""Turns in order; the n-th ways of all turns make one coherent story."""

HAND_OVER: Turn = (
    "B",
    (
        "I’ll bring in a colleague. One moment, please.",
        "That is a question for my human colleagues; {agent} will be with you shortly.",
        "Thanks. I have passed this on to the team, usually they answer within a few minutes.",
    ),
)
THANKS: Turn = (
    "V",
    (
        "Great, thank you!",
        "Perfect, thanks {agent}.",
        "ok thx 👍",
        "That helps a lot. Have a nice day!",
        "Thank you for sorting it out so quickly.",
    ),
)
FAREWELL: Turn = (
    "A",
    (
        "You’re welcome, {name}. Have a good {day}!",
        "Glad it worked out. We are here if anything else comes up.",
        "Any time!",
    ),
)
