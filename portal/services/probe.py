"""Try what we assume about an API against the real one, with reads only."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.budget.store import Lane
from portal.providers.errors import KeyRejected, ProviderError, TryLater
from portal.services.upstream import connect, provider_of
from portal.vault.models import Connection


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one assumption; `holds` is None where no read can tell."""

    name: str
    holds: bool | None
    seen: str
    source: str


def probe(connection: Connection) -> Iterator[Finding]:
    """Each assumption in turn. Raises `KeyRejected`, `TryLater` or `NotConnected`."""
    for assumption in provider_of(connection).assumptions:
        if assumption.probe is None:
            yield Finding(assumption.name, None, assumption.assumed, assumption.source)
            continue
        try:
            with connect(connection, Lane.BACKGROUND) as client:
                holds, seen = assumption.probe(client)
        except (KeyRejected, TryLater):
            raise
        except ProviderError as error:
            holds, seen = False, error.said or error.message
        yield Finding(assumption.name, holds, seen, assumption.source)
