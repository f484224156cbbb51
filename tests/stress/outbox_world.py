"""
Processes that write and are killed: run by test_writes_survive_kills.py, never by pytest.

    python outbox_world.py PLAN.json

Forks "web" processes that press save (`writes.submit`) and "workers" that look up and send,
kills one at random with SIGKILL every few milliseconds, starts another in its place, and lets
a browser repeat the form of every press that was killed. At the end it is quiet until nothing
is on its way. Prints one line of JSON: what people were told, and how many were killed.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections as databases  # noqa: E402

from portal.budget import breaker  # noqa: E402
from portal.errors import PortalError  # noqa: E402
from portal.models import Connection, Contact, Conversation, Lead, Membership, Write  # noqa: E402
from portal.services import recovery, sending, writes  # noqa: E402
from portal.services.contacts import create_contact, update_contact  # noqa: E402
from portal.services.conversations import add_note, send_reply, start_conversation  # noqa: E402
from portal.services.leads import create_lead, delete_lead, update_lead  # noqa: E402

# Hours pass in seconds here.
writes.RETRY_SECONDS = recovery.FIRST_WAIT_SECONDS = 0.2
writes.LONGEST_WAIT_SECONDS = recovery.LONGEST_WAIT_SECONDS = 1.0
breaker.FIRST_PAUSE_SECONDS, breaker.LONGEST_PAUSE_SECONDS = 0.1, 0.5
settings.WRITE_DEADLINE_SECONDS = 1.0
settings.HOLD_SECONDS = 0.2


class World:
    """The plan, the children, and what they told."""

    def __init__(self, plan):
        self.plan, self.chance = plan, random.Random(plan["seed"])
        self.folder = Path(plan["folder"])
        self.children = {}  # pid: what it does
        self.kills = 0
        self.turns, self.at_points = Counter(), Counter()
        self.started = 0

    def fork(self, name, deed, *words):
        """A process of its own that does `deed` and ends."""
        databases.close_all()
        self.started += 1
        child = os.fork()
        if child == 0:
            code = 1
            try:
                settings.CRASH_AT = words[-1]
                deed(words[0])
                code = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(code)
        self.children[child] = (name, words)

    def reap(self):
        """Children that ended: (name, words, whether they were killed)."""
        ended = []
        while self.children:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if child == 0:
                break
            name, words = self.children.pop(child)
            if os.WIFEXITED(status) and os.WEXITSTATUS(status):
                raise SystemExit(f"a {name} process failed by itself: {words}")
            ended.append((name, words, os.WIFSIGNALED(status)))
        return ended

    def kill_one(self):
        if self.children:
            child = self.chance.choice(list(self.children))
            os.kill(child, signal.SIGKILL)
            self.kills += 1

    def tell(self, number, said):
        """What the person at the browser was told, before the process could die again."""
        path = self.folder / "told.jsonl"
        with path.open("a") as told:
            told.write(json.dumps([number, said]) + "\n")


def press(world, numbers):
    """Somebody presses save on these forms, one after the other."""
    member = Membership.objects.select_related("workspace", "user").get(role="agent")
    links = {c.provider: c for c in Connection.objects.select_related("workspace")}
    for number in numbers:
        try:
            outcome = _write(world.plan, number, member, links)
        except PortalError as error:
            world.tell(number, f"refused: {type(error).__name__}")
        else:
            world.tell(number, outcome.write.status)


def _write(plan, number, member, links):
    """The write of this number: always the same one, so that a repeat is a repeat."""
    what, target = plan["writes"][number]
    token, form = f"token-{number}", {"actor": member, "form_id": f"form-{number}"}
    kind, _, verb = what.partition(".")
    if verb == "create":
        make, provider, values = CREATIONS[kind]
        return make(
            links[provider], {n: v.replace(TOKEN, token) for n, v in values.items()}, **form
        )
    model, do, field = CHANGES[what]
    row = _find(model, target)
    if kind == "message":
        return do(row, f"{token}: your parcel left our house this morning", **form)
    if verb == "delete":
        return do(row, **form)
    return do(row, {field: token}, before={field: row.raw.get(field)}, **form)


TOKEN = "<token>"
CREATIONS = {
    "lead": (create_lead, "nexadesk", {"visitor_name": TOKEN}),
    "contact": (
        create_contact,
        "nexadesk",
        {"first_name": TOKEN, "email": f"{TOKEN}@delta.example"},
    ),
    "conversation": (start_conversation, "dexra", {"user_id": "u_1", "subject": TOKEN}),
}
CHANGES = {
    "message.send": (Conversation, send_reply, ""),
    "message.note": (Conversation, add_note, ""),
    "lead.update": (Lead, update_lead, "need_summary"),
    "contact.update": (Contact, update_contact, "profile_notes"),
    "lead.delete": (Lead, delete_lead, ""),
}


def _find(model, upstream_id):
    """Our copy, as a page would have it."""
    rows = model._default_manager.select_related("connection", "workspace")
    row = rows.get(upstream_id=upstream_id)
    row.connection.workspace = row.workspace
    return row


def work(seconds):
    """A worker: looks up what is in doubt and sends what waits, again and again."""
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        recovery.look_up_due(seconds=5)
        sending.send_due(seconds=5)
        time.sleep(0.05)


def storm(world):
    """Until every form was pressed and enough processes were killed."""
    plan = world.plan
    forms = [list(part) for part in _parts(range(len(plan["writes"])), plan["forms_each"])]
    next_kill = time.monotonic()
    while forms or world.kills < plan["kills"] or _webs(world):
        forms = _repeat_what_was_killed(world) + forms
        while len(_webs(world)) < plan["webs"] and forms:
            world.fork("web", partial(press, world), forms.pop(0), _point(world, "web"))
        while sum(name == "worker" for name, _ in world.children.values()) < plan["workers"]:
            world.fork("worker", work, 3, _point(world, "worker"))
        if world.kills < plan["kills"] and time.monotonic() > next_kill:
            world.kill_one()
            next_kill = time.monotonic() + world.chance.uniform(*plan["kill_every"])
        if not forms and not _webs(world) and not _open():
            break
        time.sleep(0.002)


def _repeat_what_was_killed(world):
    """The browser repeats the form that got no answer, and goes on."""
    again = []
    for name, words, killed in world.reap():
        told = _told(world) if name == "web" and killed else set()
        world.at_points[words[-1]] += killed
        rest = [n for n in words[0] if n not in told] if name == "web" and killed else []
        again += [rest] if rest else []
    return again


def _point(world, name):
    """The named point at which the next process of this name ends, one after the other."""
    points = world.plan["points"].get(name, [])
    if not points:
        return ""
    world.turns[name] += 1
    return points[world.turns[name] % len(points)]


def _webs(world):
    return [name for name, _ in world.children.values() if name == "web"]


def _told(world):
    path = world.folder / "told.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return {json.loads(line)[0] for line in lines if line.endswith("]")}


def _parts(numbers, size):
    return [numbers[n : n + size] for n in range(0, len(numbers), size)]


def _open():
    count = Write.objects.filter(status__in=["queued", "in_flight", "unknown"]).count()
    databases.close_all()
    return count


def quiet(world, seconds):
    """No more kills and faults: until nothing is on its way, or nothing has moved for so long."""
    for child in list(world.children):
        os.kill(child, signal.SIGKILL)
    while world.children:
        world.reap()
        time.sleep(0.01)
    (world.folder / "quiet").touch()
    fewest, moved = None, time.monotonic()
    while (left := _open()) and time.monotonic() < moved + seconds:
        if fewest is None or left < fewest:
            fewest, moved = left, time.monotonic()
        recovery.look_up_due(seconds=5)
        sending.send_due(seconds=5)
        time.sleep(0.1)


def main():
    plan = json.loads(Path(sys.argv[1]).read_text())
    world = World(plan)
    began = time.monotonic()
    storm(world)
    stormed = time.monotonic() - began
    quiet(world, seconds=60)
    report = {
        "kills": world.kills,
        "at_points": world.at_points,
        "processes": world.started,
        "storm_seconds": round(stormed, 1),
        "seconds": round(time.monotonic() - began, 1),
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
