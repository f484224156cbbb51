"""One page lists what waits, failed or needs a decision; nothing that was typed is ever gone."""

import re
from html import unescape

import pytest
from django.utils import timezone

from portal.models import Contact, Conversation, Entry, Held, Lead, Write
from portal.outbox.models import WITHDRAWN
from portal.sandbox import Fault
from portal.services.sending import send_due

PAGE = "/w/acme/outbox/"
HOSTILE = '"><img src=x onerror=alert(1)>{{ 7*7 }}</textarea>\u202e'


@pytest.fixture
def lead(sandbox, nexadesk, synced):
    sandbox.add_lead(visitor_name="Ada", pipeline_stage="new", expected_billing_amount=100)
    synced(nexadesk)
    sandbox.requests.clear()
    return Lead.objects.select_related("connection", "workspace").get()


def make(connection, status, *, action="lead.update", row=None, actor=None, **more):
    """A write as the engine leaves it."""
    kind = {"lead": "leads", "contact": "contacts", "user": "contacts"}.get(
        action.partition(".")[0], "conversations"
    )
    entry = Entry.objects.create(
        workspace=connection.workspace,
        actor=actor and actor.user,
        action=action,
        subject=str(row or "Somebody"),
        subject_kind=kind,
        subject_id=row and row.pk,
        outcome="refused" if status == "refused" else "pending",
    )
    values = {
        "attempt": 2,
        "changes": {"visitor_name": "Grace"},
        "before": {"visitor_name": "Ada"},
        "actor": actor and actor.user,
        "upstream_id": row.upstream_id if row else "",
    }
    return Write.objects.create(
        workspace=connection.workspace,
        connection=connection,
        entry=entry,
        form_id=f"form-{entry.pk}",
        action=action,
        kind=kind,
        status=status,
        **(values | more),
    )


def press(as_agent, write, verb, **form):
    return as_agent.post(
        f"{PAGE}{write.pk}/{verb}/", {"attempt": write.attempt, **form}, follow=True
    )


def count_in_the_sidebar(page):
    found = re.search(r'class="side-outbox".*?class="count num">([\d+]+)', page.text, re.DOTALL)
    return found and found[1]


def test_each_has_its_group_with_who_what_and_why(lead, agent, as_agent):
    changes = {"pipeline_stage": "lost", "expected_billing_amount": 4000}
    before = {"pipeline_stage": "new", "expected_billing_amount": 100}
    told = {"why": "NexaDesk has two that look like it.", "found": [{"id": "L9", "name": "Ada"}]}
    make(lead.connection, "undecided", row=lead, actor=agent, evidence=told)
    make(lead.connection, "refused", row=lead, said="visitor_name is too long")
    make(lead.connection, "unknown", action="lead.create", before={})
    make(lead.connection, "queued", row=lead, reason="order", changes=changes, before=before)

    page = as_agent.get(PAGE)

    html = unescape(page.text)
    heads = re.findall(r'<h2 id="group-\w+">(.*?)</h2>', html)
    assert heads == ["You decide", "Not sent", "Not confirmed", "Waiting"]
    assert "NexaDesk has two that look like it." in html
    assert "id: L9 · name: Ada" in html
    assert "NexaDesk: “visitor_name is too long”" in html
    assert "An earlier change of the same record goes first." in html
    assert "<del>new</del>" in html
    assert "<del>100</del>" in html
    assert f'href="/w/acme/leads/{lead.pk}/">Ada</a>' in html
    assert "Agent · NexaDesk" in html
    assert count_in_the_sidebar(page) == "4"


def test_the_filter_shows_one_group(lead, as_agent):
    make(lead.connection, "undecided")
    make(lead.connection, "queued")

    html = as_agent.get(f"{PAGE}?show=waiting").text

    assert "group-waiting" in html
    assert "group-decide" not in html
    assert as_agent.get(f"{PAGE}?show=nonsense&before=x").status_code == 200


def test_nothing_waits_and_nothing_is_counted(lead, as_agent):
    page = as_agent.get(PAGE)

    assert "Nothing waits, nothing failed" in page.text
    assert count_in_the_sidebar(page) is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("KeyRejected", "once the key of NexaDesk is replaced"),
        ("BudgetSpent", "The calls of this minute are used up."),
        ("RateLimited", "NexaDesk asks us to wait."),
        ("Unreachable", "NexaDesk does not answer."),
        ("SomethingNobodyThoughtOf", "NexaDesk does not answer."),
        ("", "It goes to NexaDesk in a moment."),
    ],
)
def test_what_waits_says_why(lead, as_agent, reason, words):
    later = timezone.now() + timezone.timedelta(minutes=3)
    make(lead.connection, "queued", reason=reason, not_before=later)

    html = as_agent.get(PAGE).text
    assert words in html
    if reason:
        assert f"Next try at {timezone.localtime(later):%H:%M:%S}." in html


def test_more_than_a_hundred_are_read_a_hundred_at_a_time(
    lead, as_agent, django_assert_max_num_queries
):
    made = [make(lead.connection, "queued", row=lead) for _ in range(103)]

    with django_assert_max_num_queries(8):
        page = as_agent.get(PAGE)
    assert page.text.count('<li id="write-') == 100
    assert count_in_the_sidebar(page) == "99+"
    older = unescape(re.search(r'href="([^"]*before=[^"]*)">Older', page.text)[1])
    rest = as_agent.get(PAGE + older).text
    assert re.findall(r'<li id="write-(\d+)"', rest) == [str(w.pk) for w in made[2::-1]]


def test_every_write_keeps_its_address_and_its_whole_text(lead, agent, as_agent):
    text = f"{HOSTILE}\n" * 40
    for status, reason in (("sent", ""), ("refused", WITHDRAWN), ("undecided", "")):
        write = make(
            lead.connection, status, action="message.send", changes={"text": text}, reason=reason
        )
        html = as_agent.get(f"{PAGE}{write.pk}/").text
        assert text.strip() in unescape(html)
        assert "<img src=x" not in html


def test_it_arrived(lead, as_agent, sandbox):
    write = make(lead.connection, "undecided", row=lead)

    html = press(as_agent, write, "arrived").text

    assert "Noted: it arrived." in html
    assert "Nothing waits" in html
    write.refresh_from_db()
    assert (write.status, write.reason) == ("sent", "decided")
    assert len(sandbox.requests) == 0


def test_send_again_leaves_at_once(lead, as_agent, sandbox):
    write = make(lead.connection, "undecided", row=lead)

    html = press(as_agent, write, "again").text

    assert sandbox.lead(lead.upstream_id)["visitor_name"] == "Grace"
    assert "Nothing waits" in html


def test_a_page_from_before_decides_nothing_twice(lead, as_agent, sandbox):
    write = make(lead.connection, "refused", action="lead.create", before={})

    press(as_agent, write, "again")
    html = press(as_agent, write, "again").text

    assert "This has moved on meanwhile" in html
    assert [one["visitor_name"] for one in sandbox.leads if one["visitor_name"] == "Grace"] == [
        "Grace"
    ]


def test_a_page_from_before_the_last_try_sends_nothing(lead, as_agent, sandbox):
    """It stands refused as it did then, but somebody has tried it again since."""
    sandbox.fault("nexadesk", "POST", "/leads", Fault.status(422))
    shown = make(lead.connection, "refused", action="lead.create", before={})
    press(as_agent, shown, "again")
    now = Write.objects.get(pk=shown.pk)
    assert (now.status, now.attempt > shown.attempt) == ("refused", True)

    assert "This has moved on meanwhile" in press(as_agent, shown, "again").text
    assert sandbox.requests.count("POST /leads") == 1


def test_the_customer_may_read_it_twice_is_said_before(lead, dexra, as_agent):
    make(dexra, "undecided", action="message.send", changes={"text": "Hello"})

    assert "may reach the customer twice" in as_agent.get(PAGE).text


def test_retry_now(lead, as_agent, sandbox):
    later = timezone.now() + timezone.timedelta(hours=1)
    write = make(lead.connection, "queued", row=lead, not_before=later)

    assert "Sent" in press(as_agent, write, "now").text
    assert sandbox.lead(lead.upstream_id)["visitor_name"] == "Grace"


def test_a_refusal_of_the_retry_is_said_and_stays(lead, as_agent, sandbox):
    sandbox.fault("nexadesk", "PATCH", "/leads", Fault.status(422))
    write = make(lead.connection, "queued", row=lead)

    html = press(as_agent, write, "now").text

    assert "group-refused" in html
    assert "Grace" in html


def test_discard_and_back_to_where_the_button_stood(lead, as_agent, sandbox):
    write = make(lead.connection, "queued", row=lead)

    response = press(as_agent, write, "discard", next=f"/w/acme/leads/{lead.pk}/")

    assert response.redirect_chain[-1][0] == f"/w/acme/leads/{lead.pk}/"
    assert "Taken back. It was not sent." in response.text
    assert send_due() == 0


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "/w/other/", "x"])
def test_a_button_leads_nowhere_else(lead, as_agent, there):
    write = make(lead.connection, "queued", row=lead)

    response = press(as_agent, write, "discard", next=there)

    assert response.redirect_chain[-1][0] == PAGE


def fields_of(page, form='id="outbox-edit"'):
    html = page.text.partition(form)[2].partition("</form>")[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", html):
        values = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if values.get("type") != "radio" or " checked" in tag:
            found.setdefault(values.get("name"), unescape(values.get("value", "")))
    for name, text in re.findall(r'<textarea name="([\w-]+)"[^>]*>\n?(.*?)</textarea>', html, re.S):
        found[name] = unescape(text)
    for name, options in re.findall(r'<select name="([\w-]+)"[^>]*>(.*?)</select>', html, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = unescape(chosen[1]) if chosen else ""
    if "clash" in found:
        clashes = re.findall(r'name="clash" value="(.*?)"', html)
        found["clash"] = [unescape(name) for name in clashes]
    return {name: value for name, value in found.items() if name}


def test_a_refused_change_is_edited_in_its_own_form(lead, as_agent, sandbox):
    changes = {"visitor_email": "nope", "visitor_company": HOSTILE[:50]}
    write = make(lead.connection, "refused", row=lead, changes=changes, before={})
    page = as_agent.get(f"{PAGE}{write.pk}/edit/")
    form = fields_of(page)
    assert (form["visitor_email"], form["visitor_company"]) == ("nope", HOSTILE[:50])

    wrong = as_agent.post(f"{PAGE}{write.pk}/edit/", form)
    assert wrong.status_code == 422
    assert "This is not an e-mail address" in wrong.text

    form = fields_of(wrong) | {"visitor_email": "ada@engine.example"}
    response = as_agent.post(f"{PAGE}{write.pk}/edit/", form, follow=True)

    assert "Saved" in response.text
    now = sandbox.lead(lead.upstream_id)
    assert (now["visitor_email"], now["visitor_company"]) == ("ada@engine.example", HOSTILE[:50])
    assert [r.body for r in sandbox.requests.matching("PATCH /leads")] == [
        {"visitor_email": "ada@engine.example", "visitor_company": HOSTILE[:50]}
    ]
    write.refresh_from_db()
    assert write.reason == WITHDRAWN


def test_a_refused_new_record_is_edited_whole(lead, as_agent, sandbox):
    changes = {"visitor_name": "Grace", "visitor_email": "grace@navy.example"}
    write = make(lead.connection, "refused", action="lead.create", changes=changes, before={})

    form = fields_of(as_agent.get(f"{PAGE}{write.pk}/edit/")) | {"visitor_company": "Navy"}
    as_agent.post(f"{PAGE}{write.pk}/edit/", form)

    made = sandbox.leads[-1]
    assert (made["visitor_name"], made["visitor_email"], made["visitor_company"]) == (
        "Grace",
        "grace@navy.example",
        "Navy",
    )


def test_what_is_there_already_can_be_opened(sandbox, nexadesk, synced, as_agent):
    sandbox.add_contact(first_name="Omar", email="omar@delta.example")
    synced(nexadesk)
    values = {"changes": {"first_name": "O.", "email": "Omar@Delta.example"}, "before": {}}
    write = make(nexadesk, "refused", action="contact.create", reason="Duplicate", **values)
    other = make(nexadesk, "refused", action="contact.create", reason="Refused", **values)

    for page in ("", "edit/"):
        html = as_agent.get(f"{PAGE}{write.pk}/{page}").text
        assert "has this e-mail already" in html
        assert f'href="/w/acme/contacts/{Contact.objects.get().pk}/"' in html
        assert "has this e-mail already" not in as_agent.get(f"{PAGE}{other.pk}/{page}").text


def test_a_message_is_edited_where_it_was_written(sandbox, dexra, synced, as_agent):
    sandbox.add_dexra_conversation(subject="Invoice")
    synced(dexra)
    talk = Conversation.objects.get()
    write = make(dexra, "refused", action="message.note", row=talk, changes={"text": "For us"})

    response = as_agent.get(f"{PAGE}{write.pk}/edit/", follow=True)

    assert response.redirect_chain[-1][0] == f"/w/acme/conversations/{talk.pk}/?edit={write.pk}"
    assert "For us</textarea>" in response.text
    assert re.search(r'id="mode-note"[^>]*checked', response.text)


def test_what_is_sent_is_edited_no_more(lead, as_agent):
    write = make(lead.connection, "sent", row=lead)

    response = as_agent.get(f"{PAGE}{write.pk}/edit/", follow=True)
    assert "cannot be changed any more" in response.text


def test_a_stopped_workspace_says_so_and_an_admin_releases_it(
    lead, as_agent, agent, admin, client_of
):
    Held.objects.create(workspace=agent.workspace, reason="Restored from a backup of Monday")
    write = make(lead.connection, "queued", row=lead)

    html = as_agent.get(PAGE).text
    assert "Nothing is sent from this workspace now." in html
    assert "Restored from a backup of Monday" in html
    assert "Somebody who administers this workspace can release it." in html
    assert as_agent.post(f"{PAGE}release/").status_code == 403
    assert "sends nothing until an admin releases it" in press(as_agent, write, "now").text

    response = client_of(admin).post(f"{PAGE}release/", follow=True)
    assert "Released" in response.text
    assert not Held.objects.exists()


def test_a_viewer_looks_and_decides_nothing(lead, viewer, client_of):
    write = make(lead.connection, "undecided", row=lead)
    watching = client_of(viewer)

    html = watching.get(PAGE).text
    assert "Not confirmed: you decide" in html
    assert "It arrived" not in html
    for verb in ("now", "again", "arrived", "discard"):
        assert watching.post(f"{PAGE}{write.pk}/{verb}/").status_code == 403
    assert watching.get(f"{PAGE}{write.pk}/edit/").status_code == 403


def test_another_workspace_sees_none_of_it(lead, stranger, client_of):
    write = make(lead.connection, "undecided", row=lead)
    outside = client_of(stranger)

    page = outside.get("/w/other/outbox/")
    assert "Nothing waits" in page.text
    assert count_in_the_sidebar(page) is None
    for verb in ("", "edit/"):
        assert outside.get(f"/w/other/outbox/{write.pk}/{verb}").status_code == 404
    for verb in ("now", "again", "arrived", "discard"):
        assert outside.post(f"/w/other/outbox/{write.pk}/{verb}/").status_code == 404


class TestMarks:
    """A record that differs from upstream shows it, wherever it is shown."""

    def test_rows_of_lists(self, lead, as_agent, django_assert_max_num_queries):
        make(lead.connection, "queued", row=lead)
        make(lead.connection, "undecided", row=lead)
        with django_assert_max_num_queries(8):
            html = as_agent.get("/w/acme/leads/").text
        cell = html.partition('<td class="name">')[2].partition("</td>")[0]
        assert "Not confirmed: you decide" in cell, "the one that needs a person most"

    def test_a_new_record_that_is_in_no_list_yet(self, lead, as_agent):
        assert "not in its service yet" not in as_agent.get("/w/acme/leads/").text
        make(lead.connection, "queued", action="lead.create")
        assert "One new record is saved here" in as_agent.get("/w/acme/leads/").text
        make(lead.connection, "undecided", action="lead.create")
        make(lead.connection, "queued", action="conversation.create")
        make(lead.connection, "queued", row=lead)
        make(lead.connection, "sent", action="contact.create")

        html = as_agent.get("/w/acme/leads/?q=nobody").text
        assert "2 new records are saved here and not in their service yet." in html
        assert f'href="{PAGE}"' in html
        assert "One new record is saved here" in as_agent.get("/w/acme/conversations/").text
        assert "new record" not in as_agent.get("/w/acme/contacts/").text

    def test_a_row_without_one(self, lead, as_agent):
        make(lead.connection, "sent", row=lead)
        assert "open-mark" not in as_agent.get("/w/acme/leads/").text

    def test_contacts_and_conversations(self, sandbox, nexadesk, synced, as_agent):
        sandbox.add_contact(first_name="Omar")
        sandbox.add_conversation(visitor_name="Lena")
        synced(nexadesk)
        make(nexadesk, "queued", action="contact.update", row=Contact.objects.get())
        make(nexadesk, "unknown", action="conversation.status", row=Conversation.objects.get())

        assert "Saved here, will be sent" in as_agent.get("/w/acme/contacts/").text
        assert "Not confirmed: checking" in as_agent.get("/w/acme/conversations/").text

    def test_the_records_page_leads_to_the_decision(self, lead, as_agent):
        write = make(lead.connection, "refused", row=lead, said="too long")

        html = as_agent.get(f"/w/acme/leads/{lead.pk}/").text
        assert "Not sent" in html
        assert "too long" in html
        assert f'href="{PAGE}{write.pk}/"' in html

    def test_of_another_workspace_nothing(self, lead, stranger, client_of):
        make(lead.connection, "queued", row=lead)
        assert "open-mark" not in client_of(stranger).get("/w/other/leads/").text
