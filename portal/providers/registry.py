"""The providers, one line each."""

from portal.providers.contract import Provider
from portal.providers.dexra import DEXRA
from portal.providers.nexadesk import NEXADESK

PROVIDERS: dict[str, Provider] = {
    NEXADESK.slug: NEXADESK,
    DEXRA.slug: DEXRA,
}


def get(slug: str) -> Provider:
    """The provider of that slug. Raises KeyError: slugs come from our own rows."""
    return PROVIDERS[slug]
