"""NexaDesk: leads, contacts and conversations with a chat bot's visitors."""

from portal.providers.nexadesk.provider import NEXADESK

__all__ = ["NEXADESK"]
