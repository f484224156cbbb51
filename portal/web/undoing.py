"""Undo: what it will do is said, then it is done; every form and link of it works alone."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portal.batches import drafts, store
from portal.batches.models import Batch
from portal.outbox.models import Write
from portal.services import undo as service
from portal.services.connections import name_of
from portal.services.errors import CannotUndo
from portal.services.undo import Inverse
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.addresses import list_of, page_of
from portal.web.changed_words import differences, label_of, specs_of, text_of
from portal.web.offers import is_undo
from portal.web.session import same_site_path
from portal.web.writing import Ending, done, settle

LARGEST_ID = 2**63 - 1
LONGEST_SEEN = 100_000


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@role_required("agent")
def undo(request: MemberRequest, write_id: int) -> HttpResponse:
    """What undoing would do (GET), and doing it (POST)."""
    write = service.one(request.member.workspace, write_id) if write_id <= LARGEST_ID else None
    if write is None:
        raise Http404
    if request.method != "POST":
        return _page(request, write, None)
    ending = settle(
        lambda: service.undo(write, actor=request.member, seen=_seen(request)),
        write.connection,
        done=(_("Redone: “%s”") if is_undo(write) else _("Undone: “%s”")) % write.entry.subject,
    )
    if ending.taken:
        return done(request, ending, _onward(request, write, ending))
    return _page(request, write, ending)


def _page(request: MemberRequest, write: Write, ending: Ending | None) -> HttpResponse:
    """What would be undone and how, or why it cannot be."""
    specs = specs_of([write.connection])
    context: dict[str, Any] = {
        "write": write,
        "entry": write.entry,
        "ending": ending,
        "service": name_of(write.connection),
        "next": request.POST.get("next", "") or request.GET.get("next", ""),
        "cancel_href": _back(request, write),
        "again": is_undo(write),
    }
    try:
        inverse = service.inverse(service.one(request.member.workspace, write.pk) or write)
    except CannotUndo as reason:
        context["reason"] = _(reason.message)
    else:
        context |= _plan(inverse, specs)
    if ending is not None and ending.clashes:
        context["conflict"] = [
            {
                "label": label_of(c.name, specs),
                "before": text_of(c.name, c.before, specs),
                "theirs": text_of(c.name, c.theirs, specs),
                "mine": text_of(c.name, c.mine, specs),
            }
            for c in ending.clashes
        ]
        context["seen"] = json.dumps({c.name: c.theirs for c in ending.clashes})
    return render(request, "activity/undo.html", context, status=ending.status if ending else 200)


def _plan(inverse: Inverse, specs: Any) -> dict[str, Any]:
    ask = inverse.ask
    now = ask.subject.raw if ask.subject is not None else {}
    return {
        "plan": True,
        "deletes": ask.action.endswith(".delete"),
        "makes": ask.action.endswith(".create"),
        "rows": differences({name: now.get(name) for name in ask.changes}, ask.changes, specs),
        "losses": [_(sentence) for sentence in inverse.losses],
        "left_out": [label_of(name, specs) for name in inverse.left_out],
    }


def _seen(request: MemberRequest) -> Mapping[str, Any]:
    """The later values that the person saw and wants to overwrite."""
    text = request.POST.get("seen", "")
    try:
        told = json.loads(text) if 0 < len(text) <= LONGEST_SEEN else {}
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _onward(request: MemberRequest, write: Write, ending: Ending) -> str:
    """Back to where the person was; to the record where that is the news; never to one gone."""
    slug = request.member.workspace.slug
    if write.action.endswith(".create"):
        return list_of(slug, write.kind)
    if write.action.endswith(".delete") and ending.record is not None:
        return page_of(slug, write.kind, ending.record.pk)
    path = same_site_path(request, request.POST.get("next", ""))
    return path if path != "/" else _back(request, write)


def _back(request: MemberRequest, write: Write) -> str:
    """The record's page, or the list where there is none any more."""
    slug, entry = request.member.workspace.slug, write.entry
    if entry.subject_id is None or write.action.endswith(".delete"):
        return list_of(slug, write.kind)
    return page_of(slug, write.kind, entry.subject_id)


def words_of_batch(batch: Batch) -> list[str]:
    """What a batch that takes another one back does, and what does not come back with it."""
    numbers = {"create": 0, "delete": 0, "update": 0}
    for (status, action), number in drafts.tallies(batch).items():
        verb = action.partition(".")[2]
        if status == store.WAITING:
            numbers[verb if verb in numbers else "update"] += number
    made, deleted, changed = numbers["delete"], numbers["create"], numbers["update"]
    told = [
        (made, ngettext(
            "%(n)s record that was made is deleted in the service, for everybody. If somebody "
            "changes it before, it is left.",
            "%(n)s records that were made are deleted in the service, for everybody. Those that "
            "somebody changes before are left.", made)),
        (deleted, ngettext(
            "%(n)s record that was deleted is made again, with a new id. What hung on the old one "
            "does not come back.",
            "%(n)s records that were deleted are made again, with new ids. What hung on the old "
            "ones does not come back.", deleted)),
        (changed, ngettext(
            "%(n)s record is set back to what it was.",
            "%(n)s records are set back to what they were.", changed)),
    ]  # fmt: skip
    return [words % {"n": number_format(n, force_grouping=True)} for n, words in told if n]
