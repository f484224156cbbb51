"""The list of conversations: what it can be asked, and its lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.urls import Resolver404, resolve, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.mirror.models import Conversation
from portal.mirror.tables import CONVERSATIONS, Facets, facets
from portal.records import Can, Kind, State
from portal.services import connections as service
from portal.team.models import Membership
from portal.templatetags.portal import avatar_hue, initials
from portal.vault.models import Connection
from portal.web import list_menus as menus
from portal.web.access import MemberRequest
from portal.web.bulk_bar import bar_of
from portal.web.cells import Cells, word_badge
from portal.web.composing import STATES
from portal.web.frame import connections_of, marks_on
from portal.web.htmx import is_partial
from portal.web.lists import Asked, Listing, Words, read, show_list
from portal.web.lists import State as ListState

# Beside the state, so that each can be read in the width of the pane.
MOST_BADGES = 2
CURRENT = SafeString(' aria-current="true"')
PLACES = ("conversation-list", "conversation-detail")


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of the list: texts, and pieces that are HTML already. `current` marks the opened
    one, `at` is the newest time that the provider tells, `label` and `tone` are its state,
    `mark` how a write of it stands that is not settled.
    """

    pk: int
    path: str
    current: str
    name: str
    hue: str
    initials: str
    at: str
    subject: str
    preview: str
    label: str
    tone: str
    badges: str
    mark: str


def asked(request: MemberRequest, told: QueryDict, path: str) -> Asked:
    """What this query string asks the list of conversations for."""
    counted = facets(CONVERSATIONS, request.member.workspace)
    words = filter_words(connections_of(request), counted)
    known = {
        name: values
        for name in ("state", "status", "connection", "channel")
        if (values := menus.known_words(words[name], _counts(counted, name), counted)) is not None
    }
    state = read(CONVERSATIONS, told, path=path, words=words, known=known)
    return Asked(state, words, counted)


def inbox_list(request: MemberRequest) -> tuple[ListState, dict[str, Any]]:
    """
    What the address asks for, and the context of the list pane without its rows.

    The address may be a conversation's: then the links of the list keep it open.
    """
    mine = connections_of(request)
    told = request.GET.copy()
    told.pop("show", None)
    told.pop("edit", None)
    state, words, counted = asked(request, told, _path(request))
    return state, {
        "menus": _menus(state, words, counted),
        "words": words,
        "counted": counted,
        "some": counted.total > 0,
        "can_start": can_start(request.member, mine),
    }


def filled(request: MemberRequest, state: ListState, context: dict[str, Any]) -> Listing:
    """Read the page the state asks for, and put its lines into the context."""
    workspace = request.member.workspace
    noun, words = _("conversations"), context.pop("words")
    counted = context.pop("counted")
    listing = show_list(state, workspace, noun=noun, words=words, counted=counted)
    mine = connections_of(request)
    names = {c.pk: service.name_of(c) for c in mine} if len(mine) > 1 else {}
    base = reverse("conversation-list", args=[workspace.slug])
    lines = Lines(base, state.path, names, marks_on(request))
    context["rows"] = [lines.row(conversation) for conversation in listing.rows]
    context["bulk"] = bar_of(request, Kind.CONVERSATIONS, listing, counted, noun=noun)
    context["list_query"] = f"?{state.query}" if state.query else ""
    exports = reverse("conversation-export", args=[workspace.slug])
    context["export_href"] = replace(state.first_page(), path=exports).url
    return listing


def _path(request: MemberRequest) -> str:
    """
    The page the list stands in: htmx may ask for it from the page of a conversation, and a
    refused form shows it from an address of its own.
    """
    details = getattr(request, "htmx", None)
    path = details.current_url_abs_path if details and is_partial(request) else None
    slug, here = request.member.workspace.slug, resolve(request.path_info)
    try:
        place = resolve((path or request.path_info).partition("?")[0])
    except Resolver404:
        place = here
    if place.url_name not in PLACES or place.kwargs.get("slug") != slug:
        place = here
    opened = place.kwargs.get("conversation_id")
    if opened is None:
        return reverse("conversation-list", args=[slug])
    return reverse("conversation-detail", args=[slug, opened])


def filter_words(mine: Sequence[Connection], counted: Facets) -> dict[str, Words]:
    """What each filter is called, and the values that are known beside those in use."""
    return {
        "state": Words(_("State"), {state.value: str(STATES[state]) for state in STATES}),
        "status": Words(_("Status")),
        "connection": Words(_("Service"), {str(c.pk): service.name_of(c) for c in mine}),
        "tag": Words(_("Tag")),
        "channel": Words(_("Channel")),
        "active_since": menus.since_words(_("Active")),
    }


def _counts(counted: Facets, name: str) -> dict[Any, int]:
    return counted.counts({"connection": "connection_id", "channel": "source"}.get(name, name))


def _menus(state: ListState, words: Mapping[str, Words], counted: Facets) -> list[menus.Menu]:
    names = ["state", "status", "channel"]
    if len(words["connection"].values) > 1:
        names.insert(2, "connection")
    return [
        *(
            menus.checks(state, name, words[name], _counts(counted, name), counted=counted.whole)
            for name in names
        ),
        menus.texts(state, "tag", words["tag"]),
        menus.since(state, "active_since", words["active_since"]),
    ]


class Lines:
    """
    Makes the lines of one page. `base` is the list's own address, `here` the page's: the
    list may stand beside an opened conversation. `names` are of the services, if several,
    `marks` of the writes that are not settled.
    """

    def __init__(
        self, base: str, here: str, names: dict[int, str], marks: Mapping[str, str]
    ) -> None:
        self._base, self._here, self._names, self._marks = base, here, names, marks
        self._cells = Cells()

    def row(self, conversation: Conversation) -> Row:
        name, path = name_of(conversation), f"{self._base}{conversation.pk}/"
        subject, (label, tone) = conversation.subject, badge(conversation)
        return Row(
            pk=conversation.pk,
            path=path,
            current=CURRENT if path == self._here else "",
            name=name,
            hue=avatar_hue(name),
            initials=initials(name),
            at=self._cells.time(conversation.active_at),
            subject=format_html("<b>{}</b> ", subject) if subject not in {"", name} else "",
            preview=" ".join(conversation.last_message[:300].split()),
            label=label,
            tone=tone,
            badges=self._badges(conversation),
            mark=self._cells.mark(self._marks.get(f"conversations:{conversation.pk}", "")),
        )

    def _badges(self, conversation: Conversation) -> SafeString:
        channel, service = conversation.source, self._names.get(conversation.connection_id, "")
        tags = conversation.tags[: MOST_BADGES - bool(channel) - bool(self._names)]
        plain = [word_badge(text, "plain") for text in (channel, service) if text]
        hues = ("plain teal", "plain violet")
        plain += [word_badge(str(tag), hues[bool(n)]) for n, tag in enumerate(tags)]
        return SafeString("".join(plain))


def name_of(conversation: Conversation) -> str:
    """Whom or what it is with: the person if the provider tells one, else the subject."""
    return (
        conversation.visitor_name
        or conversation.visitor_email
        or conversation.subject
        or _("Conversation %s") % conversation.upstream_id
    )


def badge(conversation: Conversation) -> tuple[str, str]:
    """The state in words and its hue; a word that has no normal form stands for itself."""
    try:
        state = State(conversation.state)
    except ValueError:
        state = State.UNKNOWN
    if state is State.UNKNOWN:
        return conversation.status or str(STATES[state]), "teal"
    tones = {State.OPEN: "blue", State.PENDING: "amber"}
    return str(STATES[state]), tones.get(state, "neutral")


def can_start(member: Membership, mine: list[Connection]) -> bool:
    """Whether this member can begin a conversation somewhere."""
    return member.reaches(Membership.Role.AGENT) and bool(startable(mine))


def startable(mine: list[Connection]) -> list[Connection]:
    return [c for c in service.able(mine, Can.CREATE_CONVERSATION) if c.may_write]
