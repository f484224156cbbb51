"""What the list of contacts can be asked, in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.mirror.models import Contact
from portal.mirror.tables import CONTACTS, facets
from portal.records import Can, Kind
from portal.services import connections as service
from portal.vault.models import Connection
from portal.web import list_menus as menus
from portal.web.access import MemberRequest
from portal.web.bulk_bar import bar_of
from portal.web.cells import Cells, hint
from portal.web.frame import connections_of, marks_on
from portal.web.lead_list import writable
from portal.web.lists import Asked, Head, Words, answer, read, show_list, tidy


@dataclass(frozen=True, slots=True)
class Row:
    """
    A contact as its row shows it; `service` is "" where all come from one connection, `mark`
    how a change of it stands that is not settled.
    """

    pk: int
    name: str
    name_hint: str
    company: str
    company_hint: str
    email: str
    email_hint: str
    phone: str
    service: str
    conversations: str
    active: str
    created: str
    mark: str


def asked(request: MemberRequest, told: QueryDict, path: str) -> Asked:
    """What this query string asks the list of contacts for."""
    found = facets(CONTACTS, request.member.workspace)
    words = filter_words(connections_of(request))
    counts = found.counts("connection_id")
    known = {"connection": {*words["connection"].values, *map(str, counts)}}
    return Asked(read(CONTACTS, told, path=path, words=words, known=known), words, found)


def contact_list(request: MemberRequest) -> HttpResponse:
    workspace, connections = request.member.workspace, connections_of(request)
    state, words, found = asked(request, request.GET, request.path)
    counts = found.counts("connection_id")
    if url := tidy(request, state):
        return redirect(url)
    several = len(counts) > 1
    listing = show_list(
        state,
        workspace,
        noun=_("contacts"),
        words=words,
        heads=heads(several=several),
        counted=found,
    )
    names = {c.pk: service.name_of(c) for c in connections} if several else {}
    boxes = [menus.checks(state, "connection", words["connection"], counts, counted=found.whole)]
    marks = marks_on(request)
    context = {
        "rows": _rows(listing.rows, names, marks),
        "several": several,
        "menus": [
            *(boxes if several else []),
            menus.texts(state, "tag", words["tag"]),
            menus.since(state, "active_since", words["active_since"]),
            menus.since(state, "created_since", words["created_since"]),
        ],
        "some": found.total > 0,
        "makers": writable(connections, Can.CREATE_CONTACT),
        "bulk": bar_of(request, Kind.CONTACTS, listing, found, noun=_("contacts")),
        "user_services": [service.name_of(c) for c in service.able(connections, Can.UPDATE_USER)],
    }
    return answer(request, "contacts/list.html", context, listing)


def filter_words(connections: Sequence[Connection]) -> dict[str, Words]:
    return {
        "tag": Words(_("Tag")),
        "active_since": menus.since_words(_("Last activity")),
        "created_since": menus.since_words(_("Created")),
        "connection": Words(_("Service"), {str(c.pk): service.name_of(c) for c in connections}),
    }


def heads(*, several: bool) -> list[Head]:
    found = [
        Head(_("Name"), "name"),
        Head(_("Company"), "company"),
        Head(_("E-mail"), "email"),
        Head(_("Phone"), "phone"),
        Head(_("Conversations"), "conversations", "num"),
        Head(_("Last activity"), "last_activity_at", "num"),
        Head(_("Created"), "created_at", "num"),
    ]
    return [*found[:4], Head(_("Service")), *found[4:]] if several else found


def _rows(
    contacts: Iterable[Contact], names: dict[int, str], marks: Mapping[str, str]
) -> list[Row]:
    cells = Cells()
    return [
        Row(
            contact.pk,
            name := contact.name or contact.email or contact.upstream_id,
            hint(name),
            cells.text(contact.company),
            hint(contact.company),
            cells.text(contact.email),
            hint(contact.email),
            cells.text(contact.phone),
            names.get(contact.connection_id, ""),
            cells.amount(contact.conversation_count),
            cells.time(contact.last_activity_at),
            cells.time(contact.created_at),
            cells.mark(marks.get(f"contacts:{contact.pk}", "")),
        )
        for contact in contacts
    ]
