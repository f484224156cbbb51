"""Whether a workspace's log is as it was written: every link and every entry, in chunks."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from portal.audit.chain import ENDED, NOTED, OPENED, digest_of, ending, image
from portal.audit.models import Chain, Entry, Link
from portal.team.models import Workspace

CHUNK = 500
BEFORE_ALL = -(2**63)
CHANGED = "This entry was changed."
ENDING_CHANGED = "How this entry ended was changed."
REMOVED = "This entry was removed."
ADDED = "This entry was added past the log."
MOVED = "This entry stands at another place than it was written."


class Broken(Exception):
    """
    The log is not what was written. `entry` is the id of the first one that is wrong, None
    where only the chain's own rows are; `link` the number of the link that shows it.
    """

    def __init__(self, message: str, entry: int | None, link: int | None = None) -> None:
        super().__init__(message)
        self.message, self.entry, self.link = message, entry, link


@dataclass(frozen=True, slots=True)
class Whole:
    """A chain that holds: how many entries it covers, its last link and that one's digest."""

    entries: int
    number: int
    digest: str


def verify(workspace: Workspace) -> Whole:
    """Walk the chain from its anchor to where it ended when we began. Raises `Broken`."""
    chain = Chain.objects.filter(workspace=workspace).first() or Chain(workspace=workspace)
    walk = _Walk(workspace, chain)
    for links in _chunks(workspace, chain):
        walk.take(links)
    return walk.end()


def _chunks(workspace: Workspace, chain: Chain) -> Iterator[list[Link]]:
    """By number. What was appended since we began is left out."""
    rows = Link.objects.filter(workspace=workspace, number__lte=chain.number).order_by("number")
    chunk = list(rows[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(rows.filter(number__gt=chunk[-1].number)[:CHUNK])


class _Walk:
    """
    How far the walk has come: the last link, the last entry that a link covers; which entries
    of this stretch have an ending in the chain.
    """

    def __init__(self, workspace: Workspace, chain: Chain) -> None:
        self.chain = chain
        self.links = Link.objects.filter(workspace=workspace)
        self.entries = Entry.objects.filter(workspace=workspace)
        self.number, self.digest = chain.anchor_number, chain.anchor_digest
        self.last, self.count = BEFORE_ALL, 0
        self.ended: set[int] = set()

    def take(self, links: Sequence[Link]) -> None:
        """The next links in order, each with the entries it speaks of."""
        covering = [link for link in links if link.what != ENDED]
        end = max((link.last for link in covering), default=self.last)
        fresh = deque(self.entries.filter(pk__gt=self.last, pk__lte=end).order_by("pk"))
        told = self.entries.in_bulk([link.last for link in links if link.what == ENDED])
        newest = self._newest_endings(told)
        ended = self.links.filter(what=ENDED, last__gt=self.last, last__lte=end)
        self.ended = set(ended.values_list("last", flat=True))
        for link in links:
            self._follows(link)
            if link.what == ENDED:
                _ended(link, told.get(link.last), newest=newest.get(link.last) == link.number)
            else:
                self._covers(link, fresh)

    def _follows(self, link: Link) -> None:
        if link.number != self.number + 1:
            raise Broken(
                "A link of the chain is missing before this entry.", link.first, link.number
            )
        if link.previous != self.digest:
            raise Broken(MOVED, link.first, link.number)
        self.number, self.digest = link.number, link.digest

    def _covers(self, link: Link, fresh: deque[Entry]) -> None:
        """The entries of an opened or noted link come next in line, and are as written."""
        if link.first <= self.last:
            raise Broken(MOVED, link.first, link.number)
        if fresh and fresh[0].pk < link.first:
            raise Broken(ADDED, fresh[0].pk, link.number)
        found = []
        while fresh and fresh[0].pk <= link.last:
            found.append(fresh.popleft())
        if not found or found[0].pk != link.first or found[-1].pk != link.last:
            gone = link.last if found and found[0].pk == link.first else link.first
            raise Broken(REMOVED, gone, link.number)
        if not _as_written(link, found):
            raise Broken(CHANGED, link.first, link.number)
        has_ended = link.what == OPENED and found[0].outcome != Entry.Outcome.PENDING
        if has_ended and link.last not in self.ended:
            raise Broken(ENDING_CHANGED, link.last, link.number)
        self.last, self.count = link.last, self.count + len(found)

    def _newest_endings(self, told: dict[int, Entry]) -> dict[int, int]:
        """The number of the last ending of each: an earlier one may have said otherwise."""
        rows = self.links.filter(what=ENDED, last__in=list(told)).order_by("number")
        return dict(rows.values_list("last", "number"))

    def end(self) -> Whole:
        """Nothing is cut off the end, nothing was added behind it."""
        if (self.number, self.digest) != (self.chain.number, self.chain.digest):
            raise Broken("The end of the chain was cut off.", None, self.number + 1)
        later = self.links.filter(number__gt=self.number).exclude(what=ENDED)
        covered = list(later.values_list("first", "last"))
        beyond = self.entries.filter(pk__gt=self.last).order_by("pk")
        for pk in beyond.values_list("pk", flat=True)[:CHUNK]:
            if not any(first <= pk <= last for first, last in covered):
                raise Broken(ADDED, pk)
        return Whole(self.count, self.number, self.digest)


def _as_written(link: Link, found: Sequence[Entry]) -> bool:
    """Whether the digest fits; an entry may have learnt its record only when it ended."""
    images: list[dict[str, Any]] = [image(entry) for entry in found]
    if link.what == NOTED:
        images = [one | ending(entry) for one, entry in zip(images, found, strict=True)]
    if digest_of(link, images) == link.digest:
        return True
    ended = link.what == OPENED and found[0].outcome != Entry.Outcome.PENDING
    return ended and digest_of(link, [images[0] | {"record": None}]) == link.digest


def _ended(link: Link, entry: Entry | None, *, newest: bool) -> None:
    if entry is None:
        raise Broken(REMOVED, link.last, link.number)
    if digest_of(link, []) != link.digest or (newest and link.told != ending(entry)):
        raise Broken(ENDING_CHANGED, link.last, link.number)
