"""What is offered after a save: the way back. As a toast, and in the message of a plain page."""

from dataclasses import dataclass
from typing import Any, Self

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.batches.models import Batch
from portal.outbox.models import Write
from portal.services.undo import LOSSY, REVERSIBLE
from portal.team.models import Membership

_MARK = "undo"


@dataclass(frozen=True, slots=True)
class Offer:
    """
    Where a change is undone: by a POST, or, where something is lost by it and that is to be said
    before, on the page that a GET shows (`asks`). `again` tells that it undoes an undo.
    """

    href: str
    asks: bool = False
    again: bool = False

    @property
    def label(self) -> str:
        return _("Redo") if self.again else _("Undo")

    @property
    def tags(self) -> str:
        """As a message of Django's carries it."""
        return f"{_MARK} {int(self.asks)} {int(self.again)} {self.href}"

    @classmethod
    def told(cls, tags: Any) -> Self | None:
        """The offer that a message carries, None if it carries none."""
        parts = str(tags or "").split(" ", 3)
        if len(parts) != 4 or parts[0] != _MARK:
            return None
        return cls(parts[3], parts[1] == "1", parts[2] == "1")


def offer_of(request: HttpRequest, write: Write | None) -> Offer | None:
    """What undoes this write, None for what is not sent or never can be undone."""
    if write is None or write.status != Write.Status.SENT or write.action not in REVERSIBLE:
        return None
    member = request.member  # type: ignore[attr-defined]
    href = reverse("undo", args=[member.workspace.slug, write.pk])
    return Offer(href, write.action in LOSSY, is_undo(write))


def offer_of_batch(request: HttpRequest, batch: Batch) -> Offer | None:
    """
    What takes back a batch that ended; None for who did not start it, and so does not think of
    it as theirs. The page it leads to asks, whatever is lost by it.
    """
    member = request.member  # type: ignore[attr-defined]
    if batch.actor_id != member.user_id or not member.reaches(Membership.Role.AGENT):
        return None
    href = reverse("batch-undo", args=[member.workspace.slug, batch.pk])
    return Offer(href, again=batch.kind == Batch.Kind.UNDO)


def is_undo(write: Write) -> bool:
    """Whether it took a change back; what took that back in its turn made it again."""
    return write.undoes is not None and write.undoes.undoes_id is None
