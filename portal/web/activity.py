"""The activity page: every action, who, when, what, before and after, and the way back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portal.audit.models import Entry
from portal.batches.files.writing import csv_pieces
from portal.records import Kind
from portal.services import activity as service
from portal.services.activity import Filter
from portal.services.undo import KEPT, LOSSY, REVERSIBLE
from portal.team.models import Membership
from portal.web.access import MemberRequest, member_required, role_required
from portal.web.action_words import FAMILIES, words_of
from portal.web.addresses import PAGES, page_of
from portal.web.changed_words import Difference, Specs, differences, specs_of
from portal.web.frame import connections_of
from portal.web.htmx import show

LARGEST_ID = 2**63 - 1
SHOWN_FIELDS = 3
PERIODS = {
    "24h": (timedelta(hours=24), gettext_lazy("Last 24 hours")),
    "7d": (timedelta(days=7), gettext_lazy("Last 7 days")),
    "30d": (timedelta(days=30), gettext_lazy("Last 30 days")),
}
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Line:
    """
    One entry in words. `changes` are the first of its fields, `more` how many others there
    are; `undo_href` is "" where it cannot be undone by this member.
    """

    entry: Any
    words: str
    who: str
    changes: list[Difference]
    more: int
    record_href: str
    undo_href: str
    asks: bool
    batch_href: str = ""

    @property
    def why(self) -> str:
        """The service's own words, or one of our sentences."""
        return _(self.entry.reason) if self.entry.reason else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's address asks for; what it cannot mean is left out."""

    told: Mapping[str, str]
    filter: Filter
    older_than: int | None
    newer_than: int | None

    @property
    def filtered(self) -> bool:
        return bool(self.told)

    def href(self, **place: int) -> str:
        """The page's query with the same filters, at another place."""
        return "?" + urlencode({**self.told, **place})


@require_safe
@member_required
def index(request: MemberRequest) -> HttpResponse:
    asked = _asked(request)
    page = service.page(
        request.member.workspace,
        asked.filter,
        older_than=asked.older_than,
        newer_than=asked.newer_than,
    )
    specs, entries = specs_of(connections_of(request)), page.entries
    context = {
        "lines": [line(request, entry, specs, grouped=asked.filter.grouped) for entry in entries],
        "asked": asked,
        "people": [(str(user.pk), str(user)) for user in service.people(request.member.workspace)],
        "families": FAMILIES.items(),
        "outcomes": Entry.Outcome.choices,
        "periods": [(name, words) for name, (_age, words) in PERIODS.items()],
        "newer_href": asked.href(newer=entries[0].pk) if page.newer and entries else "",
        "older_href": asked.href(older=entries[-1].pk) if page.older and entries else "",
    }
    return show(request, "activity/list.html", context, partial="activity")


@require_safe
@member_required
def detail(request: MemberRequest, entry_id: int) -> HttpResponse:
    found = service.one(request.member.workspace, entry_id) if entry_id <= LARGEST_ID else None
    if found is None:
        raise Http404
    specs = specs_of(connections_of(request))
    told = line(request, found, specs)
    context = {
        "line": told,
        "entry": found,
        "changes": differences(found.before, found.after, specs),
        "text": found.after.get("text", "") if found.action.startswith("message.") else "",
    }
    return render(request, "activity/entry.html", context)


@require_POST
@member_required
@role_required("admin")
def export(request: MemberRequest) -> Any:
    """The log as it is filtered, as CSV."""
    member, specs = request.member, specs_of(connections_of(request))
    entries = service.export(member.workspace, _asked(request).filter, actor=member)
    titles = [
        _("When (UTC)"), _("Who"), _("Action"), _("What"), _("Outcome"), _("Why"),
        _("Changes"), _("Batch"), _("Record"), _("Entry"),
    ]  # fmt: skip
    pieces = csv_pieces(titles, (list(_cells(entry, specs)) for entry in entries))
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    name = f"activity-{member.workspace.slug}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def history(request: MemberRequest, kind: Kind, row: Any, most: int = 10) -> list[Line]:
    """The last entries of one record, for its own page."""
    specs = specs_of([row.connection])
    entries = service.of_record(request.member.workspace, kind.value, row.pk, most)
    return [line(request, entry, specs) for entry in entries]


def history_href(request: MemberRequest, kind: Kind, row: Any) -> str:
    """The activity page, about this record only."""
    path = reverse("activity", args=[request.member.workspace.slug])
    return f"{path}?record={kind.value}:{row.pk}"


def line(request: MemberRequest, entry: Any, specs: Specs, *, grouped: bool = False) -> Line:
    slug = request.member.workspace.slug
    batch = entry.batch if grouped else None
    found = [] if batch or _whole(entry) else differences(entry.before, entry.after, specs)
    return Line(
        entry=entry,
        words=str(batch.get_kind_display()).capitalize() if batch else words_of(entry.action),
        who=_who(entry),
        changes=found[:SHOWN_FIELDS],
        more=max(0, len(found) - SHOWN_FIELDS),
        record_href=_record_href(slug, entry) if not batch else "",
        undo_href=_undo_href(request, entry) if not batch else "",
        asks=entry.action in LOSSY,
        batch_href=reverse("batch-detail", args=[slug, entry.batch_id]) if entry.batch else "",
    )


def _whole(entry: Any) -> bool:
    """Whether it holds a whole record, which a line cannot show, or a message."""
    action: str = entry.action
    return action.endswith((".delete", ".gone")) or action.startswith("message.")


def _who(entry: Any) -> str:
    if entry.actor is not None:
        return str(entry.actor)
    if entry.actor_id is not None:
        return _("A person who was removed")
    if entry.action.endswith((".outside", ".gone")):
        return _("Somebody elsewhere")
    return _("Nobody signed in") if entry.action.startswith("session.") else _("The portal itself")


def _record_href(slug: str, entry: Any) -> str:
    return page_of(slug, entry.subject_kind, entry.subject_id) if entry.is_here else ""


def _undo_href(request: MemberRequest, entry: Any) -> str:
    """Where it is undone; "" for what surely cannot be. The page there knows it exactly."""
    may = (
        entry.write_id is not None
        and entry.action in REVERSIBLE
        and entry.outcome == Entry.Outcome.DONE
        and not entry.was_undone
        and entry.at > timezone.now() - KEPT
        and (entry.is_here or entry.action.endswith(".delete"))
        and request.member.reaches(Membership.Role.AGENT)
    )
    return reverse("undo", args=[request.member.workspace.slug, entry.write_id]) if may else ""


def _asked(request: HttpRequest) -> Asked:
    """The filters of the address, or of an export's form."""
    query = request.POST if request.method == "POST" else request.GET
    told = {name: query.get(name, "")[:200].replace("\x00", "") for name in _READ}
    told = {name: text for name, text in told.items() if text and _READ[name](text) is not None}
    values = {name: _READ[name](text) for name, text in told.items()}
    asked = Filter(
        person=values.get("person"),
        family=values.get("action", ""),
        outcome=values.get("outcome", ""),
        since=values.get("since"),
        record=values.get("record"),
        batch=values.get("batch"),
        text=values.get("q", ""),
    )
    return Asked(told, asked, _number(query.get("older", "")), _number(query.get("newer", "")))


def _number(text: str) -> int | None:
    known = text.isascii() and text.isdigit() and int(text[:20]) <= LARGEST_ID
    return int(text[:20]) if known else None


def _person(text: str) -> int | None:
    return service.BY_NOBODY if text == NOBODY else _number(text)


def _since(text: str) -> datetime | None:
    """A period, or a day."""
    if text in PERIODS:
        return timezone.now() - PERIODS[text][0]
    try:
        return datetime.fromisoformat(text[:10]).replace(tzinfo=UTC)
    except ValueError:
        return None


def _record(text: str) -> tuple[str, int] | None:
    kind, _colon, number = text.partition(":")
    pk = _number(number)
    return (kind, pk) if kind in PAGES and pk is not None else None


_READ: dict[str, Any] = {
    "q": lambda text: text.strip() or None,
    "person": _person,
    "action": lambda text: text if text in FAMILIES else None,
    "outcome": lambda text: text if text in Entry.Outcome.values else None,
    "since": _since,
    "record": _record,
    "batch": _number,
}


def _cells(entry: Any, specs: Specs) -> Iterator[Any]:
    changes = differences(entry.before, entry.after, specs)
    yield entry.at
    yield _who(entry)
    yield words_of(entry.action)
    yield entry.subject
    yield str(entry.get_outcome_display())
    yield _(entry.reason) if entry.reason else ""
    yield "\n".join(f"{c.label}: {c.before or '—'} → {c.after or '—'}" for c in changes)
    yield str(entry.batch) if entry.batch else ""
    yield f"{entry.subject_kind}:{entry.subject_id}" if entry.subject_id else ""
    yield entry.pk
