"""An open page's stream, on a real socket: what it brings, whom it lets in, when it ends."""

import http.client
import json

import pytest
from django.test import Client
from django.urls import reverse

from portal.live import store, stream
from portal.live.stream import hub
from portal.models import Membership, Workspace
from tests.stopwatch import stopwatch

SOON = 30.0  # what must come; how soon it must is measured where it matters


class Line:
    """An event stream as a browser hears it: `next()` is (name, data), comments are left out."""

    def __init__(self, url, cookies, path, headers):
        host = url.removeprefix("http://")
        self.connection = http.client.HTTPConnection(host, timeout=SOON)
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        sent = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, br", "Cookie": cookie}
        self.connection.request("GET", path, headers=sent | headers)
        self.response = self.connection.getresponse()

    @property
    def status(self):
        return self.response.status

    def next(self):
        """The next event that is not only a sign of life; None at the end."""
        while True:
            fields = self._fields()
            if fields is None:
                return None
            if "data" in fields and fields.get("event") != "beat":
                data = fields["data"]
                return json.loads(data) if "event" not in fields else (fields["event"], data)

    def _fields(self):
        fields = {}
        while line := self.response.readline().decode():
            if line == "\n":
                return fields
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value
        return None

    def close(self):
        self.connection.close()


@pytest.fixture
def listen(live_server):
    """`listen(member, after=3)`: a stream of the member's workspace."""
    lines = []

    def listen(member, *, client=None, headers=None, **query):
        client = client or Client()
        client.force_login(member.user)
        path = reverse("live", args=[member.workspace.slug])
        path += "".join(f"?{name}={value}" for name, value in query.items())
        line = Line(live_server.url, client.cookies, path, headers or {})
        lines.append(line)
        return line

    yield listen
    for line in lines:
        line.close()


@pytest.fixture(autouse=True)
def _nobody_listens_from_before():
    hub.end_all()
    yield
    hub.end_all()


@pytest.fixture
def desk(transactional_db, workspace, owner):
    store.note(workspace.pk, "leads", [1, 2])
    return owner


def kinds(news):
    return {(change["kind"], change["id"]) for change in news["changes"]}


def test_a_change_is_told_within_two_seconds(desk, listen):
    line = listen(desk)
    assert line.response.getheader("Content-Type") == "text/event-stream"
    assert line.response.getheader("Content-Encoding") is None
    assert "no-store" in line.response.getheader("Cache-Control")
    with stopwatch() as took:
        store.note(desk.workspace_id, "leads", [7, 8])
        news = line.next()
        assert took() < 2
    assert (news["number"], kinds(news)) == (2, {("leads", 7), ("leads", 8)})
    assert (news["counts"], news["complete"]) == ({"leads": 2}, True)
    assert hub._streams[0].number == 2


def test_who_comes_back_with_a_number_hears_what_was_missed(desk, listen):
    line = listen(desk, after=0)
    assert kinds(line.next()) == {("leads", 1), ("leads", 2)}
    line.close()
    store.note(desk.workspace_id, "contacts", [3])
    store.note(desk.workspace_id, "contacts", [3, 4])
    news = listen(desk, after=1).next()
    assert (news["number"], kinds(news)) == (3, {("contacts", 3), ("contacts", 4)})


def test_the_number_a_browser_kept_by_itself_counts_too(desk, listen):
    store.note(desk.workspace_id, "leads", [9])
    news = listen(desk, after=0, headers={"Last-Event-ID": "1"}).next()
    assert kinds(news) == {("leads", 9)}


def test_pages_of_different_ages_hear_each_what_is_new_to_them(desk, listen):
    old, new = listen(desk, after=0), listen(desk)
    store.note(desk.workspace_id, "leads", [5])
    assert kinds(old.next()) >= {("leads", 1), ("leads", 2)}
    assert kinds(new.next()) == {("leads", 5)}


def test_a_number_of_another_time_means_read_everything(desk, listen):
    news = listen(desk, after=99).next()
    assert (news["number"], news["changes"], news["complete"]) == (1, [], False)


def test_nobody_hears_of_another_workspace(desk, stranger, listen):
    ours, theirs = listen(desk), listen(stranger)
    store.note(stranger.workspace_id, "leads", [666])
    store.note(desk.workspace_id, "contacts", [1])
    assert kinds(theirs.next()) == {("leads", 666)}
    assert kinds(ours.next()) == {("contacts", 1)}
    assert listen(stranger, after=0).next()["number"] == 1


def test_a_member_of_two_workspaces_hears_in_each_only_its_own(desk, stranger, listen):
    guest = Membership.objects.create(workspace=stranger.workspace, user=desk.user, role="viewer")
    here, there = listen(desk), listen(guest)
    store.note(stranger.workspace_id, "leads", [666])
    assert kinds(there.next()) == {("leads", 666)}
    store.note(desk.workspace_id, "leads", [5])
    assert kinds(here.next()) == {("leads", 5)}


def shut_out(how, agent, client):
    if how == "removed":
        agent.delete()
    elif how == "switched off":
        agent.user.is_active = False
        agent.user.save()
    elif how == "signed out":
        client.logout()
    else:
        agent.user.set_password("another horse, another battery")
        agent.user.save()


@pytest.mark.parametrize("how", ["removed", "switched off", "signed out", "new password"])
def test_who_may_not_listen_any_more_loses_the_stream_at_once(how, desk, agent, listen):
    client = Client()
    line, other = listen(agent, client=client), listen(desk)
    with stopwatch() as took:
        shut_out(how, agent, client)
        store.note(desk.workspace_id, "leads", [7])
        assert line.next() == ("bye", "out")
        assert took() < 2
    assert line.next() is None
    assert kinds(other.next()) == {("leads", 7)}


def test_who_is_not_a_member_gets_no_stream(desk, stranger, live_server, listen):
    client = Client()
    client.force_login(stranger.user)
    path = reverse("live", args=["acme"])
    assert Line(live_server.url, client.cookies, path, {}).status == 404
    assert Line(live_server.url, {}, path, {}).status == 302
    assert len(hub) == 0


def test_without_room_the_page_is_asked_to_come_later(desk, agent, viewer, listen, settings):
    settings.LIVE_STREAMS_PER_PROCESS = 2
    assert [listen(member).status for member in (desk, agent)] == [200, 200]
    refused = listen(viewer)
    assert refused.status == 503
    assert int(refused.response.getheader("Retry-After")) >= 1
    assert len(hub) == 2


def test_of_one_persons_streams_the_newest_stay(desk, listen, settings):
    settings.LIVE_STREAMS_PER_PERSON = 2
    first, second, third = listen(desk), listen(desk), listen(desk)
    assert first.next() == ("bye", "full")
    store.note(desk.workspace_id, "leads", [7])
    assert kinds(second.next()) == kinds(third.next()) == {("leads", 7)}


def test_a_stream_ends_by_itself_and_is_taken_up_again(desk, listen, monkeypatch):
    monkeypatch.setattr(stream, "LONGEST_SECONDS", 0.1)
    assert listen(desk).next() == ("bye", "again")


def test_when_the_server_stops_its_streams_end(desk, listen, monkeypatch):
    monkeypatch.setattr(hub, "serving", lambda: False)
    assert listen(desk).next() == ("bye", "again")


def test_an_idle_stream_shows_that_it_is_alive(desk, listen, monkeypatch):
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.2)
    line = listen(desk)
    seen = [line._fields() for _ in range(3)]
    assert [fields.get("event") for fields in seen] == [None, "beat", "beat"] or [
        fields.get("event") for fields in seen
    ] == [None, None, "beat"]


def test_a_waiting_stream_holds_no_database_connection(desk, listen, monkeypatch):
    closed = []
    letting_go = stream._let_go_of_the_database
    monkeypatch.setattr(
        stream,
        "_let_go_of_the_database",
        lambda: (letting_go(), closed.append(_open_connections())),
    )
    line = listen(desk)
    store.note(desk.workspace_id, "leads", [7])
    line.next()
    assert closed
    assert not any(closed)


def _open_connections():
    from django.db import connections

    return [c for c in connections.all(initialized_only=True) if c.connection is not None]


def test_one_look_serves_all_pages_of_a_workspace(desk, agent, viewer, django_assert_num_queries):
    listeners = [
        stream.Listener(m.workspace_id, m.pk, m.user_id, "none", m.user.password)
        for m in (desk, agent, viewer)
    ]
    streams = [stream.Stream(who, 1) for who in listeners * 5]
    store.note(desk.workspace_id, "leads", [7])
    with django_assert_num_queries(2):  # the numbers, the changes
        stream.tell_news(streams)
    with django_assert_num_queries(2):  # members, sessions
        assert stream.still_allowed(set(listeners)) == set()
    with django_assert_num_queries(1):
        stream.tell_news(streams)


def test_after_trouble_with_the_database_the_pages_come_back(desk, listen, monkeypatch):
    line = listen(desk)
    asked = []

    def broken(listeners):
        asked.append(listeners)
        raise RuntimeError("the database went away")

    monkeypatch.setattr(stream, "still_allowed", broken)
    assert line.next() == ("bye", "again")
    monkeypatch.undo()
    assert asked
    store.note(desk.workspace_id, "leads", [7])
    assert kinds(listen(desk, after=1).next()) == {("leads", 7)}


def test_a_removed_workspace_ends_its_streams(desk, stranger, listen):
    line = listen(stranger)
    Workspace.objects.filter(pk=stranger.workspace_id).delete()
    assert line.next() == ("bye", "out")
