"""
A write in words: what it is, how it stands and why, and what a person may do about it.

The outbox's pages, the home page and the marks of records and threads say it with these.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from portal.outbox.models import Write
from portal.outbox.store import HELD, ORDER, STOPPED
from portal.records import FieldSpec, Form
from portal.services import connections as service
from portal.services.codecs import CODECS, show_text
from portal.team.models import Workspace
from portal.web.addresses import page_of

WRITES = {
    "lead.create": gettext_lazy("New lead"),
    "lead.update": gettext_lazy("Change of a lead"),
    "lead.delete": gettext_lazy("Deletion of a lead"),
    "contact.create": gettext_lazy("New contact"),
    "contact.update": gettext_lazy("Change of a contact"),
    "contact.delete": gettext_lazy("Deletion of a contact"),
    "user.update": gettext_lazy("Change of a user"),
    "conversation.create": gettext_lazy("New conversation"),
    "conversation.status": gettext_lazy("Change of a conversation's status"),
    "message.send": gettext_lazy("Reply"),
    "message.note": gettext_lazy("Private note"),
}
FORMS = {
    "lead.create": Form.LEAD,
    "lead.update": Form.LEAD,
    "contact.create": Form.CONTACT,
    "contact.update": Form.CONTACT,
    "user.update": Form.USER,
    "conversation.create": Form.CONVERSATION,
}
MESSAGES = {"message.send": "reply", "message.note": "note"}
STATUS = FieldSpec("status", gettext_noop("Status"), attribute="status", required=True)
# The groups of the outbox's page, in its order: what a person must decide comes first.
DECIDE, REFUSED, CHECKING, WAITING = "decide", "refused", "checking", "waiting"
GROUPS = {
    Write.Status.UNDECIDED: DECIDE,
    Write.Status.REFUSED: REFUSED,
    Write.Status.UNKNOWN: CHECKING,
    Write.Status.QUEUED: WAITING,
    Write.Status.IN_FLIGHT: WAITING,
}
ICONS = {
    Write.Status.QUEUED: "clock",
    Write.Status.IN_FLIGHT: "clock",
    Write.Status.UNKNOWN: "alert",
    Write.Status.UNDECIDED: "alert",
    Write.Status.REFUSED: "error",
    Write.Status.SENT: "check",
}
NEWER, STALE, DUPLICATE = "NewerMessage", "StaleRecord", "Duplicate"
# Why it waits, and why it was refused, by the reason that the row names; %s is the service.
WAITS = {
    ORDER: gettext_noop("An earlier change of the same record goes first."),
    STOPPED: gettext_noop("This workspace sends nothing until an admin releases it."),
    "KeyRejected": gettext_noop("It will be sent once the key of %s is replaced in Settings."),
    "NotConnected": gettext_noop("It will be sent once the key of %s is replaced in Settings."),
    "BudgetSpent": gettext_noop("The calls of this minute are used up. It goes to %s next."),
    "RateLimited": gettext_noop("%s asks us to wait."),
    "Unreachable": gettext_noop("%s does not answer."),
    "absent": gettext_noop("It did not arrive in %s. It is sent again."),
    "": gettext_noop("It goes to %s in a moment."),
}
REFUSALS = {
    NEWER: gettext_noop("Something newer arrived; your reply was not sent."),
    STALE: gettext_noop("Somebody changed the same field in %s meanwhile. Nothing was sent."),
    "NotAllowed": gettext_noop("The role of who wrote it does not allow this any more."),
    "Gone": gettext_noop("It was deleted in %s."),
    "NotFound": gettext_noop("%s does not find it."),
    "NotPermitted": gettext_noop("The key of %s may not do this."),
    DUPLICATE: gettext_noop("%s has one like it already."),
    "Withdrawn": gettext_noop("It was taken back here. Nothing more is sent."),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field as it was and as it is to be, both as text."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """
    A write as the pages show it. `href` is its record's page, "" if there is none yet; `why`
    what it waits for or why it was refused; `text` a message's whole text. `acts` are the
    buttons it gets: now, again, arrived, edit, discard. `evidence` is what was found there.
    """

    write: Write
    group: str
    icon: str
    what: str
    title: str
    href: str
    service: str
    standing: str
    why: str
    changes: list[Change]
    acts: frozenset[str]
    text: str = ""
    evidence: list[str] = field(default_factory=list)

    @property
    def is_message(self) -> bool:
        return self.write.action in MESSAGES

    @property
    def conflict(self) -> bool:
        return self.write.reason == STALE

    @property
    def twice(self) -> bool:
        """Whether sending it again may make it happen twice."""
        return self.write.status == Write.Status.UNDECIDED


def line_of(workspace: Workspace, write: Write) -> Line:
    """The write in words. It needs its entry, actor and connection."""
    name = service.name_of(write.connection)
    record = write.entry.subject_id
    return Line(
        write,
        GROUPS.get(Write.Status(write.status), ""),
        ICONS[Write.Status(write.status)],
        what_of(write),
        write.entry.subject,
        page_of(workspace.slug, write.kind, record) if record else "",
        name,
        standing_of(write),
        why_of(write, name),
        [] if write.action in MESSAGES else changes_of(write),
        acts_of(write),
        str(write.changes.get("text", "")) if write.action in MESSAGES else "",
        evidence_of(write),
    )


def what_of(write: Write) -> str:
    return str(WRITES.get(write.action, write.action))


def standing_of(write: Write) -> str:
    """How it stands, in a few words (reliability 2)."""
    if seconds_left(write):
        return _("Can still be taken back")
    words: dict[str, str] = {
        Write.Status.QUEUED: _("Saved here, will be sent"),
        Write.Status.IN_FLIGHT: _("Saved here, sending"),
        Write.Status.UNKNOWN: _("Not confirmed: checking"),
        Write.Status.UNDECIDED: _("Not confirmed: you decide"),
        Write.Status.REFUSED: _("Not sent"),
        Write.Status.SENT: _("Sent"),
    }
    return words[write.status]


def seconds_left(write: Write) -> int:
    """How long a held write can still be taken back; 0 if it is not held (any more)."""
    if write.status != Write.Status.QUEUED or write.reason != HELD or write.not_before is None:
        return 0
    return max(0, round((write.not_before - timezone.now()).total_seconds()))


def why_of(write: Write, name: str) -> str:
    """What it waits for, why it was refused, or what is not known about it."""
    if write.status == Write.Status.QUEUED:
        return _why_waiting(write, name)
    if write.status == Write.Status.REFUSED:
        return _why_refused(write, name)
    if write.status == Write.Status.UNKNOWN and write.reason == "restored":
        return _("A backup was restored: this may have been sent since. %s is asked.") % name
    if write.status == Write.Status.UNKNOWN:
        sentence = _("%s did not answer in time. It is being looked up; do not send it again.")
        return " ".join(filter(None, [sentence % name, _next(write, _("Next look at %s."))]))
    if write.status == Write.Status.UNDECIDED:
        told = str(write.evidence.get("why") or "")
        return (
            _(told)
            if told
            else _(
                "%s did not answer in time, and whether it arrived cannot be found out from here. "
                "Look there, then decide."
            )
            % name
        )
    return ""


def _why_waiting(write: Write, name: str) -> str:
    left = seconds_left(write)
    if left:
        return ngettext("Sending in %(n)s s.", "Sending in %(n)s s.", left) % {"n": left}
    if write.reason == HELD:
        return _("It goes to %s in a moment.") % name
    sentence = _(WAITS.get(write.reason, WAITS["Unreachable"]))
    sentence = sentence % name if "%s" in sentence else sentence
    return " ".join(filter(None, [sentence, _next(write, _("Next try at %s."))]))


def _next(write: Write, words: str) -> str:
    """When it is looked at next, if that is ahead."""
    if write.not_before is None or write.not_before < timezone.now():
        return ""
    return words % _time(write.not_before)


def _time(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M:%S}"


def _why_refused(write: Write, name: str) -> str:
    """The service's own words where it gave some, else ours for the reason."""
    if write.said:
        return f"{name}: “{write.said}”"
    sentence = _(REFUSALS.get(write.reason, gettext_noop("%s did not accept it.")))
    return sentence % name if "%s" in sentence else sentence


def acts_of(write: Write) -> frozenset[str]:
    """What a person may do about it; nothing stops what is being sent or looked up."""
    found: set[str] = set()
    if write.status == Write.Status.QUEUED:
        found = {"now", "edit", "discard"}
    elif write.status == Write.Status.UNDECIDED:
        found = {"arrived", "again", "edit", "discard"}
    elif write.status == Write.Status.REFUSED:
        found = {"again", "edit", "discard"}
        if write.reason == "Withdrawn":
            found = {"again", "edit"}
    if write.action not in MESSAGES and not specs_of(write):
        found.discard("edit")
    if write.reason == STALE:
        found.discard("again")
    return frozenset(found)


def specs_of(write: Write) -> tuple[FieldSpec, ...]:
    """The fields that this sort of write may change; () if it has none."""
    if write.action == "conversation.status":
        return (STATUS,)
    form = FORMS.get(write.action)
    return service.fields_of(write.connection, form) if form else ()


def changes_of(write: Write) -> list[Change]:
    """Its fields in words. A deletion changes none: what it took away is in the log."""
    by_name = {spec.name: spec for spec in specs_of(write)}
    found: list[Change] = []
    for name, value in write.changes.items():
        found += _change(name, by_name.get(name), write.before.get(name), value)
    return found


def _change(name: str, spec: FieldSpec | None, before: Any, after: Any) -> list[Change]:
    if isinstance(after, dict):
        was: Mapping[str, Any] = before if isinstance(before, dict) else {}
        return [Change(key, _text(was.get(key)), _text(value)) for key, value in after.items()]
    codec = CODECS.get(spec.kind) if spec else None
    show = codec.show if codec else _text
    return [Change(_(spec.label) if spec else name, show(before), show(after))]


def _text(value: Any) -> str:
    return show_text(value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def evidence_of(write: Write) -> list[str]:
    """What was found where it should be, a line each; [] if nothing was looked for."""
    found = write.evidence.get("found")
    return [_fact(one) for one in found[:20]] if isinstance(found, list) else []


def _fact(one: Any) -> str:
    if isinstance(one, dict):
        return " · ".join(f"{name}: {_text(value)}" for name, value in one.items())
    return _text(one)
