"""What a workspace looks like today: what is there, what is on its way, what is wrong."""

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.mirror import store
from portal.models import Connection, Membership, SyncState, User, Workspace, Write
from portal.sandbox import Fault
from portal.services.leads import create_lead, update_lead
from portal.services.sync import sync_connection

HOME = "/w/acme/"
PROGRESS = "/w/acme/progress/"
QUERIES = 10


@pytest.fixture
def desk(sandbox, nexadesk, dexra, synced):
    """Five leads in four stages, a contact, three conversations of two services."""
    for stage in ("new", "new", "lost", "demo booked", ""):
        sandbox.add_lead(visitor_name=f"Lead {stage}", pipeline_stage=stage)
    sandbox.add_contact(first_name="Omar")
    sandbox.add_conversation(visitor_name="Ada", status="active")
    sandbox.add_conversation(visitor_name="Hedy", status="pending")
    user = sandbox.add_dexra_user(email="mara@cove.example")
    sandbox.add_dexra_conversation(user_id=user["id"], subject="Invoice", status="closed")
    synced(nexadesk)
    synced(dexra)
    return nexadesk


def cards(page):
    """The numbers on top: label -> (figure, foot, address)."""
    pattern = (
        r'<a class="card" href="([^"]*)"><span class="card-label">([^<]*)</span>'
        r'<span class="figure">([^<]*)</span><span class="card-foot">([^<]*)</span>'
    )
    return {label: (n, foot, href) for href, label, n, foot in re.findall(pattern, page.text)}


class TestNumbers:
    def test_lead_to_the_lists_behind_them(self, desk, viewer, client_of):
        page = client_of(viewer).get(HOME)

        assert cards(page) == {
            "Open conversations": ("1", "1 pending", "/w/acme/conversations/?state=open"),
            "Leads": ("5", "NexaDesk", "/w/acme/leads/"),
            "Contacts": ("1", "NexaDesk", "/w/acme/contacts/"),
            "Conversations": ("3", "NexaDesk 2 · Dexra 1", "/w/acme/conversations/"),
        }

    def test_stages_stand_in_the_order_of_the_pipeline(self, desk, viewer, client_of):
        page = client_of(viewer).get(HOME).text

        table = page[page.index('id="stages"') :]
        addresses = re.findall(r'href="/w/acme/leads/\?stage=([^"]+)">(\d+)<', table)
        assert addresses == [("new", "2"), ("lost", "1"), ("demo+booked", "1")]

    def test_are_those_of_this_workspace(self, desk, stranger, client_of):
        page = client_of(stranger).get("/w/other/")

        assert cards(page) == {}
        assert "NexaDesk 2" not in page.text

    def test_leave_out_what_was_deleted(self, desk, viewer, client_of):
        store.mark_gone(store.leads(desk.workspace).first())

        assert cards(client_of(viewer).get(HOME))["Leads"][0] == "4"

    def test_cost_few_queries(self, desk, viewer, client_of, django_assert_max_num_queries):
        browser_ = client_of(viewer)
        with django_assert_max_num_queries(QUERIES):
            browser_.get(HOME)

    def test_hostile_names_stay_text(self, sandbox, nexadesk, synced, viewer, client_of):
        evil = '"><script>alert(1)</script>'
        Connection.objects.update(label=evil)
        sandbox.add_lead(visitor_name="x", pipeline_stage=evil[:40])
        synced(nexadesk)

        page = client_of(viewer).get(HOME).text

        assert "<script>alert" not in page
        assert "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page


class TestNothingConnected:
    def test_an_admin_is_shown_the_first_steps(self, admin, client_of):
        page = client_of(admin).get(HOME).text

        assert "Connect NexaDesk or Dexra" in page
        assert 'href="/w/acme/settings/connections/new/"' in page

    def test_who_may_not_connect_is_told_who_can(self, viewer, client_of):
        page = client_of(viewer).get(HOME).text

        assert "Somebody who administers this workspace can add the key." in page
        assert "connections/new" not in page


class TestTrouble:
    def test_a_rejected_key_says_what_to_do(self, desk, admin, viewer, client_of):
        Connection.objects.filter(pk=desk.pk).update(status="key_rejected")

        page = client_of(admin).get(HOME).text
        assert "The service does not accept this key any more." in page
        assert f'href="/w/acme/settings/connections/{desk.pk}/key/"' in page

        page = client_of(viewer).get(HOME).text
        assert "The service does not accept this key any more." in page
        assert f"connections/{desk.pk}/key/" not in page

    def test_a_locked_key_says_what_to_do(self, desk, admin, client_of):
        Connection.objects.filter(pk=desk.pk).update(status="locked")

        assert "Give the server the key ring" in client_of(admin).get(HOME).text

    def test_a_service_that_is_away(self, desk, sandbox, viewer, client_of):
        sandbox.refuse_connections(50)
        sync_connection(desk)

        page = client_of(viewer).get(HOME).text

        assert "The service does not answer now." in page
        assert "It failed 5 times in a row and is left alone until" in page

    def test_a_key_that_may_only_read(self, desk, viewer, client_of):
        Connection.objects.filter(pk=desk.pk).update(may_write=False)

        assert "This key may only read." in client_of(viewer).get(HOME).text


class TestOnTheirWay:
    def test_unsettled_writes_are_named_with_who_and_how_they_stand(
        self, desk, sandbox, agent, client_of
    ):
        lead = store.leads(desk.workspace).filter(stage="lost").get()
        lead = store.one(type(lead), desk.workspace, lead.pk)
        sandbox.fault("nexadesk", "PATCH", "/leads", Fault.reset_after_apply())
        change = {"pipeline_stage": "new"}
        before = {"pipeline_stage": "lost"}
        update_lead(lead, change, before=before, actor=agent, form_id="f-lost-answer")

        page = client_of(agent).get(HOME).text

        assert "One change is not settled yet." in page
        assert "Please do not enter them again." in page
        assert "Change of a lead" in page
        assert f'<a href="/w/acme/leads/{lead.pk}/">Lead lost</a>' in page
        assert "Not confirmed: checking" in page
        assert "Agent ·" in page

    def test_the_newest_ten_are_shown_and_all_are_counted(self, desk, settings, agent, client_of):
        settings.PROVIDER_BASE_URLS = {"nexadesk": "http://127.0.0.1:9/nobody-listens-here"}
        for n in range(12):
            create_lead(desk, {"visitor_name": f"N{n}"}, actor=agent, form_id=f"form-{n:04}")

        page = client_of(agent).get(HOME).text

        assert Write.objects.filter(status="queued").count() == 12
        assert "12 changes are not settled yet." in page
        assert page.count("<b>New lead</b>") == 10
        assert "Saved here, will be sent" in page

    def test_nothing_is_said_where_everything_is_settled(self, desk, viewer, client_of):
        assert "On their way" not in client_of(viewer).get(HOME).text


class Stop(Exception):
    """The process was killed here."""


class TestFirstCopy:
    @pytest.fixture
    def half_way(self, sandbox, nexadesk):
        """200 of 250 leads are here; contacts and conversations wait."""
        for n in range(250):
            sandbox.add_lead(visitor_name=f"L{n}")

        def stop_at_200(state):
            if state.rows >= 200:
                raise Stop

        with pytest.raises(Stop):
            sync_connection(nexadesk, watch=stop_at_200)
        return nexadesk

    @pytest.fixture
    def under_way(self, half_way):
        """A worker is at it now."""
        soon = timezone.now() + timedelta(minutes=1)
        SyncState.objects.filter(kind="leads").update(lease_until=soon)
        return half_way

    def test_shows_how_far_it_is(self, under_way, viewer, client_of):
        page = client_of(viewer).get(HOME).text

        assert "copying 200 of 250 leads · about 5 s left" in page
        assert '<progress max="250" value="200"' in page
        assert "Waiting for their turn: " in page
        assert 'data-hx-trigger="every 3s"' in page
        assert cards(client_of(viewer).get(HOME))["Leads"][0] == "200"

    def test_promises_no_time_while_nobody_is_at_it(self, half_way, viewer, client_of):
        page = client_of(viewer).get(HOME).text

        assert "copying 200 of 250 leads · goes on within a minute" in page
        assert "s left" not in page

    def test_asks_for_itself_and_stops_when_it_is_done(self, half_way, viewer, client_of, synced):
        person = client_of(viewer)
        asked = {"HX-Request": "true", "HX-Current-URL": "http://testserver/w/acme/leads/?q=a"}
        part = person.get(PROGRESS, headers=asked)
        assert part.text.lstrip().startswith('<div id="sync-progress" data-hx-get=')
        assert "<html" not in part.text
        assert "HX-Request" in part["Vary"]

        synced(half_way)

        part = person.get(PROGRESS, headers=asked)
        assert "data-hx-get" not in part.text
        assert "The first copy is complete." in part.text
        assert 'href="/w/acme/leads/?q=a"' in part.text

    def test_home_is_drawn_anew_when_it_is_done(self, nexadesk, synced, viewer, client_of):
        synced(nexadesk)
        asked = {"HX-Request": "true", "HX-Current-URL": "http://testserver/w/acme/"}

        assert client_of(viewer).get(PROGRESS, headers=asked)["HX-Refresh"] == "true"

    @pytest.mark.parametrize("shown", ["http://evil.example/x", "//evil.example", "%%%", ""])
    def test_the_way_back_never_leaves_the_site(self, nexadesk, synced, viewer, client_of, shown):
        synced(nexadesk)
        asked = {"HX-Request": "true", "HX-Current-URL": shown}

        assert "evil" not in client_of(viewer).get(PROGRESS, headers=asked).text

    def test_without_script_it_is_a_page_that_asks_again(self, half_way, viewer, client_of, synced):
        person = client_of(viewer)
        page = person.get(PROGRESS)
        assert "copying 200 of 250 leads" in page.text
        assert '<meta http-equiv="refresh" content="3">' in page.text

        synced(half_way)

        assert person.get(PROGRESS).url == HOME

    def test_says_why_it_stands(self, half_way, sandbox, viewer, client_of):
        sandbox.refuse_connections(50)
        sync_connection(half_way)

        page = client_of(viewer).get(PROGRESS).text

        assert "The service does not answer now." in page
        assert "What was copied is kept; it goes on by itself." in page
        assert "left" not in page[page.index("copying 200") : page.index("copying 200") + 60]

    def test_is_not_promised_where_the_key_does_not_work(self, half_way, viewer, client_of):
        Connection.objects.update(status="key_rejected")

        assert "Waiting for their turn" not in client_of(viewer).get(HOME).text

    def test_costs_few_queries(self, half_way, viewer, client_of, django_assert_max_num_queries):
        person = client_of(viewer)
        with django_assert_max_num_queries(6):
            person.get(PROGRESS, headers={"HX-Request": "true"})


def test_a_member_of_two_workspaces_sees_each_apart(desk, sandbox, viewer, client_of):
    second = Workspace.objects.create(slug="zeta", name="Zeta")
    Membership.objects.create(workspace=second, user=viewer.user, role="viewer")
    person = client_of(viewer)

    assert cards(person.get(HOME))["Leads"][0] == "5"
    assert cards(person.get("/w/zeta/")) == {}
    assert User.objects.count() == 1
    assert SyncState.objects.filter(workspace=second).count() == 0


def test_every_link_of_home_leads_where_it_says(desk, admin, client_of):
    person = client_of(admin)
    page = person.get(HOME).text
    main = page[page.index('<main id="main"') : page.index("</main>")]
    addresses = set(re.findall(r'href="(/w/acme/[^"]*)"', main))
    assert len(addresses) >= 9

    for address in addresses:
        answer = person.get(html.unescape(address))
        assert answer.status_code == 200, address
        assert '<div class="strip">' not in answer.text, address
