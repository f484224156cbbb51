"""What to do with the deliveries that speak of one record: merge what they told, read it again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from portal.deliveries.models import Delivery
from portal.mirror.models import Conversation, Upstream
from portal.records import Event, Kind, News
from portal.texts import gettext_noop

# A time told by an unsigned body may be any; no message was written after it arrived.
CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(slots=True)
class Group:
    """Deliveries of one connection that speak of one record, in the order they came."""

    kind: Kind
    upstream_id: str
    told: list[tuple[Delivery, Event]] = field(default_factory=list)

    @property
    def deliveries(self) -> list[Delivery]:
        return [delivery for delivery, _ in self.told]

    @property
    def newest(self) -> Event:
        """The event that happened last, by the provider's clock; of equals the last to come."""
        return by_moment(self)[-1][1]

    @property
    def speaks(self) -> bool:
        """Whether something was said in it."""
        return any(event.news is News.SAID for _, event in self.told)

    @property
    def tried(self) -> bool:
        """Whether this is not the first try: what was told is merged, the reading is missing."""
        return any(delivery.attempts > 1 or delivery.reason for delivery in self.deliveries)

    @property
    def deletes(self) -> bool:
        return any(event.news is News.GONE for _, event in self.told)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`merge` is what to merge now, None for nothing; `read` whether to read the record again."""

    merge: Any
    read: bool
    reason: str = ""


OURS_IS_NEWER = Verdict(None, read=False, reason=gettext_noop("Our copy was newer."))
ALREADY_SO = Verdict(None, read=False, reason=gettext_noop("Our copy said so already."))


def moment_of(delivery: Delivery, event: Event) -> datetime:
    """When it happened, as told; when it arrived, where that is not told or in the future."""
    if event.at is None:
        return delivery.received_at
    return min(event.at, delivery.received_at + CLOCKS_DIFFER)


def judge(group: Group, copy: Upstream | None) -> Verdict:
    """
    For a record that the API can read by its id; `copy` is ours, gone or not.

    What is not known here, or was deleted, is always read again: an event that comes late
    may tell of a record that is not there any more.
    """
    event = group.newest
    if group.deletes or group.tried or (copy is not None and copy.gone_at is not None):
        return Verdict(None, read=True)
    if copy is None:
        return Verdict(event.record, read=True)
    told_at = getattr(event.record, "updated_at", None) or event.at
    ours = getattr(copy, "updated_at", None)
    late = ours is not None and told_at is not None and told_at < ours
    if isinstance(copy, Conversation):
        return _of_conversation(group, copy, late=late)
    if late:
        return OURS_IS_NEWER
    if group.kind is Kind.CONTACTS or told_at is None:
        # A contact has no time of its last change: whether this is news, only a look can tell.
        return Verdict(None, read=True)
    return _of_lead(event, copy)


def _of_conversation(group: Group, copy: Conversation, *, late: bool) -> Verdict:
    """Its messages come with reading it, unless that was done since."""
    received = max(delivery.received_at for delivery in group.deliveries)
    if copy.messages_at is not None and copy.messages_at > received:
        return ALREADY_SO
    return Verdict(None if late else group.newest.record, read=True)


def _of_lead(event: Event, copy: Upstream) -> Verdict:
    """A whole and newer lead needs no request."""
    told_at, ours = getattr(event.record, "updated_at", None), getattr(copy, "updated_at", None)
    if event.whole and told_at is not None:
        if ours is not None and told_at > ours:
            return Verdict(event.record, read=False)
        if _says_the_same(event.record.raw if event.record else {}, copy.raw):
            return ALREADY_SO
        # Two changes in one millisecond, or a time that cannot be (the year 2999): only a
        # look can tell which was the last.
        return Verdict(None, read=True)
    return Verdict(event.record, read=True)


def _says_the_same(told: Any, ours: Any) -> bool:
    return all(name in ours and ours[name] == value for name, value in told.items())


def by_moment(group: Group) -> Sequence[tuple[Delivery, Event]]:
    """What was told, in the order it happened."""
    return sorted(group.told, key=lambda pair: moment_of(*pair))
