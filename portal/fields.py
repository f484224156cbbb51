"""A column that keeps an upstream answer exactly as it came."""

import json
from typing import Any

from django.db import models


class RawField(models.TextField):  # type: ignore[type-arg]
    """
    A JSON value kept as ASCII text, not as the database's own JSON type.

    PostgreSQL's jsonb refuses NUL and lone surrogates and reorders keys; upstream text may
    hold all of that, and `raw` must come back as it was sent. Nothing queries into it.
    """

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else json.dumps(value, separators=(",", ":"))
