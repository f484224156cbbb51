"""
The bar of a list was pressed: the records it means are frozen into a draft, and the draft's
page shows what would become of them. Nothing is sent from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.batches.store import LARGEST
from portal.mirror.ranges import LARGEST_ID
from portal.mirror.tables import CONTACTS, CONVERSATIONS, LEADS, Table, facets
from portal.records import Kind
from portal.services import bulk
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.bulk_bar import (
    PATHS,
    BarVerb,
    title_of,
    verbs_of,
)
from portal.web.errors import sentence_of
from portal.web.frame import connections_of
from portal.web.lists import ids_of, read
from portal.web.writing import new_form_id

TABLES: Mapping[Kind, Table] = {
    Kind.LEADS: LEADS,
    Kind.CONTACTS: CONTACTS,
    Kind.CONVERSATIONS: CONVERSATIONS,
}
LISTS = {
    Kind.LEADS: "lead-list",
    Kind.CONTACTS: "contact-list",
    Kind.CONVERSATIONS: "conversation-list",
}
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Pick:
    """The records that were picked: those of `ids`, or all that the list's `query` finds."""

    ids: tuple[int, ...]
    everything: bool
    query: str

    @property
    def carried(self) -> str:
        """The ids in one hidden field, however many they are."""
        return ",".join(map(str, self.ids))


@require_POST
@member_required
@role_required("agent")
def leads(request: MemberRequest) -> HttpResponse:
    return _prepare(request, Kind.LEADS)


@require_POST
@member_required
@role_required("agent")
def contacts(request: MemberRequest) -> HttpResponse:
    return _prepare(request, Kind.CONTACTS)


@require_POST
@member_required
@role_required("agent")
def conversations(request: MemberRequest) -> HttpResponse:
    return _prepare(request, Kind.CONVERSATIONS)


def _prepare(request: MemberRequest, kind: Kind) -> HttpResponse:
    name, pick = request.POST.get("do", ""), _pick(request)
    found = facets(TABLES[kind], request.member.workspace)
    offered = verbs_of(kind, connections_of(request), found)
    verb = next((one for one in offered if one.name == name), None)
    if verb is None:
        return _again(request, kind, None, pick, _("Choose what to do with them."))
    value = request.POST.get(name, "").replace("\x00", "").strip()
    if error := _wrong(verb, value):
        return _again(request, kind, verb, pick, error)
    try:
        batch = bulk.prepare(
            kind,
            name,
            value,
            _ids(request, kind, pick),
            actor=request.member,
            form_id=new_form_id(),
            title=title_of(name, value, verb.options),
        )
    except (bulk.NothingPicked, bulk.TooMany, bulk.NotUnderstood) as refused:
        return _again(request, kind, verb, pick, sentence_of(refused))
    return redirect("batch-detail", request.member.workspace.slug, batch.pk)


def _wrong(verb: BarVerb, value: str) -> str:
    """What is wrong with the value, "" if nothing."""
    if verb.say.takes == "choice" and value not in dict(verb.options):
        return _("Choose one of the values.")
    if verb.say.takes == "text" and not value:
        return _("Write a tag first.")
    if len(value) > LONGEST:
        return _("This is longer than %d characters.") % LONGEST
    return ""


def _pick(request: MemberRequest) -> Pick:
    """Ids stand one in a field, or many in one; what is no id is left out."""
    told = [text for field in request.POST.getlist("ids") for text in field.split(",")]
    ids = [int(t) for t in told if t.isascii() and t.isdigit() and len(t) < 20]
    known = tuple(dict.fromkeys(pk for pk in ids if pk <= LARGEST_ID))
    return Pick(known, "all" in request.POST, request.POST.get("query", ""))


def _ids(request: MemberRequest, kind: Kind, pick: Pick) -> list[int]:
    """
    The ids as of now. A list that is not understood to the last word finds nothing: leaving
    a filter out would find more than the person saw.
    """
    if not pick.everything:
        return list(pick.ids)
    state = read(TABLES[kind], QueryDict(pick.query), path="", words={})
    if state.notices:
        raise bulk.NotUnderstood(kind)
    return ids_of(state, request.member.workspace, limit=LARGEST + 1)


def _again(
    request: MemberRequest, kind: Kind, verb: BarVerb | None, pick: Pick, error: str
) -> HttpResponse:
    """The same question with what was picked, and why it could not be taken."""
    slug = request.member.workspace.slug
    back = reverse(LISTS[kind], args=[slug])
    query = QueryDict(pick.query).urlencode()
    context: dict[str, Any] = {
        "verb": verb,
        "pick": pick,
        "error": error,
        "value": request.POST.get(verb.name, "") if verb else "",
        "action": reverse(PATHS[kind], args=[slug]),
        "back": f"{back}?{query}" if query else back,
    }
    return render(request, "batches/again.html", context, status=422)
