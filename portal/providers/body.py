"""
From the bytes of an answer to its JSON: never more than a cap, never an exception but ValueError.

No exception raised here repeats a word of the body.
"""

import json
import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

MAX_BYTES = 16 * 1024 * 1024
"""Cap of one answer, counted after decompression: 292 KB of gzip can hold 600 MB."""

_LONGEST_INTEGER = 4000  # Python refuses to read more than 4,300 digits
_GZIP = 16 + zlib.MAX_WBITS


def read(chunks: Iterable[bytes], encoding: str, cap: int = MAX_BYTES) -> bytes:
    """
    Join the chunks of a body, decompressed. `encoding` is its Content-Encoding.

    We only ever ask for gzip, so another encoding is refused: it could not be
    unpacked under a cap. Raises ValueError if it is too big, cut or not gzip.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return _join(chunks, cap)
        case "gzip" | "x-gzip":
            return _unzip(chunks, cap)
    raise ValueError("it is compressed in a way that was not asked for")


def _join(chunks: Iterable[bytes], cap: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > cap:
            raise ValueError(f"it is longer than {cap} bytes")
    return bytes(body)


def _unzip(chunks: Iterable[bytes], cap: int) -> bytes:
    body, unzip = bytearray(), zlib.decompressobj(_GZIP)
    for chunk in chunks:
        try:
            body += unzip.decompress(chunk, cap + 1 - len(body))
        except zlib.error:
            raise ValueError("it is not the gzip it says it is") from None
        if len(body) > cap:
            raise ValueError(f"it is longer than {cap} bytes when unpacked")
    if body and not unzip.eof:
        raise ValueError("its gzip is cut")
    return bytes(body)


def decode(body: bytes) -> Any:
    """
    The JSON of a body. NaN and Infinity pass, so that only the record they stand in is
    refused later (`reading.damage`), not the page. Raises ValueError.
    """
    try:
        return json.loads(body, parse_int=_integer)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (at character {error.pos})") from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None


def _integer(digits: str) -> int | float:
    # An endless number becomes infinite: its record is refused, its page is not.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def encode(values: Any) -> bytes:
    """JSON to send. A Decimal goes as a bare number, without needless decimals."""
    return json.dumps(values, allow_nan=False, default=_plain).encode()


def _plain(value: Any) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
