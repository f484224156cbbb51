"""Errors that a person can be told about."""

from typing import Any

from portal.texts import gettext_noop


class PortalError(Exception):
    """
    Base of every error that has a sentence for people.

    `message` is the sentence as written in the code; pages translate it when they
    show it. `http_status` is what a page answers when nobody handled it before.
    """

    message = gettext_noop("Something went wrong.")
    http_status = 500

    def __init__(self, *args: Any, message: str | None = None) -> None:
        super().__init__(*args)
        if message is not None:
            self.message = message


class NotAllowed(PortalError):
    """The member's role does not reach this far."""

    message = gettext_noop("Your role does not allow this.")
    http_status = 403
