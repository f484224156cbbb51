"""Dexra: conversations of all channels, messages and users."""

from portal.providers.dexra.provider import DEXRA

__all__ = ["DEXRA"]
