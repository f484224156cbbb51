"""The rows of a batch in words: what changes, what became of it, and what is to be decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from portal.batches import store
from portal.batches.models import Batch, BatchRow
from portal.mirror.picked import ours_of
from portal.outbox.models import WITHDRAWN
from portal.records import Form, Kind
from portal.services import batches as service
from portal.services import connections as connections_service
from portal.services.actions import ACTIONS
from portal.team.models import Membership
from portal.web.access import MemberRequest
from portal.web.addresses import page_of
from portal.web.frame import connections_of
from portal.web.waiting import STALE, Change

TONES = {
    "waiting": "neutral",
    "on_its_way": "amber",
    "done": "green",
    "skipped": "violet",
    "failed": "red",
}


@dataclass(frozen=True, slots=True)
class Line:
    """
    A row on the page. `href` is the record's page, "" if it is not (yet) here; `decide_href`
    where a person decides about what somebody else changed meanwhile, "" if nothing is to be.
    """

    row: BatchRow
    title: str
    href: str
    tone: str
    reason: str
    changes: tuple[Change, ...]
    decide_href: str = ""


def kind_of(batch: Batch) -> Kind:
    return ACTIONS[batch.action].kind


def lines_of(request: MemberRequest, batch: Batch, rows: Sequence[BatchRow]) -> list[Line]:
    """These rows of the batch in words, with their records' pages."""
    workspace, kind = request.member.workspace, kind_of(batch)
    ours = ours_of(workspace, kind, {row.upstream_id for row in rows if row.upstream_id})
    labels = _labels(request, kind)
    found = []
    for row in rows:
        key = (row.connection_id or batch.connection_id or 0, row.upstream_id)
        href = page_of(workspace.slug, kind, ours[key]) if key in ours else ""
        title, tone = row.title or row.upstream_id, TONES[row.status]
        changes, decide = tuple(_changes(row, labels)), _decide_href(request, batch, row)
        found.append(Line(row, title, href, tone, _reason(row), changes, decide))
    return found


def _reason(row: BatchRow) -> str:
    if row.status == store.SKIPPED and row.write is not None and row.write.reason == WITHDRAWN:
        return _("Somebody changed this record meanwhile. It was decided by itself since.")
    return _(row.reason) if row.reason else ""


def _decide_href(request: MemberRequest, batch: Batch, row: BatchRow) -> str:
    """A change is chosen field by field; what takes one back is looked at as a single undo is."""
    if row.status != store.SKIPPED or not request.member.reaches(Membership.Role.AGENT):
        return ""
    slug, undoes = request.member.workspace.slug, row.cells.get("undoes")
    clashes = row.write is not None and row.write.reason == STALE
    back = "?" + urlencode({"next": request.get_full_path()})
    if batch.kind == Batch.Kind.UNDO and undoes and (clashes or row.reason == service.WORKED_ON):
        return reverse("undo", args=[slug, undoes]) + back
    return reverse("outbox-edit", args=[slug, row.write_id]) + back if clashes else ""


def _labels(request: MemberRequest, kind: Kind) -> dict[str, str]:
    """What people call the fields of this kind, by the providers' names."""
    forms = {Kind.LEADS: Form.LEAD, Kind.CONTACTS: Form.CONTACT}
    labels = {"status": _("Status")}
    for connection in connections_of(request):
        for spec in connections_service.fields_of(connection, forms.get(kind, Form.CONVERSATION)):
            labels[spec.name] = _(spec.label)
    return labels


def _changes(row: BatchRow, labels: Mapping[str, str]) -> Iterable[Change]:
    for name, value in row.changes.items():
        yield Change(labels.get(name, name), _text(row.before.get(name)), _text(value))


def _text(value: Any) -> str:
    """A value as a line of text."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)
