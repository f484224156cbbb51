"""
The correctness machine: whatever happens between any two pages, once it is quiet one pass
makes the copy equal to the source, content compared, not counts.

Hypothesis chooses what others do (make, change, delete), when (before a pass, or between any
two of its pages), the size of the pages, what the services answer wrongly, which webhooks are
lost, doubled or late, and where the process is killed. 100 stories in the suite, 500 by
`make stress`.
"""

import contextlib
import json
import os
from datetime import timedelta

import pytest
from django.db.models import F
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from portal import crash as crashes
from portal.budget.models import Breaker, Window
from portal.deliveries import store
from portal.mirror import columns, counters
from portal.models import (
    Connection,
    Contact,
    Conversation,
    Delivery,
    Lead,
    Membership,
    Message,
    Seen,
    SetAside,
    SyncRun,
    SyncState,
    User,
    Workspace,
)
from portal.providers import http
from portal.providers.dexra import parse as dexra_parse
from portal.providers.nexadesk import parse as nexadesk_parse
from portal.sandbox import Fault, Sandbox, serve
from portal.services import checks, connections, deliveries
from portal.services.applying import apply_due
from portal.services.checks import NotMissingAnyMore
from portal.services.sync import How, sync_connection
from portal.services.sync_walks import CutShort
from portal.vault import store as vault
from portal.vault.seal import Secret

# Several parts, so that they can run side by side.
PARTS = 4
STORIES = int(
    os.environ.get("CROSSDESK_STORIES", "500" if os.environ.get("CROSSDESK_STRESS") else "100")
)
# A story that fails is made shorter only on demand: that can take minutes.
SHORTER = (Phase.shrink,) if os.environ.get("CROSSDESK_SHRINK") else ()
PHASES = (Phase.generate, *SHORTER)
KINDS = ("leads", "contacts", "conversations", "dexra_conversations")
FAULTS = {
    **{
        name: Fault.shape(name)
        for name in (
            "success_false",
            "data_not_list",
            "data_missing",
            "data_null",
            "no_pagination",
            "looping_cursor",
            "has_more_without_cursor",
            "empty_page",
            "nothing_listed",
            "reversed",
            "repeated_row",
        )
    },
    **{f"status {code}": Fault.status(code) for code in (400, 401, 403, 404, 429, 500, 503)},
    "a web page": Fault.html(),
    "garbage": Fault.garbage(),
    "an empty body": Fault.empty(),
    "a cut body": Fault.cut_body(),
    "a wrong length": Fault.wrong_content_length(-3),
    "a reset": Fault.reset_before_apply(),
    "a reset in the body": Fault.reset_during("body"),
}
POINTS = (
    "sync.after_fetch",
    "sync.in_page",
    "sync.after_page",
    "sync.before_complete",
    "sync.in_gone",
    "sync.after_gone",
)

indexes = st.integers(0, 30)
words = st.sampled_from(["Ada", "Zoë 名前", "\x00", "", "a" * 9, "É"])
kinds = st.sampled_from(KINDS)
kills = st.one_of(st.none(), st.tuples(st.sampled_from(POINTS), st.integers(1, 8)))
deeds = st.one_of(
    st.tuples(st.just("add"), kinds, st.integers(1, 6), words),
    st.tuples(st.just("edit"), kinds, indexes, words),
    st.tuples(st.just("delete"), kinds, indexes, st.just("")),
    st.tuples(st.just("say"), st.sampled_from(KINDS[2:]), indexes, words),
)


def texts_of(row):
    """All texts of a record in one."""
    if isinstance(row, dict):
        return "".join(map(texts_of, row.values()))
    return row if isinstance(row, str) else ""


def differences(source, copy):
    """Where two sets of records differ: (id, field, there, here)."""
    return [
        (name, field, row[field], copy[name][field])
        for name, row in source.items()
        for field in row
        if row[field] != copy[name][field]
    ]


class Killed(BaseException):
    """The process is gone: nothing in the program may handle this."""


class World:
    """Both services with their data, and what other people do to it."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def rows(self, kind):
        return getattr(self.sandbox, kind)

    def do(self, deed, kind, number, word):
        one = kind.removesuffix("s")
        if deed == "add":
            for _ in range(number):
                getattr(self.sandbox, f"add_{one}")(**self.fields(kind, word))
            return
        rows = self.rows(kind)
        if not rows:
            return
        target = rows[number % len(rows)]["id"]
        if deed == "say":
            say = self.sandbox.add_message if one == "conversation" else None
            (say or self.sandbox.incoming_message)(target, word or "Hello")
        elif deed == "delete":
            getattr(self.sandbox, f"delete_{one}")(target)
        else:
            getattr(self.sandbox, f"edit_{one}")(target, **self.fields(kind, word))

    def fields(self, kind, word):
        names = {
            "leads": "visitor_name",
            "contacts": "first_name",
            "conversations": "visitor_name",
            "dexra_conversations": "subject",
        }
        return {names[kind]: word}

    def shown(self, kind):
        return {
            row["id"]: {k: v for k, v in row.items() if not k.startswith("_")}
            for row in self.rows(kind)
        }


class CopyMachine(RuleBasedStateMachine):
    done = 0

    def __init__(self):
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.sandbox = self.stack.enter_context(serve(Sandbox()))
        self.django.PROVIDER_BASE_URLS = {
            "nexadesk": self.sandbox.nexadesk_url,
            "dexra": self.sandbox.dexra_url,
        }
        self.world = World(self.sandbox)
        self.workspace = Workspace.objects.create(slug="acme", name="Acme")
        user = User.objects.create_user("admin@acme.example", "correct horse battery staple")
        self.admin = Membership.objects.create(workspace=self.workspace, user=user, role="admin")
        for provider in ("nexadesk", "dexra"):
            key = Secret(self.sandbox.key(provider, rate=None))
            connections.add(self.workspace, provider, key, actor=None)
        Window.objects.update(limit=100_000)
        self.between = []
        self.kill = None
        self.told = []
        self.sandbox.webhooks.emit = self.tell

    def tell(self, provider, event, told, **_):
        """A webhook leaves; one dated 2999 is lost, for nothing could be held against it."""
        if not str(told.get("data", {}).get("updated_at")).startswith("2999"):
            self.told.append((provider, event, told))

    # What others do

    @initialize(number=st.integers(0, 12), copied=st.booleans())
    def they_begin_with_some_records(self, number, copied):
        for kind in KINDS:
            self.world.do("add", kind, number, "Grace")
        if copied:
            self.every_connection(limit=5)

    @rule(deed=deeds)
    def others(self, deed):
        self.world.do(*deed)

    @rule(todo=st.lists(deeds, min_size=1, max_size=6))
    def others_between_the_next_pages(self, todo):
        self.between += todo

    @rule(
        name=st.sampled_from(sorted(FAULTS)),
        path=st.sampled_from(["/leads", "/contacts", "/conversations", "*"]),
        skip=st.integers(0, 3),
        times=st.integers(1, 4),
    )
    def goes_wrong(self, name, path, skip, times):
        if skip:
            self.sandbox.fault("*", "GET", path, Fault.delay(0), times=skip)
        self.sandbox.fault("*", "GET", path, FAULTS[name], times=times)

    @rule(index=indexes, mended=st.booleans())
    def a_lead_from_the_far_future(self, index, mended):
        rows = self.sandbox.leads
        if not rows:
            return
        lead = rows[index % len(rows)]["id"]
        self.sandbox.edit_lead(lead, updated_at="2999-01-01T00:00:00.000Z")
        if mended:
            self.every_connection(limit=7)
            # Others may have deleted it meanwhile.
            if lead in {row["id"] for row in self.sandbox.leads}:
                self.sandbox.edit_lead(lead, visitor_name="Mended")

    # What we do

    @rule(limit=st.integers(1, 7), in_turn=st.booleans(), kill=kills)
    def a_pass(self, limit, in_turn, kill):
        self.kill = list(kill) if kill else None
        self.every_connection(limit, in_turn=in_turn)
        self.kill = None

    @rule(limit=st.integers(1, 7), kill=kills)
    def a_full_pass(self, limit, kill):
        self.kill = list(kill) if kill else None
        self.every_connection(limit, full=True)
        self.kill = None

    @rule(which=st.lists(indexes, max_size=8), sync=st.booleans())
    def webhooks_arrive(self, which, sync):
        """In any order, some twice, the others lost or late."""
        if self.told and self.hear([self.told[i % len(self.told)] for i in which]) and sync:
            self.every_connection(limit=7)

    @rule()
    def an_admin_asks_for_a_check(self):
        for connection in self.connections():
            checks.check_everything(connection, actor=self.admin)

    @precondition(lambda self: SyncState.objects.filter(missing__gt=0).exists())
    @rule(sure=st.booleans())
    def an_admin_decides(self, sure):
        self.decide(sure=sure)

    @rule()
    def hours_pass(self):
        self.later(hours=5)

    # At the end

    def teardown(self):
        try:
            self.quiet()
        finally:
            self.stack.close()
            Workspace.objects.all().delete()
            User.objects.all().delete()
            Window.objects.all().delete()
            Breaker.objects.all().delete()

    def quiet(self):
        """Nothing happens any more: one pass, and what it asked for."""
        self.sandbox.clear_faults()
        self.between = []
        self.later(hours=5)
        self.one_quiet_pass(limit=5)
        self.assert_equal(exact=KINDS)
        self.later(hours=30)
        self.one_quiet_pass(limit=7)
        self.assert_equal(exact=KINDS)
        assert counters.drift(self.workspace) == {}
        # What was told long ago comes once more: late and twice changes nothing.
        self.hear(self.told[::-1])
        self.assert_equal(exact=KINDS)
        assert not Seen.objects.exists()
        type(self).done += 1

    def one_quiet_pass(self, limit):
        reports = self.every_connection(limit)
        assert [r for r in reports if r.error not in ("", CutShort.message)] == []

    def assert_equal(self, exact):
        if SyncState.objects.filter(missing__gt=0).exists():
            self.decide(sure=True)
        for kind in KINDS:
            source, copy, aside = self.world.shown(kind), self.copies(kind), self.aside(kind)
            odd = {name for name, row in source.items() if "\x00" in texts_of(row)}
            # What no database can hold is set aside by name; a copy from before may stay.
            assert odd == aside, kind
            kept = {name: row for name, row in copy.items() if name not in odd}
            source = {name: row for name, row in source.items() if name not in odd}
            assert source.keys() == kept.keys(), kind
            # A conversation's detail tells more than its list item.
            if kind.endswith("conversations"):
                kept = {name: {k: kept[name].get(k) for k in row} for name, row in source.items()}
            assert {n: set(r) for n, r in source.items()} == {n: set(r) for n, r in kept.items()}
            if kind in exact:
                assert differences(source, kept) == [], kind
        said = {
            (row["last_message"]["id"], row["last_message"]["text"] or "")
            for row in self.world.shown("dexra_conversations").values()
            if row["last_message"] and row["last_message"]["text"] and "\x00" not in texts_of(row)
        }
        known = set(Message.objects.values_list("upstream_id", "text"))
        assert said <= known

    def aside(self, kind):
        provider = "dexra" if kind.startswith("dexra") else "nexadesk"
        rows = SetAside.objects.filter(
            connection__provider=provider, kind=kind.removeprefix("dexra_")
        )
        return set(rows.values_list("upstream_id", flat=True))

    def copies(self, kind):
        """What we have: `raw`, once the columns are seen to say the same."""
        provider = "dexra" if kind.startswith("dexra") else "nexadesk"
        model, read, fill = {
            "leads": (Lead, nexadesk_parse.lead, columns.lead_columns),
            "contacts": (Contact, nexadesk_parse.contact, columns.contact_columns),
            "conversations": (
                Conversation,
                nexadesk_parse.conversation,
                columns.conversation_columns,
            ),
            "dexra_conversations": (
                Conversation,
                dexra_parse.conversation,
                columns.conversation_columns,
            ),
        }[kind]
        found = {}
        for row in model.objects.filter(connection__provider=provider, gone_at=None):
            values = fill(read(row.raw))
            if model is Conversation:
                # Its search text and last message also know what webhooks told.
                values = {name: values[name] for name in ("subject", "status", "name_key")}
            assert {name: getattr(row, name) for name in values} == values
            found[row.upstream_id] = row.raw
        return found

    def hear(self, events):
        """Webhooks come in and are applied; whether they ask for a pass."""
        wanted = False
        for connection in self.connections():
            hooks = deliveries.webhooks_of(connection)
            store.keep(
                [
                    deliveries._arrival(connection, hooks, body, verified=True)
                    for provider, _event, told in events
                    if provider == connection.provider
                    for body in [json.dumps(told, separators=(",", ":")).encode()]
                ]
            )
            self.a_minute_passes(connection)
            wanted |= apply_due(connection).sync_wanted
        return wanted

    def connections(self):
        return list(Connection.objects.select_related("workspace").order_by("id"))

    def every_connection(self, limit, *, full=False, in_turn=False):
        how = How(self.look_on, 0 if in_turn else None, 0, limit)
        reports = []
        for connection in self.connections():
            self.a_minute_passes(connection)
            with contextlib.suppress(Killed):
                reports += sync_connection(connection, full=full, how=how)
        return reports

    def look_on(self, _state):
        if self.between:
            self.world.do(*self.between.pop(0))

    def a_minute_passes(self, connection):
        """The budget is whole again, and a service that was left alone is tried once more."""
        Window.objects.update(calls=[], closed_until=0, limit=100_000)
        Breaker.objects.update(open_until=0)
        vault.forget_trouble(connection)

    def decide(self, *, sure):
        for state in SyncState.objects.filter(missing__gt=0).select_related("connection"):
            connection = Connection.objects.select_related("workspace").get(pk=state.connection_id)
            if not sure:
                checks.dismiss_missing(state, connection, actor=self.admin)
                continue
            with contextlib.suppress(NotMissingAnyMore):
                checks.confirm_missing(state, connection, actor=self.admin)

    def later(self, **age):
        """As though so much time had passed with nothing running."""
        age = timedelta(**age)
        for state in SyncState.objects.all():
            notes = dict(state.check_notes)
            notes.pop("tried", None)
            SyncState.objects.filter(pk=state.pk).update(
                checked_at=state.checked_at and state.checked_at - age,
                check_started_at=state.check_started_at and state.check_started_at - age,
                check_notes=notes,
                check_pause=min(state.check_pause, 60),
                lease_until=None,
            )
        SyncRun.objects.update(started_at=F("started_at") - age)
        SetAside.objects.update(seen_at=F("seen_at") - age)
        Delivery.objects.update(not_before=None, lease_until=None)
        for model in (Lead, Contact, Conversation):
            model.objects.update(seen_at=F("seen_at") - age, gone_at=F("gone_at") - age)

    def armed(self, name):
        if self.kill and name == self.kill[0]:
            self.kill[1] -= 1
            if not self.kill[1]:
                raise Killed(name)
        return False


@pytest.mark.django_db
# Many stories in one test: the limit of a single test is not for this one.
@pytest.mark.timeout(7200 if os.environ.get("CROSSDESK_STRESS") else 1500)
@pytest.mark.parametrize("part", range(PARTS))
def test_after_quiet_the_copy_equals_the_source(part, settings, monkeypatch, capsys):
    monkeypatch.setattr(http, "FIRST_BACKOFF_SECONDS", 0.0001)
    running, stories = [], -(-STORIES // PARTS)

    class Machine(CopyMachine):
        django, done = settings, 0

        def __init__(self):
            running[:] = [self]
            super().__init__()

    monkeypatch.setattr(crashes, "armed", lambda name: running[-1].armed(name))  # noqa: PLW0108
    if not os.environ.get("CROSSDESK_STRESS"):
        seed(part)(Machine)  # the same stories each time, in each part others
    run_state_machine_as_test(Machine, settings=settings_of(stories))
    with capsys.disabled():
        told = f"{min(Machine.done, stories)} of {stories} stories"
        print(f"\ncopy equals source: {told}")  # noqa: T201
    assert Machine.done >= stories


def settings_of(stories):
    return settings(
        max_examples=stories,
        stateful_step_count=16,
        deadline=None,
        database=None,
        phases=PHASES,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
