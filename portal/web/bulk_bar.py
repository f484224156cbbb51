"""What a list offers for the rows somebody selected, and how it is said (ux B1 to B4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.mirror.tables import Facets
from portal.records import Kind, State
from portal.services import bulk
from portal.services import connections as service
from portal.team.models import Membership
from portal.vault.models import Connection
from portal.web.access import MemberRequest
from portal.web.composing import STATES
from portal.web.frame import connections_of
from portal.web.lists import Listing

type Options = tuple[tuple[str, str], ...]

PATHS = {
    Kind.LEADS: "lead-bulk",
    Kind.CONTACTS: "contact-bulk",
    Kind.CONVERSATIONS: "conversation-bulk",
}


@dataclass(frozen=True, slots=True)
class Saying:
    """
    A verb in words: its menu's name, what its value is called, its button, and what a batch
    of it is called ("%s" is the value).
    """

    menu: str | Promise
    value: str | Promise
    button: str | Promise
    title: str | Promise
    takes: Literal["choice", "text", ""] = "choice"


SAYINGS: Mapping[str, Saying] = {
    "stage": Saying(
        gettext_lazy("Stage"),
        gettext_lazy("New stage"),
        gettext_lazy("Set stage"),
        gettext_lazy("Set stage to “%s”"),
    ),
    "rep": Saying(
        gettext_lazy("Owner"),
        gettext_lazy("New owner"),
        gettext_lazy("Assign"),
        gettext_lazy("Assign to %s"),
    ),
    "tag-add": Saying(
        gettext_lazy("Add tag"),
        gettext_lazy("Tag to add"),
        gettext_lazy("Add tag"),
        gettext_lazy("Add tag “%s”"),
        "text",
    ),
    "tag-remove": Saying(
        gettext_lazy("Remove tag"),
        gettext_lazy("Tag to remove"),
        gettext_lazy("Remove tag"),
        gettext_lazy("Remove tag “%s”"),
        "text",
    ),
    "status": Saying(
        gettext_lazy("Status"),
        gettext_lazy("New status"),
        gettext_lazy("Set status"),
        gettext_lazy("Set status to “%s”"),
    ),
    "delete": Saying(
        gettext_lazy("Delete…"), "", gettext_lazy("Delete"), gettext_lazy("Delete"), ""
    ),
}


@dataclass(frozen=True, slots=True)
class BarVerb:
    """One menu of the bar: what is chosen or typed in it, and its button."""

    name: str
    say: Saying
    options: Options = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """
    The bar of a list. `query` is what the list asks for, without its page: what "all
    matching" means. `total` is how many that are, as the list says it.
    """

    action: str
    noun: str
    query: str
    total: str
    verbs: tuple[BarVerb, ...]


def bar_of(
    request: MemberRequest, kind: Kind, listing: Listing, found: Facets, *, noun: str
) -> Bar | None:
    """The bar of this list for this member; None where nothing can be done with its rows."""
    if not request.member.reaches(Membership.Role.AGENT):
        return None
    verbs = verbs_of(kind, connections_of(request), found)
    if not verbs:
        return None
    action = reverse(PATHS[kind], args=[request.member.workspace.slug])
    query = listing.state.first_page().query
    return Bar(action, noun, query, listing.total, verbs)


def verbs_of(kind: Kind, connections: Sequence[Connection], found: Facets) -> tuple[BarVerb, ...]:
    """What can be done with records of this kind through what is connected."""
    options = _options(kind, connections, found)
    offered = bulk.offered(kind, connections)
    return tuple(BarVerb(name, SAYINGS[name], options.get(name, ())) for name in offered)


def _options(kind: Kind, connections: Sequence[Connection], found: Facets) -> Mapping[str, Options]:
    """The values one can choose from, by verb: those the services name and those in use."""
    if kind is Kind.LEADS:
        stages = [*service.stages_of(connections), *found.counts("stage")]
        people = found.pairs("rep_id", "rep_name").items()
        known = sorted(((k, v or k) for k, v in people if k), key=lambda pair: pair[1])
        return {
            "stage": tuple((stage, stage) for stage in dict.fromkeys(stages) if stage),
            "rep": (("", _("Nobody")), *known),
        }
    if kind is Kind.CONVERSATIONS:
        words = [service.settable_statuses(c) for c in connections]
        return {"status": tuple((w, _status(w, s)) for one in words for w, s in one.items())}
    return {}


def _status(word: str, state: State) -> str:
    """The service's own word, with its normal form where that is another."""
    normal = str(STATES[state])
    return word if word.lower() == normal.lower() else f"{word} ({normal})"


def title_of(name: str, value: str, options: Options) -> str:
    """What a batch of this verb and value is called."""
    say = str(SAYINGS[name].title)
    label = dict(options).get(value, value)
    return say.replace("%s", label) if "%s" in say else say
