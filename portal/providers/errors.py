"""
What can go wrong upstream, named by what to do next.

* ProviderError
  x TryLater          nothing is wrong here; the same read may work later
    + Unreachable     no connection, no answer in time, or a 5xx
    + RateLimited     429; `retry_after` in seconds, or None if not told
    + BudgetSpent     our own budget for this key has no room now; nothing was sent
    + LeftAlone       it failed several times in a row; nothing was sent
  x KeyRejected       401: a person must replace the workspace's key
  x NotPermitted      403: the key is good, but not for this, or not from here
  x NotFound          404: the record is not there (any more), or there is no such call
    x Gone            404 for the record itself, asked for twice
  x Duplicate         409: such a record exists already
  x Refused           400, 422: `said` is the provider's own sentence
  x BrokenContract    the answer is not what the provider documents
"""

from typing import Any

from portal.errors import PortalError
from portal.texts import gettext_noop


class ProviderError(PortalError):
    """
    Base of all that a provider client raises. Never holds a key or a body.

    `provider` is the provider's slug, `status` the HTTP status if one was read,
    `said` the provider's own sentence, "" if it gave none (at most 2,000 characters,
    hostile text: show it as text). `arrived` tells whether the request may have been
    acted upon: False is certain, True means it was or nobody knows. Only writes care.
    """

    message = gettext_noop("The service could not do this.")
    arrived = False

    def __init__(
        self,
        provider: str,
        *,
        status: int | None = None,
        said: str = "",
        arrived: bool | None = None,
        message: str | None = None,
    ) -> None:
        super().__init__(provider, status, message=message)
        self.provider, self.status, self.said = provider, status, said[:2000]
        if arrived is not None:
            self.arrived = arrived


class TryLater(ProviderError):
    """
    Nothing is wrong here; the same read may work later.

    `retry_after` is the wait the service asked for, in seconds, None if it named none.
    """

    message = gettext_noop("The service does not answer now.")
    http_status = 503
    retry_after: float | None = None


class Unreachable(TryLater):
    """
    No connection, no answer in time, or a 5xx.

    `arrived` is False only if no byte can have been acted upon (refused, DNS, TLS,
    connect timeout); after a read timeout, a reset or a 5xx it is True.
    """


class RateLimited(TryLater):
    """429. `retry_after` is in seconds, clamped to 1 s .. 15 min, or None if not told."""

    message = gettext_noop("The service asks us to wait.")

    def __init__(self, provider: str, *, retry_after: float | None = None, said: str = "") -> None:
        super().__init__(provider, status=429, said=said)
        self.retry_after = retry_after


class BudgetSpent(TryLater):
    """Our own window for this key is full: nothing was sent. `retry_after` in seconds."""

    message = gettext_noop("This key's calls for the minute are used up.")

    def __init__(self, provider: str, *, retry_after: float) -> None:
        super().__init__(provider)
        self.retry_after = retry_after


class LeftAlone(TryLater):
    """It failed several times in a row and is left alone for `retry_after` seconds."""

    message = gettext_noop(
        "The service failed several times in a row. It is tried again in a while."
    )

    def __init__(self, provider: str, *, retry_after: float) -> None:
        super().__init__(provider)
        self.retry_after = retry_after


class KeyRejected(ProviderError):
    """401: the key is missing, wrong, expired or revoked."""

    message = gettext_noop("The service does not accept this key any more. Replace the key.")
    http_status = 502


class NotPermitted(ProviderError):
    """403: scope or address. The facts say both causes share the status (A1)."""

    message = gettext_noop(
        "This key may only read, or this server's address is not on the key's list of addresses."
    )
    http_status = 403


class NotFound(ProviderError):
    """404: the record is not there (any more), or there is no such call."""

    message = gettext_noop("The service does not find it.")
    http_status = 404


class Gone(NotFound):
    """Two reads of the record itself were told 404."""

    message = gettext_noop("It was deleted there.")


class Duplicate(ProviderError):
    """409: such a record exists already."""

    message = gettext_noop("Such a record exists already.")
    http_status = 409


class Refused(ProviderError):
    """400, 422: the provider does not accept these values; `said` is its own sentence."""

    message = gettext_noop("The service did not accept these values.")
    http_status = 422


class BrokenContract(ProviderError):
    """
    The answer is not what the provider documents: not JSON, wrong envelope, too big.

    `what` says in technical English what was wrong, without a word of the body: for logs
    and for the person who runs the portal. After a write it is unknown whether the change
    was made: `arrived` is True.
    """

    message = gettext_noop("The service answered in a way it does not document.")
    http_status = 502
    arrived = True

    def __init__(self, provider: str, what: str = "", **details: Any) -> None:
        super().__init__(provider, **details)
        self.what = what
        self.args = (provider, self.status, what)
