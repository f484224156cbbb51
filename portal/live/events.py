"""What a stream says, as the text of an event stream."""

import json
from collections import Counter
from enum import StrEnum
from typing import Any

from portal.live.store import News


class Ending(StrEnum):
    """Why a stream ended, as its page is told."""

    AGAIN = "again"  # come back at once, with your number
    OUT = "out"  # not signed in, or not a member any more
    FULL = "full"  # this person has newer streams: ask now and then instead
    HUNG_UP = "hung up"  # nobody is there to be told


def told(news: News) -> dict[str, Any]:
    """News as the page reads them."""
    return {
        "number": news.number,
        "changes": [{"kind": kind, "id": record_id} for kind, record_id in news.changes],
        "counts": Counter(kind for kind, _ in news.changes),
        "complete": news.complete,
    }


def event(said: News | Ending | None, number: int) -> str:
    """One event; None is a sign of life. `number` is what the page knows."""
    if isinstance(said, News):
        return f"id: {said.number}\ndata: {json.dumps(told(said))}\n\n"
    if isinstance(said, Ending):
        return f"event: bye\ndata: {said}\n\n"
    return f": here\nevent: beat\ndata: {number}\n\n"
