"""Rows of a list are selected, a page shows what will change, another one what became of it."""

import json
import re
from html import unescape

import pytest

from portal.batches import store
from portal.batches.models import Batch
from portal.models import Contact, Conversation, Lead, Write
from portal.sandbox.data.fill import Amounts, fill
from portal.services import batches


@pytest.fixture
def desk(sandbox, nexadesk, dexra, synced):
    """Sixty leads, twelve of them called Harbour, five contacts, conversations of both services."""
    fill(sandbox, Amounts(leads=48, contacts=5, conversations=4, dexra_conversations=3))
    for number in range(12):
        stage = "new" if number < 8 else "qualified"
        sandbox.add_lead(
            id=f"harbour-{number}", visitor_name=f"Harbour {number}", pipeline_stage=stage
        )
    synced(nexadesk)
    synced(dexra)
    sandbox.requests.clear()


@pytest.fixture
def press(client_of):
    """Press a button of a list's bar: `press(agent, "leads", ids, "stage", "lost")`."""

    def press(member, kind, ids, verb, value="", **more):
        data = {"ids": ids, "do": verb, verb: value} | more
        return client_of(member).post(f"/w/acme/{kind}/bulk/", data)

    return press


def page_of(response, client):
    assert response.status_code == 302, response.content.decode()[:2000]
    return client.get(response["Location"])


def text_of(response):
    html = response.content.decode()
    main = html.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def harbours():
    return list(Lead.objects.filter(name__startswith="Harbour").order_by("upstream_id"))


def run(batch):
    while batches.run(batch.pk) is not None:
        pass
    batch.refresh_from_db()


def test_the_page_before_shows_what_will_change_and_what_it_costs(desk, agent, client_of, press):
    response = press(agent, "leads", [lead.pk for lead in harbours()], "stage", "qualified")
    said = text_of(page_of(response, client_of(agent)))

    assert "Set stage to “qualified”" in said
    assert "8 records will change" in said
    assert "4 records are left out" in said
    assert "It was so already." in said
    assert "Stage: new → becomes qualified" in said
    assert "about 16 calls" in said
    assert re.search(r"about \d+ seconds", said)
    assert "Change 8 leads" in said
    assert Batch.objects.get().status == "draft"
    assert not Write.objects.exists()


def test_started_it_runs_and_tells_126_changed_2_skipped(
    desk, agent, client_of, press, sandbox, monkeypatch
):
    client, ids = client_of(agent), [lead.pk for lead in harbours()]
    press(agent, "leads", ids, "stage", "qualified")
    batch = Batch.objects.get()
    response = client.post(f"/w/acme/batches/{batch.pk}/start/")
    client.post(f"/w/acme/batches/{batch.pk}/start/")  # pressed twice
    said = text_of(page_of(response, client))
    assert "0 of 12 tried" in said or "4 of 12 tried" in said
    assert "seconds left" in said

    run(Batch.objects.get())

    said = text_of(client.get(f"/w/acme/batches/{batch.pk}/"))
    assert "8 changed, 4 skipped" in said
    assert "12 of 12 tried" in said
    assert "Undo all 8 changes" in said
    assert sandbox.requests.count("PATCH /leads") == 8
    assert "8 changed, 4 skipped" in text_of(client.get("/w/acme/batches/"))
    done = text_of(client.get(f"/w/acme/batches/{batch.pk}/?status=done"))
    assert "Harbour 3" in done
    assert "Harbour 9" not in done


def test_all_matching_are_those_the_list_finds_now(desk, agent, press, sandbox, synced, nexadesk):
    query = "q=harbour&stage=new&sort=name&per=25"
    press(agent, "leads", [], "tag-add", "vip", all="1", query=query)
    sandbox.add_lead(id="harbour-99", visitor_name="Harbour 99", pipeline_stage="new")
    synced(nexadesk)

    rows = Batch.objects.get().rows.order_by("number")
    assert [row.title for row in rows] == [f"Harbour {n}" for n in range(8)]


def test_all_of_a_list_without_filters_are_all(desk, agent, press):
    press(agent, "leads", [harbours()[0].pk], "tag-add", "vip", all="1", query="")
    assert Batch.objects.get().total == Lead.objects.count() == 60


def test_a_filter_that_is_not_understood_selects_nothing(desk, agent, press):
    for query in ("stagee=new", "stage=new&sort=nothing", "created_since=yesterday"):
        response = press(agent, "leads", [], "tag-add", "vip", all="1", query=query)
        assert response.status_code == 422
        assert "select once more" in text_of(response)
    assert not Batch.objects.exists()


def test_ids_of_others_are_left_out_as_if_they_were_not(desk, agent, stranger, client_of, press):
    own = harbours()[0].pk
    press(agent, "leads", [own, 999_999, "x", "9" * 30, "-1"], "stage", "lost")
    assert Batch.objects.get().total == 1
    response = client_of(stranger).post(
        "/w/other/leads/bulk/", {"ids": [own], "do": "stage", "stage": "lost"}
    )
    assert response.status_code == 422  # nothing is connected there: nothing is offered
    assert Batch.objects.count() == 1
    for verb in ("", "start/", "cancel/", "undo/"):
        path = f"/w/other/batches/{Batch.objects.get().pk}/{verb}"
        method = client_of(stranger).post if verb else client_of(stranger).get
        assert method(path).status_code == 404


def test_nothing_selected_nothing_typed_or_nonsense_is_said_and_kept(desk, agent, press):
    ids = [lead.pk for lead in harbours()]
    empty = press(agent, "leads", [], "stage", "lost")
    untyped = press(agent, "leads", ids, "tag-add", "  ")
    unknown = press(agent, "leads", ids, "stage", "no-such-stage")
    nothing = press(agent, "leads", ids, "fly")
    assert [r.status_code for r in (empty, untyped, unknown, nothing)] == [422] * 4
    assert "Nothing is selected" in text_of(empty)
    assert ",".join(map(str, ids)) in untyped.content.decode()
    assert not Batch.objects.exists()


def test_deleting_many_asks_to_type_how_many(desk, agent, client_of, press):
    press(agent, "leads", [], "delete", all="1", query="")
    batch, client = Batch.objects.get(), client_of(agent)
    page = client.get(f"/w/acme/batches/{batch.pk}/")
    assert "Type 60 to go on" in text_of(page)

    refused = client.post(f"/w/acme/batches/{batch.pk}/start/", {"typed": "59"})
    assert refused.status_code == 422
    assert Batch.objects.get().status == "draft"
    client.post(f"/w/acme/batches/{batch.pk}/start/", {"typed": " 60 "})
    assert Batch.objects.get().status == "running"


def test_deleted_leads_are_gone_on_both_sides(desk, agent, client_of, press, sandbox):
    press(agent, "leads", [lead.pk for lead in harbours()[:3]], "delete")
    batch = Batch.objects.get()
    client_of(agent).post(f"/w/acme/batches/{batch.pk}/start/")
    run(batch)
    assert "harbour-0" not in {lead["id"] for lead in sandbox.leads}
    assert "3 deleted" in text_of(client_of(agent).get(f"/w/acme/batches/{batch.pk}/"))
    assert Lead.objects.filter(name__startswith="Harbour", gone_at=None).count() == 9


def test_undo_asks_first_and_brings_the_whole_back(desk, agent, client_of, press, sandbox):
    client = client_of(agent)
    press(agent, "leads", [lead.pk for lead in harbours()], "stage", "lost")
    batch = Batch.objects.get()
    client.post(f"/w/acme/batches/{batch.pk}/start/")
    run(batch)

    response = client.post(f"/w/acme/batches/{batch.pk}/undo/", {"form_id": "undo-it-once"})
    said = text_of(page_of(response, client))
    assert "Undo: Set stage to “lost”" in said
    assert "Take back 12 leads" in said
    back = Batch.objects.get(undoes=batch)
    client.post(f"/w/acme/batches/{back.pk}/start/")
    run(back)

    stages = [lead["pipeline_stage"] for lead in sandbox.leads if lead["id"].startswith("harbour")]
    assert sorted(stages) == ["new"] * 8 + ["qualified"] * 4
    said = text_of(client.get(f"/w/acme/batches/{batch.pk}/"))
    assert "Taken back by Undo" in said
    assert "Undo all" not in said


def test_whoever_watched_it_end_is_offered_the_way_back(
    desk, agent, admin, viewer, client_of, press
):
    client, poll = client_of(agent), {"HX-Request": "true"}
    press(agent, "leads", [lead.pk for lead in harbours()], "stage", "qualified")
    batch = Batch.objects.get()
    path = f"/w/acme/batches/{batch.pk}/"
    client.post(f"{path}start/")
    assert "HX-Trigger" not in client.get(path, headers=poll)
    run(batch)

    told = json.loads(client.get(path, headers=poll)["HX-Trigger"])["toast"]

    assert told["message"] == "Set stage to “qualified”: 8 changed, 4 skipped"
    assert (told["undo"], told["label"], told["asks"]) == (f"{path}undo/", "Undo", "")
    assert "HX-Trigger" not in client.get(path)
    for other in (admin, viewer):
        assert "HX-Trigger" not in client_of(other).get(path, headers=poll)
    asked = page_of(client.post(told["undo"], {"next": path}), client)
    assert "Take back 8 leads" in text_of(asked)


def test_pausing_and_cancelling_from_the_page(desk, agent, client_of, press, sandbox):
    client = client_of(agent)
    press(agent, "leads", [lead.pk for lead in harbours()], "stage", "lost")
    batch = Batch.objects.get()
    path = f"/w/acme/batches/{batch.pk}/"
    client.post(f"{path}start/")
    batches.run(batch.pk, seconds=0)
    client.post(f"{path}pause/")
    said = text_of(client.get(path))
    assert "Resume" in said
    assert "1 of 12 tried" in said
    client.post(f"{path}resume/")
    client.post(f"{path}cancel/")
    said = text_of(client.get(path))
    assert "1 changed, 11 skipped" in said
    assert "Cancelled before it was tried." in said
    assert sandbox.requests.count("PATCH /leads") == 1


def test_home_tells_what_runs(desk, agent, viewer, client_of, press):
    press(agent, "leads", [lead.pk for lead in harbours()], "stage", "lost")
    home = client_of(viewer).get
    assert "Set stage" not in text_of(home("/w/acme/"))
    batches.start(Batch.objects.get(), actor=agent)
    assert "Set stage to “lost”" in text_of(home("/w/acme/"))
    run(Batch.objects.get())
    assert "Set stage" not in text_of(home("/w/acme/"))


def test_the_time_left_is_measured_once_it_can_be(desk, agent, press):
    press(agent, "leads", [lead.pk for lead in harbours()], "stage", "lost")
    batch = Batch.objects.get()
    batches.start(batch, actor=agent)
    while store.counts(batch).done < 4:
        batches.run(batch.pk, seconds=0)
    batch.refresh_from_db()
    assert batches.seconds_left(batch, store.counts(batch)) < 60  # as it was said before
    began, tried = batch.options["since"]
    batch.options = batch.options | {"since": [began - 400, tried]}
    left = batches.seconds_left(batch, store.counts(batch))
    assert left == pytest.approx(800, rel=0.05)  # 4 of 12 took 400 s


def test_a_draft_that_is_not_wanted_is_forgotten(desk, agent, client_of, press):
    press(agent, "leads", [harbours()[0].pk], "stage", "lost")
    client_of(agent).post(f"/w/acme/batches/{Batch.objects.get().pk}/cancel/")
    assert not Batch.objects.exists()


def test_contacts_and_conversations_can_be_worked_on_too(desk, agent, client_of, press, sandbox):
    contacts = Contact.objects.filter(connection__provider="nexadesk")
    press(agent, "contacts", [c.pk for c in contacts], "tag-add", "vip")
    batch = Batch.objects.get()
    client_of(agent).post(f"/w/acme/batches/{batch.pk}/start/")
    run(batch)
    assert all("vip" in contact["tags"] for contact in sandbox.contacts)

    rows = [c.pk for c in Conversation.objects.all()]
    response = press(agent, "conversations", rows, "status", "archived")
    said = text_of(page_of(response, client_of(agent)))
    assert "Dexra's API cannot close, snooze or assign a conversation." in said
    batch = Batch.objects.latest("pk")
    client_of(agent).post(f"/w/acme/batches/{batch.pk}/start/")
    run(batch)
    assert {c["status"] for c in sandbox.conversations} == {"archived"}
    counts = store.counts(batch)
    assert counts.skipped >= 3
    assert counts.failed == 0


def test_a_viewer_sees_no_boxes_and_reads_what_others_did(desk, agent, viewer, client_of, press):
    press(agent, "leads", [harbours()[0].pk], "stage", "lost")
    seen = client_of(viewer).get("/w/acme/leads/").content.decode()
    assert 'name="ids"' not in seen
    assert 'id="bulk"' not in seen
    assert 'name="ids"' in client_of(agent).get("/w/acme/leads/").content.decode()
    page = client_of(viewer).get(f"/w/acme/batches/{Batch.objects.get().pk}/").content.decode()
    assert "Change 1 lead" not in page


def test_what_a_service_cannot_do_is_not_offered(sandbox, dexra, synced, agent, client_of):
    synced(dexra)
    for kind in ("leads", "contacts", "conversations"):
        assert 'id="bulk"' not in client_of(agent).get(f"/w/acme/{kind}/").content.decode()


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "%s %d {0}", "a\x00b", "\u202ex"])
def test_any_tag_goes_in_and_is_shown_as_text(hostile, desk, agent, client_of, press):
    response = press(agent, "leads", [harbours()[0].pk], "tag-add", hostile)
    page = page_of(response, client_of(agent))
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert hostile.replace("\x00", "") in text_of(page)


def test_pages_of_a_batch_cost_few_queries(
    desk, agent, client_of, press, django_assert_max_num_queries
):
    press(agent, "leads", [], "stage", "lost", all="1", query="")
    batch, client = Batch.objects.get(), client_of(agent)
    with django_assert_max_num_queries(16):
        client.get(f"/w/acme/batches/{batch.pk}/")
    client.post(f"/w/acme/batches/{batch.pk}/start/")
    client.get(f"/w/acme/batches/{batch.pk}/")  # says "Started", once
    with django_assert_max_num_queries(15):
        page = client.get(f"/w/acme/batches/{batch.pk}/")
    assert 'rel="next"' in page.content.decode()
    batches.pause(batch, actor=agent)
    with django_assert_max_num_queries(8):
        client.get("/w/acme/batches/")


def test_the_rows_are_paged_and_filtered(desk, agent, client_of, press):
    press(agent, "leads", [], "stage", "lost", all="1", query="sort=name")
    batch, client = Batch.objects.get(), client_of(agent)
    client.post(f"/w/acme/batches/{batch.pk}/start/")
    path = f"/w/acme/batches/{batch.pk}/"
    first = client.get(path).content.decode()
    second = client.get(f"{path}?after=50").content.decode()
    assert first.count('<td class="name"') == 50
    assert second.count('<td class="name"') == 10
    back = client.get(f"{path}?before=51").content.decode()
    assert back.count('<td class="name"') == 50
    for odd in ("?status=flying&after=x", "?after=99999999999999999999", "?before=-1&status=done"):
        assert client.get(path + odd).status_code == 200
