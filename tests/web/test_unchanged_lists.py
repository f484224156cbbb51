"""A list that did not change is not made again for who already has it."""

from http import HTTPStatus

import pytest
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import MessageEncoder

from portal.live import store
from portal.models import Connection
from portal.sandbox.data.fill import Amounts, fill
from portal.web import unchanged

LISTS = [
    "/w/acme/leads/",
    "/w/acme/conversations/",
    "/w/acme/leads/?sort=-amount&stage=new",
    "/w/acme/leads/board/?source=widget",
]


@pytest.fixture
def client(sandbox, nexadesk, synced, owner, client_of):
    fill(sandbox, Amounts(leads=30, contacts=3, conversations=30, dexra_conversations=0))
    synced(nexadesk)
    client = client_of(owner)
    client.get(LISTS[0])  # the first answer sets the token's cookie
    return client


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch):
    """The coarse clock stands: no test falls on its edge."""
    monkeypatch.setattr(unchanged.time, "time", lambda: 1_000_000.0)


def again(client, path, mark, **headers):
    return client.get(path, headers={"If-None-Match": mark} | headers)


@pytest.mark.parametrize("path", LISTS)
def test_an_unchanged_list_is_304_with_few_queries(path, client, django_assert_max_num_queries):
    first = client.get(path)
    assert first["ETag"].startswith('W/"')
    with django_assert_max_num_queries(4):
        answer = again(client, path, first["ETag"])
    assert answer.status_code == HTTPStatus.NOT_MODIFIED
    assert answer.content == b""


@pytest.mark.parametrize("path", LISTS)
def test_no_browser_keeps_a_list(path, client):
    first = client.get(path)
    answers = [first, again(client, path, first["ETag"])]
    assert [answer["Cache-Control"] for answer in answers] == ["no-store"] * 2
    for answer in answers:
        assert {"Cookie", "HX-Request", "X-Live"} <= set(answer["Vary"].split(", "))


def changed_record(client, owner):
    store.note(owner.workspace_id, "leads", [1])


def changed_role(client, owner):
    owner.role = "viewer"
    owner.save()


def changed_look(client, owner):
    client.cookies["theme"] = "dark"


def changed_connection(client, owner):
    Connection.objects.update(may_write=False)


def changed_name(client, owner):
    owner.workspace.name = "Acme & Sons"
    owner.workspace.save()


def changed_session(client, owner):
    client.logout()
    client.force_login(owner.user)


def something_to_say(client, owner):
    session = client.session
    session["_messages"] = MessageEncoder().encode([Message(constants.SUCCESS, "Deleted")])
    session.save()


@pytest.mark.parametrize(
    "change",
    [
        changed_record,
        changed_role,
        changed_look,
        changed_connection,
        changed_name,
        changed_session,
        something_to_say,
    ],
)
def test_whatever_the_page_shows_makes_another_page(change, client, owner):
    mark = client.get(LISTS[0])["ETag"]
    change(client, owner)
    assert again(client, LISTS[0], mark).status_code == HTTPStatus.OK


def test_time_makes_another_page(client, monkeypatch):
    mark = client.get(LISTS[0])["ETag"]
    monkeypatch.setattr(unchanged.time, "time", lambda: 1_000_000.0 + unchanged.COARSE_SECONDS)
    assert again(client, LISTS[0], mark).status_code == HTTPStatus.OK


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"X-Live": "1"}])
def test_a_piece_is_not_taken_for_the_page(headers, client):
    mark = client.get(LISTS[0])["ETag"]
    assert again(client, LISTS[0], mark, **headers).status_code == HTTPStatus.OK


def test_another_address_or_person_is_another_page(client, agent, client_of):
    mark = client.get(LISTS[0])["ETag"]
    assert again(client, LISTS[2], mark).status_code == HTTPStatus.OK
    assert again(client_of(agent), LISTS[0], mark).status_code == HTTPStatus.OK


def test_a_page_that_reads_itself_anew_leaves_what_is_said_once(client, owner):
    something_to_say(client, owner)
    assert b"Deleted" not in client.get(LISTS[0], headers={"X-Live": "1"}).content
    assert b"Deleted" in client.get(LISTS[0]).content
    assert b"Deleted" not in client.get(LISTS[0]).content
