"""The board: every stage with its leads, their number and worth; a move is a write like others."""

import re
from html import unescape

import pytest
from django.test import Client

from portal.models import Lead, Write
from portal.sandbox import Fault
from portal.web import board_columns
from tests.web.test_outbox import fields_of

BOARD = "/w/acme/leads/board/"
HTMX = {"HX-Request": "true"}
DOCUMENTED = ["new", "qualified", "assigned", "contacted", "converted", "lost"]


@pytest.fixture
def leads(sandbox, nexadesk, synced):
    """Petra is new, Omar and Mia are contacted, Zoe stands in a stage nobody documented."""
    for name, stage, amount, source in (
        ("Petra", "new", 1200, "widget"),
        ("Omar", "contacted", "99.5", "widget"),
        ("Mia", "contacted", None, "manual"),
        ("Zoe", "on hold", 7, "manual"),
        ("Nil", "", 3, "widget"),
    ):
        sandbox.add_lead(
            id=name.lower(),
            visitor_name=name,
            pipeline_stage=stage,
            expected_billing_amount=amount,
            source=source,
        )
    synced(nexadesk)
    sandbox.requests.clear()
    return {lead.name: lead for lead in Lead.objects.select_related("connection", "workspace")}


def columns(page):
    """What stands on the board: by stage, its number, its worth, the names on its cards."""
    found = {}
    for section in page.text.split('<section class="stage"')[1:]:
        stage = re.search(r'data-stage="([^"]*)"', section.partition(">")[0])
        number = re.search(r'class="num sub">([^<]*)<', section)[1]
        worth = re.search(r'class="num worth"[^>]*>([^<]*)<', section)
        names = re.findall(r'class="deal-name"[^>]*>([^<]*)<', section)
        key = unescape(stage[1]) if stage else ""
        found[key] = (number, worth[1] if worth else "", [unescape(name) for name in names])
    return found


def moved(lead, to, *, seen=None, form_id="a-board-form"):
    """What a card sends that is put into another column."""
    return {
        "pipeline_stage": to,
        "before-pipeline_stage": lead.stage if seen is None else seen,
        "form_id": form_id,
    }


def path_of(lead, query=""):
    return f"/w/acme/leads/{lead.pk}/move/{query}"


def stage_of(sandbox, lead):
    return sandbox.lead(lead.upstream_id)["pipeline_stage"]


def test_each_stage_has_a_column_with_its_number_and_worth(leads, as_agent, sandbox):
    shown = columns(as_agent.get(BOARD))

    assert list(shown)[:6] == DOCUMENTED
    assert set(list(shown)[6:]) == {"on hold", ""}
    assert shown["new"] == ("1", "1,200", ["Petra"])
    assert shown["contacted"][:2] == ("2", "99.50")
    assert set(shown["contacted"][2]) == {"Omar", "Mia"}
    assert shown["on hold"] == ("1", "7", ["Zoe"])
    assert shown["lost"] == ("0", "", [])
    assert not list(sandbox.requests)


def test_more_leads_than_cards_are_counted_and_found_in_the_table(
    leads, sandbox, nexadesk, synced, as_agent
):
    for n in range(20):
        sandbox.add_lead(visitor_name=f"Lead {n:02}", pipeline_stage="lost")
    synced(nexadesk)

    page = as_agent.get(BOARD)

    number, _worth, names = columns(page)["lost"]
    assert number == "20"
    assert len(names) == board_columns.CARDS
    more = re.search(r'<a href="([^"]*)">8 more in the table</a>', page.text)[1]
    assert "20 leads" in as_agent.get(unescape(more)).text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?q=petra", {"new": ["Petra"]}),
        ("?source=manual", {"contacted": ["Mia"], "on hold": ["Zoe"]}),
        ("?stage=contacted&source=widget", {"contacted": ["Omar"]}),
        ("?amount_min=100", {"new": ["Petra"]}),
        ("?stage=new", {"new": ["Petra"]}),
        ("?stage=none", {"": ["Nil"]}),
        ("?stage!=contacted", {"new": ["Petra"], "on hold": ["Zoe"], "": ["Nil"]}),
    ],
)
def test_search_and_filters_narrow_the_board(query, shown, leads, as_agent):
    found = columns(as_agent.get(BOARD + query))

    assert {stage: names for stage, (_n, _w, names) in found.items() if names} == shown
    assert all(int(number) == len(names) for number, _worth, names in found.values())
    if query.startswith("?stage="):
        assert len(found) == 1


def test_a_search_that_finds_too_many_says_so(leads, as_agent, monkeypatch):
    monkeypatch.setattr(board_columns, "WIDE", 2)

    page = as_agent.get(BOARD + "?amount_min=0")

    assert "The board shows the newest 2 leads that match" in page.text
    assert {number for number, *_ in columns(page).values()} <= {"0+", "1+", "2+"}


def test_stages_beyond_what_a_board_can_hold_are_named(
    leads, sandbox, nexadesk, synced, as_agent, monkeypatch
):
    monkeypatch.setattr(board_columns, "COLUMNS", 7)

    for query in ("", "?amount_min=0", "?q=o&amount_min=0"):
        page = as_agent.get(BOARD + query)
        assert len(columns(page)) == 7
        hidden = 0 if "q=" in query else 1
        assert ("Stages without a column here: 1." in page.text) == bool(hidden)


def test_a_card_that_is_put_elsewhere_is_moved_in_the_service(leads, as_agent, sandbox):
    petra = leads["Petra"]

    answer = as_agent.post(path_of(petra), moved(petra, "contacted"), headers=HTMX)

    assert answer.status_code == 200
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#results", "innerMorph")
    assert "HX-Push-Url" not in answer
    assert "moved to contacted" in answer["HX-Trigger"]
    assert '"undo"' in answer["HX-Trigger"]
    assert columns(answer)["new"] == ("0", "", [])
    assert columns(answer)["contacted"][:2] == ("3", "1,299.50")
    assert stage_of(sandbox, petra) == "contacted"
    [patch] = sandbox.requests.matching("PATCH /leads")
    assert patch.body == {"pipeline_stage": "contacted"}


def test_the_board_after_a_move_is_narrowed_as_before(leads, as_agent):
    petra = leads["Petra"]

    answer = as_agent.post(
        path_of(petra, "?source=widget"), moved(petra, "contacted"), headers=HTMX
    )

    assert set(columns(answer)["contacted"][2]) == {"Petra", "Omar"}
    assert columns(answer)["on hold"][2] == []


def test_without_a_script_a_card_leads_to_a_page_that_moves_it(leads, as_agent, sandbox):
    petra = leads["Petra"]
    link = re.search(
        rf'href="(/w/acme/leads/{petra.pk}/move/[^"]*)"', as_agent.get(BOARD + "?stage=new").text
    )[1]
    page = as_agent.get(unescape(link))
    assert "<h1" in page.text
    form = fields_of(page, 'id="move-form"')

    answer = as_agent.post(unescape(link), form | {"pipeline_stage": "lost"}, follow=True)

    assert answer.redirect_chain == [(f"{BOARD}?stage=new", 303)]
    assert "“Petra” moved to lost" in answer.text
    assert stage_of(sandbox, petra) == "lost"


def test_a_refused_move_tells_the_services_reason(leads, as_agent, sandbox):
    petra, said = leads["Petra"], '{"success": false, "error": "Stage is closed"}'
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.status(400, text=said))

    answer = as_agent.post(path_of(petra), moved(petra, "lost"), headers=HTMX)

    assert answer.status_code == 422
    assert answer["HX-Retarget"] == "#move"
    assert "Stage is closed" in answer.text
    assert "<section" not in answer.text
    assert columns(as_agent.get(BOARD))["new"][2] == ["Petra"]


@pytest.mark.parametrize(
    ("choice", "ends", "patches"),
    [("mine", "contacted", 1), ("theirs", "lost", 0), ("before", "new", 1)],
)
def test_a_lead_somebody_else_moved_meanwhile_is_chosen(
    choice, ends, patches, leads, as_agent, sandbox
):
    petra = leads["Petra"]
    sandbox.edit_lead("petra", pipeline_stage="lost")

    answer = as_agent.post(path_of(petra), moved(petra, "contacted"), headers=HTMX)

    assert answer.status_code == 409
    versions = dict(re.findall(r'data-version="(\w+)"[^>]*>(.*?)</span>', answer.text))
    assert versions == {"mine": "contacted", "theirs": "lost", "before": "new"}
    assert sandbox.requests.count("PATCH /leads") == 0
    assert columns(as_agent.get(BOARD))["lost"][2] == ["Petra"]

    form = fields_of(answer, 'id="move-form"') | {"choice-pipeline_stage": choice}
    assert as_agent.post(path_of(petra), form, headers=HTMX).status_code == 200
    assert stage_of(sandbox, petra) == ends
    assert sandbox.requests.count("PATCH /leads") == patches


def test_what_a_webhook_told_while_the_board_was_open_is_a_conflict_too(
    leads, as_agent, sandbox, nexadesk, synced
):
    petra = leads["Petra"]
    sandbox.edit_lead("petra", pipeline_stage="lost")
    synced(nexadesk)

    answer = as_agent.post(path_of(petra), moved(petra, "contacted", seen="new"), headers=HTMX)

    assert answer.status_code == 409
    assert stage_of(sandbox, petra) == "lost"


def test_other_fields_that_changed_elsewhere_are_no_conflict(leads, as_agent, sandbox):
    petra = leads["Petra"]
    sandbox.edit_lead("petra", expected_billing_amount=5)

    assert as_agent.post(path_of(petra), moved(petra, "lost"), headers=HTMX).status_code == 200
    assert sandbox.lead("petra")["expected_billing_amount"] == 5


def test_while_the_service_is_away_the_card_says_where_it_goes(leads, as_agent, sandbox):
    petra = leads["Petra"]
    sandbox.fault("nexadesk", "*", "/leads", Fault.status(503), times=None)

    answer = as_agent.post(path_of(petra), moved(petra, "contacted"), headers=HTMX)

    assert answer.status_code == 200
    assert "Saved here" in answer["HX-Trigger"]
    assert columns(answer)["new"][2] == ["Petra"]
    assert "to contacted, not there yet" in answer.text
    assert Write.objects.get().status == "queued"


def test_a_card_let_go_twice_is_moved_once(leads, as_agent, sandbox):
    petra = leads["Petra"]

    for _ in range(2):
        assert as_agent.post(path_of(petra), moved(petra, "lost"), headers=HTMX).status_code == 200

    assert sandbox.requests.count("PATCH /leads") == 1


def test_put_back_where_it_was_nothing_is_sent(leads, as_agent, sandbox):
    petra = leads["Petra"]

    assert as_agent.post(path_of(petra), moved(petra, "new"), headers=HTMX).status_code == 200
    assert Write.objects.count() == 0


def test_who_may_only_read_gets_cards_that_stay(leads, viewer, client_of, as_agent):
    assert 'data-move="/' in as_agent.get(BOARD).text

    page = client_of(viewer).get(BOARD).text

    assert "Petra" in page
    assert 'data-move="/' not in page
    assert "/move/" not in page


def test_a_key_that_may_only_read_moves_no_card(leads, nexadesk, as_agent):
    nexadesk.may_write = False
    nexadesk.save(update_fields=["may_write"])

    assert 'data-move="/' not in as_agent.get(BOARD).text
    page = as_agent.get(path_of(leads["Petra"]))
    assert "This key may only read" in page.text
    assert "move-form" not in page.text


def test_the_table_and_the_board_lead_to_each_other_narrowed_alike(leads, as_agent):
    html = as_agent.get("/w/acme/leads/?stage=new&source=widget&per=25").text
    assert 'href="/w/acme/leads/board/?stage=new&amp;source=widget"' in html

    html = as_agent.get(BOARD + "?stage=new&source=widget").text
    assert 'href="/w/acme/leads/?stage=new&amp;source=widget"' in html
    assert 'href="/w/acme/leads/export/?stage=new&amp;source=widget"' in html


def test_a_leads_page_leads_back_to_the_board_it_came_from(leads, as_agent):
    link = re.search(
        r'class="deal-name"[^>]*href="([^"]*)"', as_agent.get(BOARD + "?q=petra").text
    )[1]
    back = re.search(r'href="(/w/acme/leads/\?view=board[^"]*)"', as_agent.get(unescape(link)).text)

    answer = as_agent.get(unescape(back[1]), follow=True)

    assert answer.redirect_chain == [(f"{BOARD}?q=petra", 302)]


def test_texts_of_strangers_are_shown_as_text(sandbox, nexadesk, synced, as_agent):
    hostile = '"><script>alert(1)</script>{{ 7*7 }}'
    sandbox.add_lead(id="bad", visitor_name=hostile, pipeline_stage=hostile, source=hostile)
    synced(nexadesk)

    page = as_agent.get(BOARD)

    assert "<script>alert" not in page.text
    assert columns(page)[hostile][2] == [hostile]
    lead = Lead.objects.get()
    assert as_agent.post(path_of(lead), moved(lead, "new"), headers=HTMX).status_code == 200
    assert stage_of(sandbox, lead) == "new"


@pytest.mark.parametrize(
    "query", ["", "?q=a", "?stage=new&source=widget&tag=x", "?stage!=lost", "?colour=red&per=7"]
)
def test_a_board_costs_at_most_eight_queries(
    query, leads, sandbox, nexadesk, synced, as_agent, django_assert_max_num_queries
):
    for n in range(60):
        sandbox.add_lead(visitor_name=f"Lead {n}", pipeline_stage=f"stage {n % 30}")
    synced(nexadesk)
    with django_assert_max_num_queries(8):
        assert as_agent.get(BOARD + query).status_code == 200


def test_strangers_find_no_board(leads, stranger, client_of):
    petra = leads["Petra"]
    for client in (client_of(stranger), Client()):
        assert client.get(BOARD).status_code in (302, 404)
        assert client.post(path_of(petra), moved(petra, "lost")).status_code in (302, 404)
    petra.refresh_from_db()
    assert petra.stage == "new"
