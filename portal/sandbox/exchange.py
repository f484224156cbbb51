"""What comes in and what goes out: a call to one of the APIs, and the answer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

type Record = dict[str, Any]


class Refusal(Exception):
    """The API says no: an HTTP status and one sentence; each API wraps them in its own form."""

    def __init__(self, status: int, said: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(said)
        self.status, self.said, self.headers = status, said, dict(headers or {})


@dataclass(frozen=True)
class Call:
    """
    One request as an API sees it.

    `path` is relative to the API's base ("/leads"), `query` holds the last value of a
    repeated parameter, header names are lower case, `address` is the caller's IP address.
    """

    provider: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    address: str

    @property
    def key(self) -> str:
        """The bearer token, or the empty string."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""

    def fields(self) -> Record:
        """The JSON object in the body, or a 400."""
        if not self.headers.get("content-type", "").lower().startswith("application/json"):
            raise Refusal(400, "Content-Type must be application/json")
        try:
            value = json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Refusal(400, "Request body is not valid JSON") from None
        if not isinstance(value, dict):
            raise Refusal(400, "Request body must be a JSON object")
        return value

    def body_or_none(self) -> Record | None:
        """The JSON object in the body, or None: for the request log."""
        try:
            value = json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


@dataclass
class Answer:
    """An answer: JSON `payload`, or `body` as bytes when there is no JSON to send."""

    status: int
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json; charset=utf-8"

    def encoded(self) -> bytes:
        """The body's bytes: UTF-8, or escaped ASCII if the text cannot be UTF-8."""
        if self.body is not None:
            return self.body
        try:
            return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            return json.dumps(self.payload, separators=(",", ":")).encode()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
