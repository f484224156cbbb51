"""What the pages of batches show: cost and samples before, progress while, outcomes after."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.batches import store
from portal.batches.models import Batch, BatchRow
from portal.batches.store import Counts
from portal.records import Kind
from portal.services import batches as service
from portal.services import bulk
from portal.services.undo import KEPT
from portal.team.models import Workspace
from portal.web.access import MemberRequest
from portal.web.batch_rows import kind_of, lines_of
from portal.web.undoing import words_of_batch
from portal.web.writing import new_form_id

SAMPLE = 5
PER_PAGE = 50
# Deleting more than this asks to type how many.
MANY = 50
LISTS = {
    Kind.LEADS: "lead-list",
    Kind.CONTACTS: "contact-list",
    Kind.CONVERSATIONS: "conversation-list",
}
DONE = {
    "create": gettext_lazy("made"),
    "delete": gettext_lazy("deleted"),
}
ENDED = (Batch.Status.DONE, Batch.Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch in the list, with how it stands in words."""

    batch: Batch
    counts: Counts
    words: str


def draft(request: MemberRequest, batch: Batch) -> dict[str, Any]:
    """Before it starts: how many, what will change, what will not and why, what it costs."""
    counts, kind = store.counts(batch), kind_of(batch)
    waiting = list(store.rows(batch, store.WAITING)[:SAMPLE])
    estimate = service.estimate(batch)
    return {
        "batch": batch,
        "counts": counts,
        "sample": lines_of(request, batch, waiting),
        "left_out": _reasons(batch),
        "verb": _verb(batch, counts.waiting),
        "danger": _deletes(batch),
        "undoing": words_of_batch(batch) if batch.kind == Batch.Kind.UNDO else [],
        "typing": wants_typing(batch, counts),
        "calls": number_format(estimate.calls, force_grouping=True),
        "time": about(estimate.seconds),
        "list_href": reverse(LISTS[kind], args=[request.member.workspace.slug]),
    }


def progress(request: MemberRequest, batch: Batch) -> dict[str, Any]:
    """How far it is, and what may be done with it now."""
    counts, running = store.counts(batch), batch.status == Batch.Status.RUNNING
    ended = batch.status in ENDED
    left = service.seconds_left(batch, counts) if running and counts.waiting else None
    undone = store.undone_by(batch) if ended else None
    young = batch.finished_at is not None and batch.finished_at > timezone.now() - KEPT
    free = ended and young and (undone is None or undone.status in ENDED)
    return {
        "batch": batch,
        "counts": counts,
        "tried": counts.total - counts.waiting,
        "running": running,
        "ended": ended,
        "forgotten": store.is_forgotten(batch),
        "words": words_of(batch, counts),
        "left": "" if left is None else about(left),
        "reason": _(batch.reason) if batch.reason else "",
        "reasons": _reasons(batch) if not running else [],
        "may_undo": service.left_to_undo(batch) if free else 0,
        "undone": undone,
        "conflicts": bulk.conflicts(batch).count()
        if ended and batch.kind == Batch.Kind.BULK
        else 0,
        "form_id": new_form_id(),
        "list_href": reverse(LISTS[kind_of(batch)], args=[request.member.workspace.slug]),
        "here": request.get_full_path(),
    }


def row_page(request: MemberRequest, batch: Batch) -> dict[str, Any]:
    """The rows that the address asks for, by number, with their outcomes."""
    status = request.GET.get("status", "")
    status = status if status in BatchRow.Status.values else ""
    after, before = _number(request.GET.get("after")), _number(request.GET.get("before"))
    rows = store.rows(batch, status)
    if before:
        found = list(rows.filter(number__lt=before).order_by("-number")[: PER_PAGE + 1])
    else:
        found = list(rows.filter(number__gt=after)[: PER_PAGE + 1])
    more, found = len(found) > PER_PAGE, found[:PER_PAGE]
    if before:
        found.reverse()
    earlier = more if before else bool(after)
    later = True if before else more
    return {
        "status": status,
        "statuses": BatchRow.Status.choices,
        "lines": lines_of(request, batch, found),
        "previous_href": _href(status, before=found[0].number) if found and earlier else "",
        "next_href": _href(status, after=found[-1].number) if found and later else "",
    }


def list_page(request: MemberRequest) -> dict[str, Any]:
    """The workspace's batches, newest first."""
    rows = store.of_workspace(request.member.workspace)
    older = _number(request.GET.get("older"))
    rows = rows.filter(pk__lt=older) if older else rows
    found = list(rows.order_by("-pk")[: PER_PAGE + 1])
    more, found = len(found) > PER_PAGE, found[:PER_PAGE]
    counts = store.counts_of(found)
    return {
        "entries": [Entry(b, counts[b.pk], words_of(b, counts[b.pk])) for b in found],
        "newest_href": request.path if older else "",
        "older_href": f"?older={found[-1].pk}" if more else "",
    }


def standing_batches(workspace: Workspace) -> list[Batch]:
    """Those that run or stand still, newest first: home tells of them."""
    live = [Batch.Status.RUNNING, Batch.Status.PAUSED]
    return list(store.of_workspace(workspace).filter(status__in=live).order_by("-pk")[:SAMPLE])


def words_of(batch: Batch, counts: Counts) -> str:
    """ "126 changed, 2 skipped", with whatever else there is to say."""
    done = str(DONE.get(batch.action.partition(".")[2], "")) or _("changed")
    told = [
        (counts.done, done),
        (counts.skipped, _("skipped")),
        (counts.failed, _("not done")),
        (counts.on_its_way, _("on their way")),
        (counts.waiting, _("waiting")),
    ]
    parts = [f"{number_format(n, force_grouping=True)} {word}" for n, word in told if n]
    return ", ".join(parts) or _("nothing yet")


def about(seconds: float) -> str:
    """A time in words, rounded up: "about 20 seconds", "about 4 minutes", "about 3 hours"."""
    if seconds <= 90:
        number = max(5, -(-int(seconds) // 5) * 5)
        return ngettext("about %d second", "about %d seconds", number) % number
    minutes = -(-int(seconds) // 60)
    if minutes <= 90:
        return ngettext("about %d minute", "about %d minutes", minutes) % minutes
    hours = -(-minutes // 60)
    return ngettext("about %d hour", "about %d hours", hours) % hours


def wants_typing(batch: Batch, counts: Counts) -> bool:
    return _deletes(batch) and counts.waiting > MANY


def _deletes(batch: Batch) -> bool:
    return batch.action.endswith(".delete") and batch.kind != Batch.Kind.UNDO


def _verb(batch: Batch, number: int) -> str:
    """What the button says."""
    shown = {"n": number_format(number, force_grouping=True)}
    nouns = {
        Kind.LEADS: ngettext("%(n)s lead", "%(n)s leads", number),
        Kind.CONTACTS: ngettext("%(n)s contact", "%(n)s contacts", number),
        Kind.CONVERSATIONS: ngettext("%(n)s conversation", "%(n)s conversations", number),
    }
    what = nouns[kind_of(batch)] % shown
    if batch.kind == Batch.Kind.UNDO:
        return _("Take back %s") % what
    return (_("Delete %s") if _deletes(batch) else _("Change %s")) % what


def _reasons(batch: Batch) -> list[dict[str, Any]]:
    return [
        {"status": status, "reason": _(reason) if reason else "", "number": number}
        for status, reason, number in store.reasons(batch)
    ]


def _href(status: str, **place: int) -> str:
    told: dict[str, Any] = {"status": status} if status else {}
    return "?" + urlencode(told | place)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else 0
