"""How each connection stands, in words, for home and settings."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.budget import breaker
from portal.budget.breaker import Rest
from portal.mirror.models import SyncState
from portal.services import connections as service
from portal.vault.models import Connection
from portal.web.frame import Freshness, freshness


@dataclass(frozen=True, slots=True)
class Standing:
    """
    One connection for people: `name` is its label or else the service's name.

    `trouble` says what is wrong and `remedy` what to do, both "" if nothing is;
    `set_aside` counts the records that the last whole walk could not read.
    """

    connection: Connection
    name: str
    service: str
    freshness: Freshness
    trouble: str
    remedy: str
    set_aside: int

    @property
    def needs_key(self) -> bool:
        return self.connection.status != Connection.Status.OK

    @property
    def status(self) -> str:
        """The badge's words: short, for the sentence stands beside it."""
        if self.needs_key:
            return _("needs a key")
        return _("in trouble") if self.trouble else str(self.connection.get_status_display())

    @property
    def hue(self) -> str:
        """The badge's colour."""
        return "red" if self.needs_key else "amber" if self.trouble else "green"


def service_name(slug: str) -> str:
    """What the service calls itself."""
    names = {provider.slug: provider.name for provider in service.providers()}
    return names.get(slug, slug)


def standings(connections: list[Connection], states: list[SyncState]) -> list[Standing]:
    """How each connection stands, in the order they were added."""
    # Only who failed lately can be left alone: a workspace in which all is well asks nothing.
    troubled = [c.key_mark for c in connections if c.last_error]
    rests = breaker.rests(troubled) if troubled else {}
    return [
        _standing(c, [s for s in states if s.connection_id == c.pk], rests.get(c.key_mark))
        for c in connections
    ]


def _standing(connection: Connection, states: list[SyncState], rest: Rest | None) -> Standing:
    trouble, remedy = _trouble(connection, states)
    if rest is not None and trouble and connection.status == Connection.Status.OK:
        again = date_format(timezone.localtime() + timedelta(seconds=rest.seconds_left), "H:i:s")
        said = _("It failed %(times)d times in a row and is left alone until %(time)s.")
        remedy = said % {"times": rest.failures, "time": again}
    return Standing(
        connection,
        service.name_of(connection),
        service_name(connection.provider),
        freshness([connection], states),
        trouble,
        remedy,
        sum(len(state.rejected) for state in states),
    )


def _trouble(connection: Connection, states: list[SyncState]) -> tuple[str, str]:
    """What is wrong with a connection, and what to do about it."""
    if connection.status == Connection.Status.KEY_REJECTED:
        return (
            _("The service does not accept this key any more."),
            _("Make a new key there and replace this one. What was copied stays readable."),
        )
    if connection.status == Connection.Status.LOCKED:
        return (
            _("The stored key cannot be opened with this server's key ring."),
            _("Give the server the key ring it was sealed with, or replace the key."),
        )
    said = connection.last_error or next((s.error for s in states if s.error), "")
    return (_(said), _("It is tried again every minute; nothing is lost.")) if said else ("", "")
