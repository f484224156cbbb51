"""What can go wrong in a service beyond what a provider says."""

from dataclasses import dataclass
from typing import Any

from portal.errors import PortalError
from portal.texts import gettext_noop


class NotConnected(PortalError):
    """The connection has no usable key: rejected by the provider, or sealed with a lost one."""

    message = gettext_noop("This connection has no working key. Replace the key in Settings.")
    http_status = 409


class AlreadyConnected(PortalError):
    """The same key is in this workspace already."""

    message = gettext_noop("This key is connected already.")
    http_status = 409


class AnotherAccount(PortalError):
    """A new key sees none of the records that the connection has."""

    message = gettext_noop(
        "This key seems to open another account: none of the records copied here are there. "
        "Nothing was changed."
    )
    http_status = 409


class CannotDo(PortalError):
    """The provider's API has no call for this; the sentence says so."""

    message = gettext_noop("The service's API cannot do this.")
    http_status = 409


@dataclass(frozen=True, slots=True)
class Clash:
    """One field that both sides changed: as it was, as it is there now, as typed here."""

    name: str
    before: Any
    theirs: Any
    mine: Any


class StaleRecord(PortalError):
    """
    Upstream changed a field that the person changed too. Nothing was sent.

    `current` is our copy, brought up to date; `clashes` the fields that differ.
    """

    message = gettext_noop("Somebody changed this record meanwhile. Nothing was sent.")
    http_status = 409

    def __init__(self, current: Any, clashes: list[Clash]) -> None:
        super().__init__(current.pk, [clash.name for clash in clashes])
        self.current, self.clashes = current, clashes


class NewerMessage(PortalError):
    """The customer wrote while a reply waited to be sent. Nothing was sent."""

    message = gettext_noop("Something newer arrived in the conversation. Your reply was not sent.")
    http_status = 409


class CannotUndo(PortalError):
    """This change cannot be taken back; the sentence says why."""

    message = gettext_noop("This cannot be undone.")
    http_status = 409
