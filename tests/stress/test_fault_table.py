"""
Every fault of the table (reliability 2) against every operation of both services, and every
pair of a fault while sending and a fault while looking up. Each ends as the table says.
"""

import os
import sys
import time
from dataclasses import dataclass

import pytest

from portal.errors import PortalError
from portal.models import Breaker, Connection, Contact, Conversation, Lead, Window, Write
from portal.providers import http
from portal.sandbox import Fault
from portal.services.contacts import know_user, update_contact
from portal.services.conversations import refresh_conversation, send_reply, start_conversation
from portal.services.leads import create_lead, refresh_lead, update_lead
from portal.services.recovery import look_up_due
from portal.services.sending import send_due
from portal.services.sync import sync_connection
from portal.vault import store as vault

WAITS, DOUBTFUL, NO = "queued", "unknown", "refused"
SETTLE_SECONDS = 0.25
LONG_FORM = bool(os.environ.get("CROSSDESK_STRESS"))
BOMB = [Fault.gzip_bomb(40)] if LONG_FORM else []
# What the client saw, and what is known of a write then.
FAULTS = {
    WAITS: [
        Fault.status(429),
        Fault.status(429, headers={"Retry-After": "3"}),
        Fault.status(429, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}),
        Fault.status(429, headers={"Retry-After": "-1"}),
        Fault.status(401),
        Fault.redirect("http://127.0.0.1:9/", 301),
        Fault.redirect("http://127.0.0.1:9/", 307),
        Fault.redirect("http://127.0.0.1:9/", 308),
    ],
    DOUBTFUL: [
        Fault.silence(),
        Fault.drip(0.2, "headers"),
        Fault.drip(0.2, "body"),
        Fault.delay_after_apply(2),
        Fault.reset_before_apply(),
        Fault.reset_after_apply(),
        Fault.apply_late(0.1),
        Fault.reset_during("status"),
        Fault.reset_during("headers"),
        Fault.reset_during("body"),
        Fault.cut_body(),
        Fault.wrong_content_length(7),
        *[Fault.status(code) for code in (408, 425, 500, 502, 503, 504, 599)],
        *[Fault.status(code, apply=True) for code in (500, 502, 504)],
        Fault.status(503, headers={"Retry-After": "2"}),
        Fault.html(200),
        Fault.html(200, apply=True),
        Fault.garbage(200),
        Fault.garbage(200, apply=True),
        Fault.empty(200, apply=True),
        Fault.redirect("http://127.0.0.1:9/", 302),
        Fault.redirect("http://127.0.0.1:9/", 303),
        *BOMB,
    ],
    NO: [Fault.status(code) for code in (400, 403, 404, 405, 409, 410, 413, 418, 422)]
    + [Fault.html(404), Fault.html(400), Fault.garbage(422)],
}
ALL = [(state, fault) for state, faults in FAULTS.items() for fault in faults]


def name_of(fault):
    said = fault.status_code if fault.name in ("status", "redirect", "html") else fault.part
    return f"{fault.name} {said} {'applied' if fault.apply else ''}{dict(fault.headers)}"


@dataclass
class Deed:
    """An operation: how it is done, which request it is, and how often it took effect."""

    provider: str
    method: str
    path: str
    do: object
    effect: object
    visible: bool = False


class Table:
    """What is done again and again, each time with something new."""

    def __init__(self, sandbox, agent, nexadesk, dexra):
        self.sandbox, self.agent = sandbox, agent
        self.nexadesk, self.dexra = nexadesk, dexra
        self.number = 0

    def mend(self):
        """The services answer again, and nobody waits for a pause to end."""
        self.sandbox.clear_faults()
        Breaker.objects.all().delete()
        Window.objects.update(closed_until=0, calls=[])
        Connection.objects.update(status="ok", may_write=True, last_error="")
        for name in ("nexadesk", "dexra"):
            link = getattr(self, name)
            setattr(self, name, vault.by_id(link.pk))

    def recover(self, rounds=2):
        time.sleep(SETTLE_SECONDS if Write.objects.filter(status="unknown").exists() else 0)
        for _ in range(rounds):
            self.mend()
            Write.objects.filter(status__in=["queued", "unknown"]).update(not_before=None)
            look_up_due()
            send_due()

    def token(self):
        self.number += 1
        return f"token {self.number} of a text that nobody else would write"

    def deeds(self):
        s, me = self.sandbox, self.agent
        lead = s.add_lead(visitor_name="Petra", need_summary="")
        talk = s.add_dexra_conversation(subject="Late parcel")
        sync_connection(self.nexadesk)
        sync_connection(self.dexra)
        row = Lead.objects.select_related("connection", "workspace").get(upstream_id=lead["id"])
        conversation = Conversation.objects.get(upstream_id=talk["id"])
        user = know_user(self.dexra, s.add_dexra_user()["id"])
        lead_now = lambda: next(x for x in s.leads if x["id"] == lead["id"])  # noqa: E731

        def update(token, form):
            before = {"need_summary": lead_now()["need_summary"]}
            return update_lead(Lead.objects.get(pk=row.pk), {"need_summary": token},
                               before=before, actor=me, form_id=form)  # fmt: skip

        return {
            "create lead": Deed(
                "nexadesk", "POST", "/leads",
                lambda t, f: create_lead(self.nexadesk, {"visitor_name": t}, actor=me, form_id=f),
                lambda t: sum(x["visitor_name"] == t for x in s.leads),
            ),
            "update lead": Deed(
                "nexadesk", "PATCH", "/leads", update,
                lambda t: int(lead_now()["need_summary"] == t),
            ),
            "create conversation": Deed(
                "dexra", "POST", "/conversations",
                lambda t, f: start_conversation(
                    self.dexra, {"user_id": "u_1", "subject": t}, actor=me, form_id=f
                ),
                lambda t: sum(x["subject"] == t for x in s.dexra_conversations),
            ),
            "send message": Deed(
                "dexra", "POST", "/messages",
                lambda t, f: send_reply(conversation, t, actor=me, form_id=f),
                lambda t: sum(m["text"] == t for m in s.dexra_messages(talk["id"])),
                visible=True,
            ),
            "update user": Deed(
                "dexra", "PATCH", "/users",
                lambda t, f: update_contact(
                    Contact.objects.get(pk=user.pk), {"custom_attributes": {"plan": t}},
                    before={}, actor=me, form_id=f,
                ),
                lambda t: int(s.dexra_user(user.upstream_id)["custom_attributes"].get("plan") == t),
                visible=True,
            ),
        }  # fmt: skip


@pytest.fixture
def table(sandbox, agent, nexadesk, dexra, settings, monkeypatch):
    settings.OUTBOX_SETTLE_SECONDS = SETTLE_SECONDS
    settings.WRITE_DEADLINE_SECONDS = 0.3
    settings.SYNC_DEADLINE_SECONDS = 2.0
    monkeypatch.setattr(http, "FIRST_BACKOFF_SECONDS", 0.01)
    return Table(sandbox, agent, nexadesk, dexra)


def said(capsys, what, right, of):
    with capsys.disabled():
        sys.stdout.write(f"\n{what}: {right} of {of} as the table says\n")


def tried(deed, token, form):
    """How the write stands after the person's own try."""
    try:
        return deed.do(token, form).write.status
    except PortalError:
        return Write.objects.get(form_id=form).status


def ends_right(deed, state, token, form):
    """What a write comes to in the end; "" if it is what the table says."""
    write, times = Write.objects.get(form_id=form), deed.effect(token)
    if times > 1:
        return f"made {times} times"
    if state == NO:
        return "" if (write.status, times) == ("refused", 0) else f"{write.status}, made {times}"
    allowed = ("sent", "undecided") if deed.visible and state == DOUBTFUL else ("sent",)
    if write.status not in allowed:
        return f"{write.status} ({write.reason})"
    return "" if times == 1 or write.status == "undecided" else f"{write.status}, made {times}"


@pytest.mark.parametrize(
    "what",
    ["create lead", "update lead", "create conversation", "send message", "update user"],
)
def test_every_fault_while_sending(what, table, sandbox, capsys):
    deed, wrong = table.deeds()[what], []
    for state, fault in ALL:
        table.mend()
        sandbox.fault(deed.provider, deed.method, deed.path, fault)
        token, form = table.token(), f"form-{table.number}"
        calls = sandbox.requests.count(f"{deed.method} {deed.path}")

        at_once = tried(deed, token, form)

        sent = sandbox.requests.count(f"{deed.method} {deed.path}") - calls
        table.recover(rounds=3)
        end = ends_right(deed, state, token, form)
        if at_once != state or sent != 1 or end:
            wrong.append((name_of(fault), at_once, sent, end))
        if deed.visible and state == DOUBTFUL:
            Write.objects.filter(form_id=form, status="undecided").update(status="refused")
    said(capsys, f"{what}, each fault while sending", len(ALL) - len(wrong), len(ALL))
    assert wrong == []


LOOKING = [
    Fault.silence(), Fault.drip(0.2, "body"), Fault.reset_before_apply(), Fault.cut_body(),
    Fault.status(429), Fault.status(500), Fault.status(503, headers={"Retry-After": "2"}),
    Fault.status(401), Fault.status(403), Fault.html(200), Fault.garbage(200), Fault.empty(200),
    Fault.redirect("http://127.0.0.1:9/"),
]  # fmt: skip
SENDING = [
    Fault.silence(), Fault.reset_before_apply(), Fault.reset_after_apply(),
    Fault.reset_during("headers"), Fault.cut_body(), Fault.status(500),
    Fault.status(502, apply=True), Fault.html(200, apply=True),
]  # fmt: skip
# All 104 by `make stress`; in the suite each of either side in turn.
PAIRS = [
    (sending, looking)
    for one, sending in enumerate(SENDING)
    for other, looking in enumerate(LOOKING)
    if LONG_FORM or (one + other) % 5 == 0
]


@pytest.mark.parametrize("what", ["create lead", "update lead", "create conversation"])
def test_every_pair_of_a_fault_while_sending_and_one_while_looking_up(what, table, sandbox, capsys):
    """The look-up's error decides nothing; the next look-up does."""
    deed, wrong = table.deeds()[what], []
    for sending, looking in PAIRS:
        table.mend()
        sandbox.fault(deed.provider, deed.method, deed.path, sending)
        token, form = table.token(), f"form-{table.number}"
        at_once = tried(deed, token, form)
        table.mend()
        sandbox.fault(deed.provider, "GET", "*", looking, times=None)
        Write.objects.filter(status="unknown").update(not_before=None)
        look_up_due()
        meanwhile = Write.objects.get(form_id=form).status
        table.recover()
        end = ends_right(deed, DOUBTFUL, token, form)
        if (at_once, meanwhile) != ("unknown", "unknown") or end:
            wrong.append((name_of(sending), name_of(looking), at_once, meanwhile, end))
    said(capsys, f"{what}, pairs of faults", len(PAIRS) - len(wrong), len(PAIRS))
    assert wrong == []


READS = {
    "list leads": ("nexadesk", "/leads", Lead),
    "list conversations": ("dexra", "/conversations", Conversation),
    "get lead": ("nexadesk", "/leads", Lead),
    "get conversation": ("dexra", "/conversations", Conversation),
}
SHAPED = [Fault.shape(name) for name in ("success_false", "no_pagination", "data_not_list")]


@pytest.mark.parametrize("what", READS)
def test_every_fault_while_reading(what, table, sandbox, capsys):
    """Nothing here changes, nothing is taken for deleted; afterwards it is as it is there."""
    provider, path, model = READS[what]
    table.deeds()
    for number in range(5):
        sandbox.add_lead(visitor_name=f"L{number}")
        sandbox.add_dexra_conversation(subject=f"C{number}")
    for link in (table.nexadesk, table.dexra):
        sync_connection(link)
    faults, wrong = [*(fault for _, fault in ALL), *SHAPED], []
    for fault in faults:
        table.mend()
        before = kept(model)
        sandbox.fault(provider, "GET", path, fault, times=None)

        error = read(what, table, model)

        meanwhile = kept(model)
        table.mend()
        after_error = read(what, table, model)
        gone = set(before) - set(kept(model))
        expected_gone = what.startswith("get") and fault.name in ("status", "html") and (
            fault.status_code in (404, 410)
        )  # fmt: skip
        if (
            (meanwhile != before and not expected_gone)
            or after_error
            or (gone and not expected_gone)
        ):
            wrong.append((name_of(fault), error, meanwhile == before, after_error, gone))
        model._default_manager.update(gone_at=None)
    said(capsys, f"{what}, each fault", len(faults) - len(wrong), len(faults))
    assert wrong == []


def kept(model):
    return dict(model._default_manager.filter(gone_at=None).values_list("upstream_id", "raw"))


def read(what, table, model):
    """Read as the portal does; the error's name, "" if there was none."""
    link = table.nexadesk if model is Lead else table.dexra
    if what.startswith("list"):
        reports = sync_connection(link)
        return next((r.error for r in reports if r.error), "")
    row = model._default_manager.select_related("connection", "workspace").order_by("id").first()
    row.connection = link
    try:
        refresh = refresh_lead if model is Lead else refresh_conversation
        refresh(row)
    except PortalError as error:
        return type(error).__name__
    return ""
