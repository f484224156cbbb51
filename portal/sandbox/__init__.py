"""NexaDesk and Dexra on a real socket as their documentation describes them, faults to order."""

from .dexra.assumptions import DexraAssumptions
from .faults import Fault
from .nexadesk.assumptions import NexaDeskAssumptions
from .requests import Request
from .sandbox import Sandbox
from .server import serve
from .webhooks import Webhooks

__all__ = [
    "DexraAssumptions",
    "Fault",
    "NexaDeskAssumptions",
    "Request",
    "Sandbox",
    "Webhooks",
    "serve",
]
