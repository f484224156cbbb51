"""People find a conversation: newest activity first, narrowed by the address, honest when empty."""

import re

import pytest

from portal.models import Connection, Conversation

LIST = "/w/acme/conversations/"


def names(response):
    html = response.content.decode()
    return re.findall(r'<span class="who" dir="auto">(.*?)</span>', html)


@pytest.fixture
def desk(sandbox, nexadesk, dexra, synced):
    """Three conversations of NexaDesk, one archived, and one of Dexra."""
    sandbox.add_conversation(
        visitor_name="Lena Quay", status="open", source="widget", tags=["delivery"],
        created_at="2026-04-01T08:00:00.000Z", updated_at="2026-04-06T08:00:00.000Z",
        last_message="When will it arrive?",
    )  # fmt: skip
    sandbox.add_conversation(
        visitor_name="Omar Haddad", status="active", source="whatsapp",
        created_at="2026-04-02T08:00:00.000Z", updated_at="2026-04-07T08:00:00.000Z",
    )  # fmt: skip
    sandbox.add_conversation(
        visitor_name="Mara Cove", status="archived", source="widget",
        created_at="2026-04-03T08:00:00.000Z", updated_at="2026-04-05T08:00:00.000Z",
    )  # fmt: skip
    sandbox.add_dexra_conversation(
        subject="Invoice copy", status="snoozed", created_at="2026-04-04T08:00:00Z"
    )
    synced(nexadesk)
    synced(dexra)


def test_newest_activity_comes_first(desk, viewer, client_of):
    response = client_of(viewer).get(LIST)

    assert names(response) == ["Omar Haddad", "Lena Quay", "Mara Cove", "Invoice copy"]
    assert b"Choose a conversation" in response.content


def test_archived_is_shown_as_closed(desk, viewer, client_of):
    response = client_of(viewer).get(LIST, {"state": "closed"})

    assert names(response) == ["Mara Cove"]
    assert re.search(
        r'class="badge neutral" id="state-\d+"><span>Closed<', response.content.decode()
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"state": ["open", "snoozed"]}, ["Omar Haddad", "Lena Quay", "Invoice copy"]),
        ({"status": "active"}, ["Omar Haddad"]),
        ({"channel": "widget"}, ["Lena Quay", "Mara Cove"]),
        ({"tag": "delivery"}, ["Lena Quay"]),
        ({"q": "ARRIVE"}, ["Lena Quay"]),
        ({"state!": "open"}, ["Mara Cove", "Invoice copy"]),
        ({"state": "open", "channel": "whatsapp"}, ["Omar Haddad"]),
    ],
)
def test_filters_narrow_the_list(desk, viewer, client_of, asked, found):
    assert names(client_of(viewer).get(LIST, asked)) == found


def test_one_service_alone(desk, viewer, client_of):
    dexra = Connection.objects.get(provider="dexra")

    assert names(client_of(viewer).get(LIST, {"connection": dexra.pk})) == ["Invoice copy"]


@pytest.mark.parametrize(
    "query",
    [
        "state=asleep", "status=nope", "connection=x", "connection=999999999999999999999", "nope=1",
        "sort=-nope", "after=%00", "after=e30", "before=!!!", "per=7", "from=-1&after=x",
        "active_since=yesterday", "channel=%00", "q=%00", "state!=%F0%9F%98%80",
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_said_and_left_out(desk, viewer, client_of, query):
    response = client_of(viewer).get(f"{LIST}?{query}")

    assert response.status_code == 200
    if query != "q=%00":
        assert b'class="banner warn"' in response.content
    assert len(names(response)) == 4


def test_no_hits_name_the_way_back(desk, viewer, client_of):
    response = client_of(viewer).get(LIST, {"q": "nobody has said this"})

    assert b"No conversation matches" in response.content
    assert names(response) == []


def test_a_workspace_without_a_connection_says_where_to_begin(admin, client_of):
    response = client_of(admin).get(LIST)

    assert b"Nothing is connected yet" in response.content
    assert b"/w/acme/settings/connections/" in response.content


def test_the_list_takes_at_most_eight_queries(
    desk, viewer, client_of, django_assert_max_num_queries
):
    client = client_of(viewer)
    with django_assert_max_num_queries(8):
        client.get(LIST, {"state": "open", "q": "e"})


def test_htmx_gets_the_list_alone_and_the_address_for_the_bar(desk, viewer, client_of):
    response = client_of(viewer).get(
        LIST, {"state": "open"}, headers={"HX-Request": "true", "HX-Target": "div#results"}
    )

    assert b"<html" not in response.content
    assert names(response) == ["Omar Haddad", "Lena Quay"]
    assert response["HX-Push-Url"] == f"{LIST}?state=open"
    assert "HX-Request" in response["Vary"]


def test_filtering_beside_an_open_conversation_keeps_it_open(desk, viewer, client_of):
    lena = Conversation.objects.get(visitor_name="Lena Quay")
    path = f"{LIST}{lena.pk}/"
    headers = {"HX-Request": "true", "HX-Target": "div#results"}

    response = client_of(viewer).get(path, {"channel": "widget"}, headers=headers)

    assert names(response) == ["Lena Quay", "Mara Cove"]
    assert response["HX-Push-Url"] == f"{path}?channel=widget"
    assert f'id="conversation-{lena.pk}" href="{path}?channel=widget" aria-current="true"' in (
        response.content.decode()
    )


def test_pages_hold_every_conversation_once(sandbox, nexadesk, synced, viewer, client_of):
    for n in range(57):
        sandbox.add_conversation(visitor_name=f"V{n}", created_at="2026-04-03T08:00:00.000Z")
    synced(nexadesk)
    client, seen, path = client_of(viewer), [], f"{LIST}?per=25"
    while path:
        html = client.get(path).content.decode()
        seen += re.findall(r'<span class="who" dir="auto">(.*?)</span>', html)
        found = re.search(r'rel="next" href="([^"]+)"', html)
        path = found and found[1].replace("&amp;", "&")

    assert sorted(seen) == sorted(f"V{n}" for n in range(57))


def test_a_plain_search_beside_an_open_conversation_leads_to_a_tidy_address(
    desk, viewer, client_of
):
    lena = Conversation.objects.get(visitor_name="Lena Quay")

    response = client_of(viewer).get(f"{LIST}{lena.pk}/?q=omar&tag=&active_since=&per=")

    assert response["Location"] == f"{LIST}{lena.pk}/?q=omar"
