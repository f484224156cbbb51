"""Fields that two people changed: as it was, as it is there, as one of them wants it."""

from collections.abc import Mapping
from typing import Any

from portal.services.errors import Clash
from portal.services.values import same_value


def clashes_in(name: str, before: Any, theirs: Any, mine: Any) -> list[Clash]:
    """
    The clash of one field, [] if there is none. Of a field that holds values by name, only the
    names that are wanted otherwise are compared, each by itself: "custom_attributes[plan]".
    """
    if isinstance(mine, Mapping):
        was = before if isinstance(before, Mapping) else {}
        now = theirs if isinstance(theirs, Mapping) else {}
        return [
            clash
            for key, value in mine.items()
            for clash in clashes_in(f"{name}[{key}]", was.get(key), now.get(key), value)
        ]
    if same_value(theirs, before) or same_value(theirs, mine):
        return []
    return [Clash(name, before, theirs, mine)]
