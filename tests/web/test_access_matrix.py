"""
Who may come in where: every address x role x method. An address that is not in the matrix
fails the run, and what belongs to others answers exactly as what never existed.
"""

import re
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from portal.audit import log
from portal.models import (
    Batch,
    Connection,
    Contact,
    Conversation,
    Delivery,
    Lead,
    SyncState,
    Write,
)
from portal.sandbox.data.fill import Amounts, fill

ROLES = ("viewer", "agent", "admin", "owner")
NOBODY = "nobody"


@dataclass(frozen=True)
class Rule:
    """The lowest role that may GET and POST; `nobody` where the method does not exist."""

    get: str
    post: str = NOBODY
    record: str = ""


WORKSPACE = {
    "home": Rule("viewer"),
    "progress": Rule("viewer"),
    "live": Rule("viewer"),
    "lead-list": Rule("viewer"),
    "lead-board": Rule("viewer"),
    "lead-move": Rule("agent", "agent", record="lead"),
    "lead-export": Rule("agent"),
    "contact-export": Rule("agent"),
    "conversation-export": Rule("agent"),
    "lead-import": Rule("agent", "agent"),
    "contact-import": Rule("agent", "agent"),
    "import-columns": Rule("agent", "agent", record="import"),
    "import-check": Rule("agent", "agent", record="import"),
    "import-row": Rule(NOBODY, "agent", record="import"),
    "import-start": Rule(NOBODY, "agent", record="import"),
    "import-delete": Rule(NOBODY, "agent", record="import"),
    "batch-rejects": Rule("agent", record="batch"),
    "lead-new": Rule("agent", "agent"),
    "lead-detail": Rule("viewer", record="lead"),
    "lead-edit": Rule("agent", "agent", record="lead"),
    "lead-delete": Rule("agent", "agent", record="lead"),
    "lead-fresh": Rule("viewer", "viewer", record="lead"),
    "contact-list": Rule("viewer"),
    "contact-new": Rule("agent", "agent"),
    "contact-user": Rule("agent", "agent"),
    "contact-detail": Rule("viewer", record="contact"),
    "contact-edit": Rule("agent", "agent", record="contact"),
    "contact-delete": Rule("agent", "agent", record="contact"),
    "contact-fresh": Rule("viewer", "viewer", record="contact"),
    "conversation-list": Rule("viewer"),
    "conversation-new": Rule("agent", "agent"),
    "conversation-detail": Rule("viewer", record="conversation"),
    "conversation-fresh": Rule("viewer", "viewer", record="conversation"),
    "conversation-reply": Rule("agent", "agent", record="conversation"),
    "conversation-note": Rule("agent", "agent", record="conversation"),
    "conversation-status": Rule("agent", "agent", record="conversation"),
    "lead-bulk": Rule(NOBODY, "agent"),
    "contact-bulk": Rule(NOBODY, "agent"),
    "conversation-bulk": Rule(NOBODY, "agent"),
    "batch-list": Rule("viewer"),
    "batch-detail": Rule("viewer", record="batch"),
    "batch-start": Rule(NOBODY, "agent", record="batch"),
    "batch-pause": Rule(NOBODY, "agent", record="batch"),
    "batch-resume": Rule(NOBODY, "agent", record="batch"),
    "batch-cancel": Rule(NOBODY, "agent", record="batch"),
    "batch-undo": Rule(NOBODY, "agent", record="batch"),
    "batch-again": Rule(NOBODY, "agent", record="batch"),
    "conversation-undo": Rule("agent", "agent", record="conversation"),
    "lead-meanwhile": Rule(NOBODY, "agent", record="lead"),
    "contact-meanwhile": Rule(NOBODY, "agent", record="contact"),
    "outbox": Rule("viewer"),
    "outbox-release": Rule(NOBODY, "admin"),
    "outbox-detail": Rule("viewer", record="write"),
    "outbox-edit": Rule("agent", "agent", record="write"),
    "outbox-now": Rule(NOBODY, "agent", record="write"),
    "outbox-again": Rule(NOBODY, "agent", record="write"),
    "outbox-arrived": Rule(NOBODY, "agent", record="write"),
    "outbox-discard": Rule(NOBODY, "agent", record="write"),
    "activity": Rule("viewer"),
    "activity-entry": Rule("viewer", record="entry"),
    "activity-export": Rule(NOBODY, "admin"),
    "undo": Rule("agent", "agent", record="sent_write"),
    "settings": Rule("admin"),
    "settings-connections": Rule("admin"),
    "settings-webhooks": Rule("admin"),
    "connection-webhooks": Rule("admin", "admin", record="connection"),
    "connection-webhooks-forget": Rule(NOBODY, "admin", record="connection"),
    "delivery-list": Rule("admin"),
    "delivery-detail": Rule("admin", record="delivery"),
    "delivery-replay": Rule(NOBODY, "admin", record="delivery"),
    "connection-new": Rule("admin", "admin"),
    "connection-try": Rule(NOBODY, "admin", record="connection"),
    "connection-replace": Rule("admin", "admin", record="connection"),
    "connection-remove": Rule("admin", "admin", record="connection"),
    "settings-sync": Rule("admin"),
    "sync-now": Rule(NOBODY, "admin", record="connection"),
    "sync-check": Rule(NOBODY, "admin", record="connection"),
    "sync-confirm": Rule(NOBODY, "admin", record="state"),
    "sync-dismiss": Rule(NOBODY, "admin", record="state"),
}
# Open to everybody by their nature; what they do is told in test_session.py, test_health.py
# and test_hooks_at_the_door.py.
PUBLIC = {"healthz", "readyz", "theme", "start", "hook"}


def addresses(patterns=None, prefix=""):
    """Every named address of the site: (name, its path's keywords)."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, path)
        elif isinstance(entry, URLPattern):
            yield entry.name, path, sorted(entry.pattern.converters)


def test_every_address_is_in_the_matrix():
    unlisted = [
        (name, path)
        for name, path, _ in addresses()
        if name not in WORKSPACE and name not in PUBLIC and not path.startswith("accounts/")
    ]
    assert unlisted == []


def test_every_address_of_the_matrix_exists():
    assert set(WORKSPACE) | PUBLIC <= {name for name, _, _ in addresses()}


def test_sign_in_addresses_are_the_known_ones():
    assert {name for name, path, _ in addresses() if path.startswith("accounts/")} == {
        "account_login",
        "account_logout",
        "account_change_password",
        "account_inactive",
        "account_reauthenticate",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }


@pytest.fixture
def desk(sandbox, nexadesk, synced):
    """One record of each kind in the workspace, with the workspace's slug."""
    fill(sandbox, Amounts(leads=1, contacts=1, conversations=1, dexra_conversations=1))
    synced(nexadesk)
    return {
        "lead": Lead.objects.get().pk,
        "contact": Contact.objects.get().pk,
        "conversation": Conversation.objects.get().pk,
        "connection": Connection.objects.get().pk,
        "delivery": Delivery.objects.create(
            workspace=nexadesk.workspace,
            connection=nexadesk,
            once="1",
            body=b"{}",
            received_at=timezone.now(),
        ).pk,
        "state": SyncState.objects.get(kind="leads").pk,
        "batch": Batch.objects.create(
            workspace=nexadesk.workspace, action="lead.update", form_id="batch-1", status="done"
        ).pk,
        "import": Batch.objects.create(
            workspace=nexadesk.workspace,
            connection=nexadesk,
            kind="import",
            form_id="import-1",
            options={
                "of": "leads",
                "file": "a.csv",
                "encoding": "utf-8",
                "delimiter": ",",
                "long": 0,
                "columns": ["Name"],
                "checked": 0,
            },
        ).pk,
        **made_by_nobody(nexadesk),
    }


def made_by_nobody(connection):
    """A change in the log and in the outbox."""
    lead = Lead.objects.get()
    entry = log.open_entry(
        connection.workspace,
        "lead.update",
        actor=None,
        subject="x",
        subject_kind="leads",
        subject_id=lead.pk,
    )
    log.end(entry, "done")
    write = Write.objects.create(
        workspace=connection.workspace,
        connection=connection,
        entry=entry,
        form_id="made-by-nobody",
        action="lead.update",
        kind="leads",
        upstream_id=lead.upstream_id,
        before={"pipeline_stage": "new"},
        changes={"pipeline_stage": "won"},
        status="sent",
    )
    return {"entry": entry.pk, "sent_write": write.pk, "write": waiting_write(connection).pk}


def waiting_write(connection):
    """A change that is not confirmed; nobody has sent it."""
    return Write.objects.create(
        workspace=connection.workspace,
        connection=connection,
        entry=log.open_entry(connection.workspace, "lead.create", actor=None),
        form_id="matrix-1",
        action="lead.create",
        kind="leads",
        changes={"visitor_name": "Ada"},
        status="undecided",
    )


def path_of(name, records, slug="acme"):
    rule = WORKSPACE[name]
    keywords = (
        {f"{rule.record.removeprefix('sent_')}_id": records[rule.record]} if rule.record else {}
    )
    return reverse(name, kwargs={"slug": slug, **keywords})


def ask(client, method, path):
    return getattr(client, method)(path, {"next": "/"} if method == "post" else {})


def allowed(role, least):
    return least != NOBODY and ROLES.index(role) >= ROLES.index(least)


@pytest.mark.parametrize("role", ROLES)
def test_a_member_comes_in_exactly_where_the_role_reaches(role, desk, request, client_of):
    member = request.getfixturevalue(role)
    wrong = []
    for name, rule in WORKSPACE.items():
        # The record goes last: what deletes it must not hide it from the others.
        for method, least in (("get", rule.get), ("post", rule.post)):
            if name.endswith(("-delete", "-remove")) and method == "post" and allowed(role, least):
                continue
            status = ask(client_of(member), method, path_of(name, desk)).status_code
            expected = 405 if least == NOBODY else 403
            fine = status == expected if not allowed(role, least) else status in OPEN_DOOR
            if not fine:
                wrong.append((name, method, status))
    assert wrong == []


# What an open door may answer: the page, a way on, or words about what is missing in the form.
OPEN_DOOR = {200, 204, 302, 303, 409, 422}


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_signed_in_is_sent_to_the_sign_in(method, desk):
    wrong = []
    for name, rule in WORKSPACE.items():
        response = ask(Client(), method, path_of(name, desk))
        least = rule.get if method == "get" else rule.post
        to_sign_in = response.status_code == 302 and "/accounts/login/" in response["Location"]
        if not (response.status_code == 405 if least == NOBODY else to_sign_in):
            wrong.append((name, response.status_code))
    assert wrong == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_strangers_workspace_answers_as_one_that_does_not_exist(
    method, desk, stranger, client_of
):
    client, wrong = client_of(stranger), []
    for name in WORKSPACE:
        foreign = ask(client, method, path_of(name, desk))
        missing = ask(client, method, path_of(name, desk, slug="nowhere"))
        same = (foreign.status_code, body_of(foreign)) == (missing.status_code, body_of(missing))
        if foreign.status_code not in {404, 405} or not same:
            wrong.append((name, foreign.status_code, missing.status_code))
    assert wrong == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_foreign_record_answers_as_one_that_does_not_exist(method, desk, stranger, client_of):
    """The stranger asks in a workspace of their own for records of another one."""
    client, wrong = client_of(stranger), []
    missing_ids = dict.fromkeys(desk, 987_654_321)
    for name in (n for n, rule in WORKSPACE.items() if rule.record):
        foreign = ask(client, method, path_of(name, desk, slug="other"))
        missing = ask(client, method, path_of(name, missing_ids, slug="other"))
        if foreign.status_code not in {404, 405} or body_of(foreign) != body_of(missing):
            wrong.append((name, foreign.status_code))
    assert wrong == []


def body_of(response):
    """The page without what the asker brought: its token and the address that was asked for."""
    body = re.sub(
        rb'(csrf-token" content|csrfmiddlewaretoken" value)="[^"]+"', b"", response.content
    )
    return body.replace(response.wsgi_request.path.encode(), b"/asked/")


def test_a_removed_member_is_out_at_once(desk, agent, client_of):
    client = client_of(agent)
    assert client.get(path_of("lead-list", desk)).status_code == 200
    agent.delete()
    assert client.get(path_of("lead-list", desk)).status_code == 404


def test_a_switched_off_user_is_out_at_once(desk, agent, client_of):
    client = client_of(agent)
    agent.user.is_active = False
    agent.user.save()
    assert client.get(path_of("lead-list", desk)).status_code in {302, 404}


def test_a_form_without_its_token_changes_nothing(desk, agent):
    client = Client(enforce_csrf_checks=True)
    client.force_login(agent.user)
    wrong = [
        name
        for name, rule in WORKSPACE.items()
        if rule.post != NOBODY and client.post(path_of(name, desk)).status_code != 403
    ]
    assert wrong == []


def test_nothing_but_webhooks_may_do_without_the_token():
    exempt = [
        path for _, path, _ in addresses()
        if getattr(resolved(path), "csrf_exempt", False)
    ]  # fmt: skip
    assert exempt == ["^hooks/(?P<token>[^/]+)/?$"]


def resolved(path):
    for entry in get_resolver().url_patterns:
        found = _find(entry, path, "")
        if found:
            return found.callback
    raise AssertionError(path)


def _find(entry, path, prefix):
    full = prefix + str(entry.pattern)
    if isinstance(entry, URLResolver):
        return next(filter(None, (_find(e, path, full) for e in entry.url_patterns)), None)
    return entry if full == path else None
