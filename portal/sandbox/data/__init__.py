"""Believable data: people and firms of many countries, and what they talk about."""

from portal.sandbox.data.fill import Amounts, fill

__all__ = ["Amounts", "fill"]
