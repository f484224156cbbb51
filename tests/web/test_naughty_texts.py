"""
Every naughty text through every field that takes one: it arrives as it was typed, does nothing on
the pages that show it, and no page fails. What a browser makes of them: test_hostile_text.py.
"""

import itertools
import os
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.batches.files.writing import csv_pieces
from portal.models import Batch, BatchRow, Connection, Conversation, Entry, Lead
from portal.services import batches, imports
from portal.services.codecs import CODECS
from portal.services.contacts import know_user
from portal.services.workspaces import create_workspace
from tests.batches.naughty import NAUGHTY
from tests.journeys.hostile import HOSTILE

# All of them by `make stress`; the suite takes those that have broken pages, and some of each sort.
TEXTS = NAUGHTY if os.environ.get("CROSSDESK_STRESS") else [*HOSTILE, *NAUGHTY[len(HOSTILE) :: 16]]
# So many records are made before the page of one is looked at; the lists show all of them.
EVERY = 20
TAGS = CODECS["tags"]
NEEDED = {"visitor_name", "pipeline_stage", "source", "first_name", "user_id"}
LONG = {"need_summary", "profile_notes"}
FITS = {"visitor_phone": 50, "phone": 50, "first_name": 100, "last_name": 100}
COUNTED = {"script", "style", "meta", "link", "template", "title", "form", "iframe", "object"}
NEVER = {"iframe", "object", "embed", "base", "plaintext", "hx-partial", "applet", "frame"}
RUNS = re.compile(r"\s*(javascript:|data:|vbscript:)", re.IGNORECASE)
# Markdown may link elsewhere; nothing is fetched from there, and no form leads there.
ELSEWHERE = re.compile(r"\s*(https?:)?//evil", re.IGNORECASE)


class Page(HTMLParser):
    """What of a page acts: `acting` must be empty, `counts` the same whatever the texts are."""

    def __init__(self, html):
        super().__init__()
        self.counts, self.acting = Counter(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag in COUNTED:
            self.counts[tag] += 1
        told = [(name, value or "") for name, value in attrs]
        bad = [
            (name, value)
            for name, value in told
            if name.startswith(("on", "hx-"))
            or (name in ("href", "src", "action", "formaction") and RUNS.match(value))
            or (name in ("src", "action", "formaction") and ELSEWHERE.match(value))
            or (name.startswith("data-hx-") and value.startswith("/accounts/"))
            or (name, value) == ("id", "escaped")
        ]
        if tag in NEVER or bad:
            self.acting.append((tag, bad))


def typed(text):
    """As a form or a cell gives it to the service: with one kind of line end."""
    return re.sub(r"\r\n?", "\n", text)


def turned(number):
    """The texts in another order, so that each field of a form gets another one each time."""
    number = number * 97 % len(TEXTS)
    return [*TEXTS[number:], *TEXTS[:number]]


def rounds(fields, **most):
    """
    One form after the other, until each of these fields had each of the texts once. What is too
    long is cut and what is needed filled in: that such texts are refused is told elsewhere.
    """
    for texts in zip(*(turned(n) for n in range(len(fields))), strict=True):
        yield {name: fit(name, text, most) for name, text in zip(fields, texts, strict=True)}


def fit(name, text, most):
    """A line of a form holds no line ends: browsers leave them out."""
    text = text if name in LONG else re.sub(r"[\r\n]", "", text)
    text = text[: most.get(name, len(text))]
    return text if text.strip() or name not in NEEDED else "x"


def show_tag(text):
    return TAGS.show([text] if text else [])


@pytest.fixture
def desk(admin, client_of):
    return client_of(admin)


@pytest.fixture
def post(desk, clock):
    """Send a form as often as wanted: each time a second of the keys' budgets goes by."""

    def send(path, data, status=303):
        clock.now += 1.5
        answer = desk.post(path, data)
        said = re.findall(r'<ul class="errorlist".*?</ul>|role="alert".*?</div>', answer.text, re.S)
        assert answer.status_code == status, (data, said)
        return answer

    return send


def inert(html, like=None):
    page = Page(html)
    assert page.acting == []
    if like is not None:
        assert page.counts == Page(like).counts
    return html


def test_the_look_finds_what_acts():
    """The measure itself: a page that did not escape its texts would not pass."""
    found = [text for text in NAUGHTY if Page(f"<p>{text}</p>").acting]
    assert len(found) > 10
    assert Page('<a href=" javascript:x">').acting
    assert Page("<script>x</script>").counts != Page("").counts


def lost(there, values, tags=""):
    """What the service does not hold as it was typed, character by character."""
    asked = {name: typed(text) or None for name, text in values.items() if name != tags}
    held = {name: there.get(name) or None for name in asked}
    if tags:
        asked[tags] = [values[tags]] if values[tags] else []
        held[tags] = there[tags]
    return {name: (text, held[name]) for name, text in asked.items() if held[name] != text}


LEAD = ["visitor_name", "visitor_company", "visitor_phone", "need_summary", "pipeline_stage",
        "source", "assigned_rep_id", "tags"]  # fmt: skip
CONTACT = ["first_name", "last_name", "company_name", "phone", "profile_notes", "tags"]


def test_a_lead(post, desk, nexadesk, sandbox):
    harmless = None
    for number, values in enumerate(rounds(LEAD, **FITS)):
        answer = post("/w/acme/leads/new/", values | {"tags": show_tag(values["tags"])})
        assert lost(sandbox.leads[-1], values, "tags") == {}
        if number % EVERY == 0:
            page = inert(desk.get(answer["Location"]).text, harmless)
            inert(desk.get(answer["Location"] + "edit/").text)
            harmless = harmless or page
    assert len(sandbox.leads) == len(TEXTS)
    for query in ("per=100", "per=100&sort=name", "per=100&sort=-stage", "q=evil&per=100"):
        inert(desk.get(f"/w/acme/leads/?{query}").text)
    for path in ("audit/", "leads/export/", ""):
        inert(desk.get(f"/w/acme/{path}").text)


def test_a_lead_that_is_changed(post, desk, nexadesk, sandbox, synced):
    sandbox.add_lead(**dict.fromkeys(LEAD[:-1], "x"), tags=["x"])
    synced(nexadesk)
    path = f"/w/acme/leads/{Lead.objects.get().pk}/"
    before = dict.fromkeys(LEAD, "x")
    for number, values in enumerate(rounds(LEAD, **FITS)):
        shown = values | {"tags": show_tag(values["tags"])}
        post(path + "edit/", shown | {f"before-{name}": text for name, text in before.items()})
        assert lost(sandbox.leads[0], values, "tags") == {}
        before = {name: typed(text) for name, text in shown.items()}
        if number % EVERY == 0:
            inert(desk.get(path).text)
    inert(desk.get("/w/acme/audit/").text)


def test_a_contact(post, desk, nexadesk, sandbox):
    for number, values in enumerate(rounds(CONTACT, **FITS)):
        shown = values | {"tags": show_tag(values["tags"]), "email": f"c{number}@x.example"}
        answer = post("/w/acme/contacts/new/", shown)
        assert lost(sandbox.contacts[-1], values, "tags") == {}
        if number % EVERY == 0:
            inert(desk.get(answer["Location"]).text)
    inert(desk.get("/w/acme/contacts/?per=100").text)


def test_what_only_an_address_or_a_number_can_be_is_kept_as_typed(post, desk, nexadesk, sandbox):
    for text in TEXTS:
        values = {"visitor_name": "Ada", "visitor_email": text, "expected_billing_amount": text}
        answer = desk.post("/w/acme/leads/new/", values)
        if answer.status_code == 422:
            inert(answer.text)
            continue
        # Blanks, numbers and addresses are among them.
        assert answer.status_code == 303, text
        post("/w/acme/leads/new/", values)


@pytest.fixture
def thread(sandbox, dexra, synced):
    sandbox.add_dexra_user(id="u_1", email="mara@cove.example", first_name="Mara")
    made = sandbox.add_dexra_conversation(id="conv", subject="Invoice", user_id="u_1")
    synced(dexra)
    return Conversation.objects.get(upstream_id=made["id"])


@pytest.mark.parametrize(("mode", "sort"), [("reply", "text"), ("note", "private_note")])
def test_a_message(mode, sort, thread, post, desk, sandbox):
    path = f"/w/acme/conversations/{thread.pk}/"
    for text in (text for text in TEXTS if text.strip()):
        post(f"{path}{mode}/", {"content": text, "mode": mode})
        last = sandbox.dexra_messages("conv")[-1]
        assert (last["type"], last["text"]) == (sort, typed(text))
    inert(desk.get(path).text)
    inert(desk.get("/w/acme/conversations/").text)


def test_a_new_conversation(thread, post, desk, sandbox):
    fields = ["user_id", "subject", "tags"]
    for number, values in enumerate(rounds(fields, user_id=255)):
        shown = values | {"tags": show_tag(values["tags"])}
        answer = post("/w/acme/conversations/new/", shown)
        made = sandbox.dexra_conversations[-1]
        there = {"user_id": made["_user_id"], "subject": made["subject"], "tags": made["_tags"]}
        assert lost(there, values, "tags") == {}
        if number % EVERY == 0:
            inert(desk.get(answer["Location"]).text)
    inert(desk.get("/w/acme/conversations/?per=100").text)


def test_the_attributes_of_a_user(thread, dexra, post, desk, sandbox):
    user = know_user(dexra, "u_1")
    names = [text.strip() for text in TEXTS if 0 < len(text.strip()) <= 100]
    for some in itertools.batched(dict.fromkeys(names), 90):
        values = [text if text.strip() else "x" for text in turned(len(some))[: len(some)]]
        rows = {"attribute-name": some, "attribute-value": values}
        post(f"/w/acme/contacts/{user.pk}/edit/", rows | {"attribute-type": ["text"] * len(some)})
        there = sandbox.requests.matching("PATCH /users")[-1].body["custom_attributes"]
        asked = {n: v.replace("\r\n", "\n") for n, v in zip(some, values, strict=True)}
        assert there == asked
    inert(desk.get(f"/w/acme/contacts/{user.pk}/").text)
    inert(desk.get(f"/w/acme/contacts/{user.pk}/edit/").text)


def test_whose_id_is_anything(thread, desk):
    for text in (text for text in TEXTS if text.strip()):
        answer = desk.post("/w/acme/contacts/user/", {"user_id": text})
        assert answer.status_code == 302, text
    inert(desk.get("/w/acme/contacts/?per=100").text)


def test_searches_filters_and_names(desk, nexadesk, sandbox, synced, workspace, admin):
    """With the workspace and the person called so, whose names every page shows."""
    sandbox.add_lead(visitor_name="Ada", pipeline_stage="new")
    synced(nexadesk)
    fields = ["q", "stage", "source", "tag", "rep", "created_since", "amount_min", "sort", "after",
              "connection", "columns", "odd", "slug", "person"]  # fmt: skip
    lists = itertools.cycle(["leads/", "contacts/", "conversations/", "audit/"])
    for values, path in zip(rounds(fields), lists, strict=False):
        workspace.name, admin.user.name = values.pop("slug")[:80] or "x", values.pop("person")[:80]
        workspace.save()
        admin.user.save()
        answer = desk.get(f"/w/acme/{path}", values)
        while answer.status_code == 302:
            answer = desk.get(answer["Location"])
        assert answer.status_code == 200, values
        inert(answer.text)


def test_the_name_of_a_new_workspace(db):
    for number, text in enumerate(TEXTS):
        made = create_workspace(
            f"w{number}", name=text[:100], owner_email="o@x.example", password=None
        )
        made.refresh_from_db()
        assert made.name == text[:100]
    assert Entry.objects.filter(action="workspace.create").count() == len(TEXTS)


def test_a_tag_for_many(desk, agent, nexadesk, sandbox, synced, clock):
    sandbox.add_lead(id="lead-1", visitor_name="Ada", tags=["old"])
    synced(nexadesk)
    ids = [Lead.objects.get().pk]
    for number, text in enumerate(TEXTS):
        data = {"ids": ids, "do": "tag-add", "tag-add": text}
        answer = desk.post("/w/acme/leads/bulk/", data)
        assert answer.status_code == (302 if text.strip() else 422), text
        if answer.status_code == 422:
            continue
        batch = Batch.objects.latest("pk")
        assert batch.rows.get().changes == {"tags": ["old", text.strip()]}
        if number % EVERY == 0:
            inert(desk.get(answer["Location"]).text)
    batches.start(batch, actor=agent)
    assert batches.run(batch.pk) is None
    assert sandbox.lead("lead-1")["tags"] == ["old", text.strip()]
    inert(desk.get("/w/acme/batches/").text)


def test_the_name_of_a_connection_and_its_secrets(desk, nexadesk, sandbox, clock):
    key = sandbox.key("nexadesk", rate=None)
    data = {"provider": "nexadesk", "key": key}
    for number, text in enumerate(TEXTS):
        label = text[:80].strip()
        clock.now += 1.5
        answer = desk.post("/w/acme/settings/connections/new/", data | {"label": label})
        assert answer.status_code == 302, text
        made = Connection.objects.latest("pk")
        assert made.label == label
        hooks = desk.post(f"/w/acme/settings/connections/{made.pk}/webhooks/", {"secret": text})
        assert hooks.status_code in (302, 422)
        for field in ("key", "name"):
            verb = "key" if field == "key" else "remove"
            wrong = desk.post(
                f"/w/acme/settings/connections/{made.pk}/{verb}/", {field: text + "?"}
            )
            assert wrong.status_code == 422, text
        if number % EVERY == 0:
            inert(desk.get("/w/acme/settings/connections/").text)
        made.delete()


def test_who_signs_in(desk, client):
    for login, password in zip(TEXTS, turned(1), strict=True):
        answer = client.post("/accounts/login/", {"login": login, "password": password})
        assert answer.status_code == 200
        inert(answer.text)


@pytest.mark.parametrize(("kind", "fields"), [("leads", LEAD), ("contacts", CONTACT)])
def test_the_cells_of_a_file(kind, fields, desk, nexadesk, sandbox):
    """The columns are called by the texts, too."""
    asked = list(rounds(fields, **FITS))
    rows = [[*(values | {"tags": show_tag(values["tags"])}).values()] for values in asked]
    data = b"".join(csv_pieces(fields, rows))
    desk.post(f"/w/acme/{kind}/import/", {"file": SimpleUploadedFile("a.csv", data)})
    batch = Batch.objects.get()
    columns = {f"column-{n}": name for n, name in enumerate(fields)}
    answer = desk.post(f"/w/acme/imports/{batch.pk}/", columns | {"duplicates": "update"})
    inert(desk.get(answer["Location"]).text)

    for row, values in zip(BatchRow.objects.order_by("number"), asked, strict=True):
        wanted = {n: typed(text) for n, text in values.items() if text.strip() and n != "tags"}
        if values["tags"]:
            wanted["tags"] = [values["tags"]]
        assert row.changes == wanted, row.problems


def test_the_names_of_columns_and_files(desk, nexadesk, sandbox):
    titles = [text for text in TEXTS if text.strip()]
    for some in itertools.batched(titles, 150):
        data = b"".join(csv_pieces(some, [["x"] * len(some)]))
        file = SimpleUploadedFile(f"{some[0]}{some[-1]}.csv", data)
        answer = desk.post("/w/acme/leads/import/", {"file": file})
        assert answer.status_code == 302
        batch = Batch.objects.latest("pk")
        assert len(set(imports.columns_of(batch))) == len(some)
        inert(desk.get(answer["Location"]).text)
