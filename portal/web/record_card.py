"""
What the pages of leads and contacts know of one record: its fields, what is on its way, who
else has its e-mail, what may be done with it. `Subject` tells how the kinds differ.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.mirror import columns, store
from portal.mirror.models import Upstream
from portal.outbox import decisions
from portal.outbox.models import Write
from portal.records import Can, FieldSpec, Form, Kind
from portal.services import connections as service
from portal.services.writes import Outcome
from portal.team.models import Membership, Workspace
from portal.vault.models import Connection
from portal.web import activity, writing
from portal.web.access import MemberRequest
from portal.web.addresses import page_of
from portal.web.forms import RecordForm, Suggestions
from portal.web.frame import sync_states_of
from portal.web.waiting import ICONS, changes_of, standing_of, why_of
from portal.web.writing import Ending

FRESH_FOR = timedelta(seconds=60)
HINTS = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """
    What a kind of record is to its pages. `folder` holds its templates; `name` begins its
    address names ("lead-detail"). `update` takes the record, the changes, and `before`.
    `quick` are the attributes ("stage") whose fields the record's page changes without its form.
    """

    kind: Kind
    model: type[Upstream]
    name: str
    folder: str
    create: Callable[..., Outcome]
    update: Callable[..., Outcome]
    delete: Callable[..., Outcome]
    refresh: Callable[[Any], Any]
    can_create: Can
    can_delete: Can
    form_of: Callable[[Connection], tuple[Form, Can]]
    suggestions: Callable[[MemberRequest], Suggestions]
    related: Callable[[Any], list["Related"]]
    quick: tuple[str, ...] = ()
    make_form: Callable[..., RecordForm] = RecordForm
    on_refused: Callable[[MemberRequest, Connection, RecordForm, Ending], Mapping[str, Any]] = (
        field(default=lambda *_: {})
    )


@dataclass(frozen=True, slots=True)
class Fact:
    """A field as the page shows it; `kind` and `attribute` are its `FieldSpec`'s."""

    label: str
    value: Any
    kind: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Related:
    """A record of another kind with the same e-mail: a hint, no more."""

    what: str
    title: str
    href: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ability:
    """What a person may do with a record, or why not."""

    edit: bool
    delete: bool
    why_not: str
    key_only_reads: bool


def url_of(request: MemberRequest, name: str, *pks: int, back: bool = True) -> str:
    """An address of this workspace, with the way back to the list (N6)."""
    path = reverse(name, args=[request.member.workspace.slug, *pks])
    query = request.GET.get("back", "")
    return f"{path}?{urlencode({'back': query})}" if back and query else path


def list_url(request: MemberRequest, subject: Subject) -> str:
    """The list as the person left it."""
    path, query = url_of(request, f"{subject.name}-list", back=False), request.GET.get("back", "")
    return f"{path}?{query}" if query else path


def ability(request: MemberRequest, subject: Subject, row: Any) -> Ability:
    """What this person may do with this record, by role, by API and by key."""
    connection = row.connection
    can = subject.form_of(connection)[1]
    role = request.member.reaches(Membership.Role.AGENT)
    why = service.why_not(connection, can)
    writes = role and connection.may_write
    no_delete = service.why_not(connection, subject.can_delete)
    return Ability(
        edit=writes and not why,
        delete=writes and not no_delete,
        why_not=why or no_delete,
        key_only_reads=role and not connection.may_write,
    )


def title_of(row: Any) -> str:
    return str(row)


def card(request: MemberRequest, subject: Subject, row: Any) -> dict[str, Any]:
    specs = service.fields_of(row.connection, subject.form_of(row.connection)[0])
    seen = _seen(request, subject, row)
    refreshes = subject.form_of(row.connection)[1] is not Can.UPDATE_USER
    writes = decisions.listed_of(row.connection_id, subject.kind.value, row.upstream_id)
    name = subject.name
    return {
        "row": row,
        "title": title_of(row),
        "service": service.name_of(row.connection),
        "facts": [Fact(_(s.label), row.raw.get(s.name), s.kind, s.attribute) for s in specs],
        "others": other_fields(row.raw, specs),
        "writes": [_mark(request, write, row.connection) for write in writes],
        "related": subject.related(row),
        "history": activity.history(request, subject.kind, row),
        "history_href": activity.history_href(request, subject.kind, row),
        "ability": ability(request, subject, row),
        "seen_at": seen,
        "refreshes": refreshes,
        "old": refreshes and timezone.now() - seen > FRESH_FOR,
        "form_id": writing.new_form_id(),
        "list_href": list_url(request, subject),
        "edit_href": url_of(request, f"{name}-edit", row.pk),
        "delete_href": url_of(request, f"{name}-delete", row.pk),
        "meanwhile_href": url_of(request, f"{name}-meanwhile", row.pk),
        "live_key": f"{subject.kind}:{row.pk}",
        "fresh_href": url_of(request, f"{name}-fresh", row.pk),
    }


def _seen(request: MemberRequest, subject: Subject, row: Any) -> datetime:
    """When our copy was last known to equal upstream: seen alone, or a pass found no news."""
    passes = [
        s.synced_at
        for s in sync_states_of(request)
        if s.connection_id == row.connection_id and s.kind == subject.kind
    ]
    return store.seen_since(row, passes[0] if passes else None)


def other_fields(raw: Mapping[str, Any], specs: Sequence[FieldSpec]) -> list[tuple[str, str]]:
    """What the service told beside the form's fields, as text."""
    shown = {spec.name for spec in specs}
    return [(name, _as_text(value)) for name, value in raw.items() if name not in shown]


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mark(request: MemberRequest, write: Write, connection: Connection) -> dict[str, Any]:
    """A write that is not settled in words: which fields, how it stands, where to decide."""
    write.connection = connection
    return {
        "write": write,
        "icon": ICONS[Write.Status(write.status)],
        "standing": standing_of(write),
        "why": why_of(write, service.name_of(connection)),
        "changes": changes_of(write),
        "deletes": write.action.endswith(".delete"),
        "href": url_of(request, "outbox-detail", write.pk, back=False),
    }


def same_email(workspace: Workspace, email: str, *, but: Upstream) -> list[Related]:
    """Who else has this e-mail in our copy: hints, at most 5 of each kind."""
    if not email:
        return []
    slug, hints = workspace.slug, []
    kinds: list[tuple[str, Any, Kind]] = [
        (_("Lead"), store.leads(workspace), Kind.LEADS),
        (_("Contact"), store.contacts(workspace), Kind.CONTACTS),
        (_("Conversation"), store.conversations(workspace), Kind.CONVERSATIONS),
    ]
    for what, rows, kind in kinds:
        same = rows.filter(email_key=columns.email_key(email))
        if rows.model is type(but):
            same = same.exclude(pk=but.pk)
        for other in same.order_by("-created_at", "-id")[:HINTS]:
            note = getattr(other, "stage", "") or getattr(other, "status", "")
            hints.append(Related(what, str(other), page_of(slug, kind, other.pk), note))
    return hints
