"""
Sealing of secrets: AES-256-GCM, bound to the row they belong to.

A sealed value is `1:<key id>:<12 bytes nonce><ciphertext and tag>`. The associated data
holds the format, key id, table, column, workspace and row, so that a value moved to any
other place does not open (reliability T6). There is no fallback: what does not open
raises `Locked`, and nothing is ever taken as plain text (T7).
"""

import json
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from portal.errors import PortalError
from portal.texts import gettext_noop

FORMAT = b"1"
NONCE_BYTES = 12


class Locked(PortalError):
    """The sealed value does not open with the keys this process has."""

    message = gettext_noop("The stored key cannot be opened with this server's key ring.")
    http_status = 503


class Secret:
    """A text that does not print: `reveal()` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not stored or sent")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives. All of it is bound into the seal."""

    table: str
    column: str
    workspace_id: int
    row_id: int


def _bound_to(place: Place, key_id: str) -> bytes:
    parts = [FORMAT.decode(), key_id, place.table, place.column, place.workspace_id, place.row_id]
    return json.dumps(parts).encode()


def seal(secret: Secret, place: Place) -> bytes:
    """Seal with the first key of the ring."""
    key_id, key = next(iter(settings.PORTAL_KEYRING.items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, secret.reveal().encode(), _bound_to(place, key_id))
    return FORMAT + b":" + key_id.encode() + b":" + nonce + sealed


def unseal(sealed: bytes | memoryview, place: Place) -> Secret:
    """Open what `seal` made for this very place, or raise `Locked`."""
    key_id, body = _parts(bytes(sealed))
    key = settings.PORTAL_KEYRING.get(key_id)
    if key is None:
        raise Locked(key_id)
    try:
        text = AESGCM(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], _bound_to(place, key_id))
    except (InvalidTag, ValueError) as error:
        raise Locked(key_id) from error
    return Secret(text.decode())


def key_id_of(sealed: bytes | memoryview) -> str:
    """The id of the ring's key that sealed this value."""
    return _parts(bytes(sealed))[0]


def _parts(sealed: bytes) -> tuple[str, bytes]:
    form, _, rest = sealed.partition(b":")
    key_id, colon, body = rest.partition(b":")
    if form != FORMAT or not colon:
        raise Locked("format")
    return key_id.decode(errors="replace"), body
