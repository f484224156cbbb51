"""One lead: made, changed and deleted where it lives, with nothing typed lost on the way."""

import re
from html import unescape

import pytest

from portal.models import Connection, Entry, Lead, Write
from portal.sandbox import Fault
from portal.services import connections
from portal.vault.seal import Secret

NEW = "/w/acme/leads/new/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def petra(sandbox, nexadesk, synced):
    """A lead with something in every field, one of them with commas and quotes."""
    rep = sandbox.add_representative("Jo", "Silva", "jo@vendor.example")
    made = sandbox.add_lead(
        visitor_name="Petra Novak",
        visitor_email="petra@harbour.example",
        visitor_phone="+386-1-555-0142",
        visitor_company="Harbour Tools",
        pipeline_stage="qualified",
        need_summary="Line one\nLine two",
        tags=["retail", 'a "b", c'],
        source="widget",
        expected_billing_amount=3200.5,
        assigned_rep_id=rep,
    )
    synced(nexadesk)
    sandbox.requests.clear()
    return Lead.objects.get(upstream_id=made["id"])


def path(lead, what=""):
    return f"/w/acme/leads/{lead.pk}/{what}"


def fields_of(response, form="record-form"):
    """What a browser would send back of the form it was shown: every input as it stands."""
    html = response.content.decode()
    html = html[html.index(f'id="{form}"') :].partition("</form>")[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", html):
        values = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        found.setdefault(values.get("name"), unescape(values.get("value", "")))
    for name, text in re.findall(r'<textarea name="([\w-]+)"[^>]*>\n?(.*?)</textarea>', html, re.S):
        found[name] = unescape(text)
    for name, options in re.findall(r'<select name="([\w-]+)"[^>]*>(.*?)</select>', html, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = unescape(chosen[1]) if chosen else ""
    return {name: value for name, value in found.items() if name}


def edit(client, lead, **typed):
    """Open the form, type, send everything a browser would send."""
    form = fields_of(client.get(path(lead, "edit/")))
    return client.post(path(lead, "edit/"), form | typed)


def text_of(response):
    return unescape(response.content.decode())


def test_a_new_lead_reaches_the_service_with_only_what_was_filled_in(
    sandbox, nexadesk, agent, client_of
):
    client = client_of(agent)
    form = fields_of(client.get(NEW)) | {
        "visitor_name": "Zoë O’Neill",
        "expected_billing_amount": "3,200.50",
        "tags": 'retail, "big, bold"',
        "pipeline_stage": "new",
    }
    response = client.post(NEW, form)

    made = Lead.objects.get()
    assert response.status_code == 303
    assert response["Location"] == path(made)
    assert [r.body for r in sandbox.requests.matching("POST /leads")] == [
        {
            "visitor_name": "Zoë O’Neill",
            "expected_billing_amount": 3200.5,
            "tags": ["retail", "big, bold"],
            "pipeline_stage": "new",
        }
    ]
    assert "Saved" in text_of(client.get(path(made)))


def test_a_form_without_connection_or_form_id_works_too(sandbox, nexadesk, agent, client_of):
    client_of(agent).post(NEW, {"visitor_name": "Omar"})

    assert [lead["visitor_name"] for lead in sandbox.leads] == ["Omar"]


def test_pressing_twice_makes_one_lead(sandbox, nexadesk, agent, client_of):
    client = client_of(agent)
    form = fields_of(client.get(NEW)) | {"visitor_name": "Once"}
    places = [client.post(NEW, form)["Location"] for _ in range(2)]

    assert len(sandbox.leads) == 1
    assert places[0] == places[1]


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("visitor_name", "   ", "please fill it in"),
        ("visitor_name", "x" * 201, "at most 200"),
        ("visitor_email", "no address", "not an e-mail address"),
        ("visitor_phone", "1" * 51, "at most 50"),
        ("expected_billing_amount", "much", "not a number"),
        ("expected_billing_amount", "-1", "not a number"),
        ("expected_billing_amount", "1e400", "not a number"),
        ("expected_billing_amount", "9" * 40, "too large"),
        ("visitor_company", "null \x00 byte", "Null characters"),
    ],
)
def test_a_limit_is_told_beside_its_field_and_nothing_is_sent(
    sandbox, nexadesk, agent, client_of, name, typed, says
):
    form = {"visitor_name": "Petra", "need_summary": "keep <b>me</b>", "tags": "x, y"}
    response = client_of(agent).post(NEW, form | {name: typed})

    assert response.status_code == 422
    html = response.content.decode()
    error = html[html.index(f'id="id_{name}_error"') :].partition("</ul>")[0]
    assert says in unescape(error)
    back = fields_of(response)
    assert back[name].replace("\x00", "") == typed.replace("\x00", "")
    assert back["need_summary"] == "keep <b>me</b>"
    assert sandbox.requests.count("POST /leads") == 0


def test_the_services_own_sentence_is_shown_and_the_text_stays(sandbox, nexadesk, agent, client_of):
    said = '{"success": false, "error": "visitor_phone is on <fire>"}'
    sandbox.fault("nexadesk", "POST", "/leads", Fault.status(400, text=said))
    client = client_of(agent)
    form = fields_of(client.get(NEW)) | {"visitor_name": "Petra", "visitor_phone": "112"}
    response = client.post(NEW, form)

    assert response.status_code == 422
    html = response.content.decode()
    error = html[html.index('id="id_visitor_phone_error"') :].partition("</ul>")[0]
    assert "visitor_phone is on &lt;fire&gt;" in error
    again = fields_of(response)
    assert again["visitor_name"] == "Petra"
    assert again["form_id"] != form["form_id"]
    sandbox.clear_faults()
    assert client.post(NEW, again).status_code == 303


def test_saving_without_a_change_sends_nothing(petra, sandbox, agent, client_of):
    response = edit(client_of(agent), petra)

    assert response.status_code == 303
    assert len(sandbox.requests) == 0
    assert not Write.objects.exists()


def test_only_what_changed_is_sent(petra, sandbox, agent, client_of):
    edit(client_of(agent), petra, pipeline_stage="contacted", expected_billing_amount="4 000")

    assert [r.body for r in sandbox.requests.matching("PATCH /leads")] == [
        {"pipeline_stage": "contacted", "expected_billing_amount": 4000}
    ]
    petra.refresh_from_db()
    assert (petra.stage, petra.amount) == ("contacted", 4000)


def test_what_is_cleared_is_sent_as_nothing(petra, sandbox, agent, client_of):
    edit(client_of(agent), petra, visitor_company="", tags="", expected_billing_amount="")

    (sent,) = sandbox.requests.matching("PATCH /leads")
    assert sent.body == {
        "visitor_company": None,
        "tags": [],
        "expected_billing_amount": None,
    }


def test_a_stage_of_their_own_can_be_kept_and_a_form_with_one_field_is_enough(
    petra, sandbox, agent, client_of
):
    client_of(agent).post(path(petra, "edit/"), {"pipeline_stage": "demo booked"})

    assert sandbox.lead(petra.upstream_id)["pipeline_stage"] == "demo booked"
    assert sandbox.lead(petra.upstream_id)["visitor_name"] == "Petra Novak"


def test_what_a_service_holds_already_is_not_checked_again(
    sandbox, nexadesk, synced, agent, client_of
):
    made = sandbox.add_lead(visitor_name="x" * 300, visitor_email="not an address")
    synced(nexadesk)
    lead = Lead.objects.get(upstream_id=made["id"])

    response = edit(client_of(agent), lead, visitor_company="Acme")

    assert response.status_code == 303
    assert sandbox.lead(made["id"])["visitor_company"] == "Acme"


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7|add:7 }} {% now %}",
    "\u202eright to left\u202c عربي 日本語 👩\u200d👩\u200d👧",
    "  spaces around  ",
    "a &amp; b &lt;",
    "hx-get='/x' data-hx-get",
    "=1+1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_goes_in_and_comes_back_unchanged_and_inert(
    sandbox, nexadesk, agent, client_of, text
):
    client = client_of(agent)
    client.post(NEW, {"visitor_name": f"n{text}", "need_summary": f"{text}\r\nsecond line"})

    (made,) = sandbox.leads
    assert made["visitor_name"] == f"n{text}"
    assert made["need_summary"] == f"{text}\nsecond line"
    lead = Lead.objects.get()
    page = client.get(path(lead)).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    form = fields_of(client.get(path(lead, "edit/")))
    assert form["visitor_name"] == f"n{text}"
    assert form["need_summary"] == f"{text}\nsecond line"
    client.post(path(lead, "edit/"), form)
    assert sandbox.requests.count("PATCH /leads") == 0


def test_a_colleague_who_was_faster_is_not_overwritten(petra, sandbox, agent, client_of):
    client = client_of(agent)
    form = fields_of(client.get(path(petra, "edit/")))
    sandbox.edit_lead(petra.upstream_id, visitor_name="Petra Hedy", visitor_phone="999")

    response = client.post(path(petra, "edit/"), form | {"visitor_name": "Petra Grace"})

    assert response.status_code == 409
    page = text_of(response)
    for words in ("Petra Novak", "Petra Hedy", "Petra Grace", "Mine", "Theirs", "Before"):
        assert words in page
    assert sandbox.requests.count("PATCH /leads") == 0
    again = fields_of(response)
    assert again["visitor_name"] == "Petra Grace"
    assert again["before-visitor_name"] == "Petra Hedy"

    client.post(path(petra, "edit/"), again | {"choice-visitor_name": "mine"})
    now = sandbox.lead(petra.upstream_id)
    assert (now["visitor_name"], now["visitor_phone"]) == ("Petra Grace", "999")


def test_theirs_can_be_taken_and_the_rest_is_still_saved(petra, sandbox, agent, client_of):
    client = client_of(agent)
    form = fields_of(client.get(path(petra, "edit/")))
    sandbox.edit_lead(petra.upstream_id, visitor_name="Petra Hedy")
    typed = {"visitor_name": "Petra Grace", "visitor_company": "Quay"}
    again = fields_of(client.post(path(petra, "edit/"), form | typed))

    client.post(path(petra, "edit/"), again | {"choice-visitor_name": "theirs"})

    now = sandbox.lead(petra.upstream_id)
    assert (now["visitor_name"], now["visitor_company"]) == ("Petra Hedy", "Quay")


def test_another_field_changed_elsewhere_merges_silently(petra, sandbox, agent, client_of):
    client = client_of(agent)
    form = fields_of(client.get(path(petra, "edit/")))
    sandbox.edit_lead(petra.upstream_id, visitor_phone="999")

    assert client.post(path(petra, "edit/"), form | {"visitor_name": "Grace"}).status_code == 303
    now = sandbox.lead(petra.upstream_id)
    assert (now["visitor_name"], now["visitor_phone"]) == ("Grace", "999")


def test_a_lead_deleted_there_keeps_what_was_typed_on_the_page(petra, sandbox, agent, client_of):
    client = client_of(agent)
    form = fields_of(client.get(path(petra, "edit/")))
    sandbox.delete_lead(petra.upstream_id)

    response = client.post(path(petra, "edit/"), form | {"need_summary": "a long thought"})

    assert response.status_code == 409
    assert "It was deleted in NexaDesk" in text_of(response)
    assert fields_of(response)["need_summary"] == "a long thought"
    assert client.get(path(petra)).status_code == 404


def test_a_service_that_is_down_leaves_the_change_waiting_and_says_so(
    petra, sandbox, agent, client_of
):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(429), times=None)
    client = client_of(agent)
    response = edit(client, petra, visitor_name="Later")

    assert response.status_code == 303
    page = text_of(client.get(path(petra)))
    assert "Saved here. It will be sent when NexaDesk answers." in page
    assert "Saved here, will be sent" in page
    assert "Name: Later" in page
    petra.refresh_from_db()
    assert petra.name == "Petra Novak"


def test_an_answer_that_never_came_is_not_confirmed_and_not_sent_again(
    sandbox, nexadesk, agent, client_of
):
    sandbox.fault("nexadesk", "POST", "/leads", Fault.reset_after_apply())
    client = client_of(agent)
    form = fields_of(client.get(NEW)) | {"visitor_name": "Perhaps"}
    for _ in range(2):
        assert client.post(NEW, form)["Location"] == "/w/acme/leads/"

    assert "Not confirmed: NexaDesk did not answer in time" in text_of(client.get("/w/acme/leads/"))
    assert sandbox.requests.count("POST /leads") == 1


def test_a_rejected_key_keeps_the_change_until_it_is_replaced(petra, sandbox, agent, client_of):
    for key in list(sandbox.keys):
        sandbox.revoke(key.value)
    client = client_of(agent)
    edit(client, petra, visitor_name="Later")

    assert "once the key of NexaDesk is replaced" in text_of(client.get(path(petra)))
    assert Connection.objects.get().status == "key_rejected"


def test_a_key_that_may_only_read_says_so_and_the_buttons_go(
    sandbox, workspace, synced, agent, client_of
):
    key = Secret(sandbox.key("nexadesk", scopes=("read",), rate=None))
    connection, _trial = connections.add(workspace, "nexadesk", key, actor=None)
    made = sandbox.add_lead(visitor_name="Petra")
    synced(connection)
    lead = Lead.objects.get(upstream_id=made["id"])
    client = client_of(agent)

    response = edit(client, lead, visitor_name="Grace")

    assert response.status_code == 422
    assert fields_of(response)["visitor_name"] == "Grace"
    assert "address is not on the key's list" in text_of(response)
    page = text_of(client.get(path(lead)))
    assert "This key may only read" in page
    assert path(lead, "edit/") not in page
    assert NEW not in text_of(client.get("/w/acme/leads/"))


def test_a_lead_is_deleted_after_it_was_asked_once(petra, sandbox, agent, client_of):
    client = client_of(agent)
    asked = client.get(path(petra, "delete/"))
    assert "another id" in text_of(asked)
    assert len(sandbox.leads) == 1

    response = client.post(path(petra, "delete/"), follow=True)

    assert sandbox.leads == []
    assert "Deleted “Petra Novak”" in text_of(response)
    assert client.get(path(petra)).status_code == 404
    assert Entry.objects.get(action="lead.delete").before["visitor_phone"] == "+386-1-555-0142"


def test_the_stage_is_changed_in_place_on_the_leads_page(petra, sandbox, agent, client_of):
    client = client_of(agent)
    form = fields_of(client.get(path(petra)), form="quick-form") | {"pipeline_stage": "lost"}

    response = client.post(path(petra, "edit/"), form, headers=HTMX)

    assert response.status_code == 200
    assert "<html" not in response.content.decode()
    assert "Saved" in response["HX-Trigger"]
    assert sandbox.lead(petra.upstream_id)["pipeline_stage"] == "lost"


def test_a_clash_of_stages_is_solved_in_place(petra, sandbox, agent, client_of):
    client = client_of(agent)
    form = fields_of(client.get(path(petra)), form="quick-form") | {"pipeline_stage": "lost"}
    sandbox.edit_lead(petra.upstream_id, pipeline_stage="converted")

    response = client.post(path(petra, "edit/"), form, headers=HTMX)

    assert response.status_code == 409
    again = fields_of(response, form="quick-form")
    assert (again["pipeline_stage"], again["before-pipeline_stage"]) == ("lost", "converted")
    again["choice-pipeline_stage"] = "mine"
    client.post(path(petra, "edit/"), again, headers=HTMX)
    assert sandbox.lead(petra.upstream_id)["pipeline_stage"] == "lost"


def test_a_fresh_copy_is_fetched_once_and_shown(petra, sandbox, viewer, client_of):
    sandbox.edit_lead(petra.upstream_id, visitor_company="Renamed")

    response = client_of(viewer).get(path(petra, "fresh/"), headers=HTMX)

    assert "Renamed" in response.content.decode()
    assert sandbox.requests.count("GET /leads") == 1


def test_a_copy_that_cannot_be_refreshed_stays_with_words(petra, sandbox, viewer, client_of):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(500), times=None)
    client = client_of(viewer)

    partial = client.get(path(petra, "fresh/"), headers=HTMX)
    assert "Harbour Tools" in partial.content.decode()
    assert "does not answer now" in partial.content.decode()
    plain = client.post(path(petra, "fresh/"), follow=True)
    assert "does not answer now" in text_of(plain)


def test_a_lead_found_deleted_leads_back_to_the_list(petra, sandbox, viewer, client_of):
    sandbox.delete_lead(petra.upstream_id)
    client = client_of(viewer)

    response = client.get(path(petra, "fresh/?back=stage%3Dnew"), headers=HTMX)

    assert response["HX-Redirect"] == "/w/acme/leads/?stage=new"
    assert "was deleted in NexaDesk" in text_of(client.get("/w/acme/leads/"))


def test_who_has_the_same_e_mail_is_hinted_at(petra, sandbox, nexadesk, synced, viewer, client_of):
    sandbox.add_contact(first_name="Petra", last_name="N", email="petra@harbour.example")
    sandbox.add_conversation(visitor_name="P. Novak", visitor_email="petra@harbour.example")
    synced(nexadesk)

    page = text_of(client_of(viewer).get(path(petra)))

    assert "Petra N</a>" in page
    assert "P. Novak</a>" in page


def test_a_viewer_sees_everything_and_is_offered_nothing(petra, viewer, client_of):
    client = client_of(viewer)
    page = text_of(client.get(path(petra)))

    assert "Jo Silva" in page
    assert "Line one\nLine two" in page
    assert "3,200.50" in page
    assert path(petra, "edit/") not in page
    assert path(petra, "delete/") not in page
    assert client.post(path(petra, "edit/"), {"visitor_name": "x"}).status_code == 403
    assert client.post(path(petra, "delete/")).status_code == 403
    assert client.post(NEW, {"visitor_name": "x"}).status_code == 403
