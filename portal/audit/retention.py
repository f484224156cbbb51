"""Old entries are forgotten from the old end; the chain keeps where it was cut, and holds."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from portal.audit import chain
from portal.audit.models import Chain, Entry, Link
from portal.team.models import Workspace

# Links of one transaction: nobody waits long for the workspace.
_AT_ONCE = 500


def oldest(workspace: Workspace, before: datetime) -> list[int]:
    """
    The ids of the next entries that may be forgotten: opened before `before`, and nothing
    younger stands in the chain before their last link.
    """
    return _cut(workspace, before)[1]


def forget(workspace: Workspace, before: datetime) -> int:
    """
    Forget the next old entries and their links; return how many entries, 0 when done. What
    refers to them must be gone.
    """
    with transaction.atomic():
        chain.begin(workspace.pk)
        links, ids = _cut(workspace, before)
        if not links:
            return 0
        anchor = links[-1]
        Link.objects.filter(workspace=workspace, number__lte=anchor.number).delete()
        Entry.objects.filter(workspace=workspace, pk__in=ids).delete()
        Chain.objects.filter(workspace=workspace).update(
            anchor_number=anchor.number, anchor_digest=anchor.digest
        )
    return len(ids)


def _cut(workspace: Workspace, before: datetime) -> tuple[list[Link], list[int]]:
    """The links up to where the chain can be cut, and the entries they cover."""
    all_links = Link.objects.filter(workspace=workspace)
    links = list(all_links.order_by("number")[:_AT_ONCE])
    young = _first_young(workspace, links, before)
    links = links[:young]
    newest = dict(
        all_links.filter(last__in=[link.last for link in links])
        .order_by()
        .values_list("last")
        .annotate(number=Max("number"))
    )
    end, reach = 0, 0
    for place, link in enumerate(links, 1):
        reach = max(reach, newest[link.last])
        if reach <= link.number:
            end = place
    links = links[:end]
    if not links:
        return [], []
    last = max(link.last for link in links)
    rows = Entry.objects.filter(workspace=workspace, pk__lte=last).order_by("pk")
    return links, list(rows.values_list("pk", flat=True))


def _first_young(workspace: Workspace, links: Sequence[Link], before: datetime) -> int:
    """The place of the first link whose entry is too young to be forgotten."""
    ids = [link.last for link in links]
    young = Entry.objects.filter(workspace=workspace, pk__in=ids, at__gte=before)
    kept = set(young.values_list("pk", flat=True))
    return next((n for n, link in enumerate(links) if link.last in kept), len(links))
