"""Contacts where the API has them, users where it only knows ids."""

import re
from html import unescape

import pytest

from portal.models import Contact
from portal.sandbox import Fault

LIST, NEW, BY_ID = "/w/acme/contacts/", "/w/acme/contacts/new/", "/w/acme/contacts/user/"


def text_of(response):
    return unescape(response.content.decode())


def path(contact, what=""):
    return f"{LIST}{contact.pk}/{what}"


def befores_of(response):
    """The hidden fields that carry what the person saw, and the form's id."""
    tags = re.findall(
        r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', text_of_raw(response)
    )
    return {name: unescape(value) for name, value in tags if name != "csrfmiddlewaretoken"}


def text_of_raw(response):
    return response.content.decode()


@pytest.fixture
def omar(sandbox, nexadesk, synced):
    made = sandbox.add_contact(
        first_name="Omar",
        last_name="Haddad",
        email="omar@delta.example",
        company_name="Delta Print",
        tags=["customer"],
        profile_notes="Prefers mornings",
    )
    synced(nexadesk)
    sandbox.requests.clear()
    return Contact.objects.get(upstream_id=made["id"])


def test_a_new_contact_reaches_the_service(sandbox, nexadesk, agent, client_of):
    form = {"first_name": "Aïcha", "email": "aicha@atlas.example", "tags": "a, b", "phone": ""}
    response = client_of(agent).post(NEW, form)

    assert response.status_code == 303
    (sent,) = sandbox.requests.matching("POST /contacts")
    assert sent.body == {
        "first_name": "Aïcha",
        "email": "aicha@atlas.example",
        "tags": ["a", "b"],
    }
    assert Contact.objects.get().name == "Aïcha"


def test_an_e_mail_that_is_taken_opens_the_way_to_who_has_it(omar, sandbox, agent, client_of):
    form = {"first_name": "O.", "email": "Omar@Delta.example", "profile_notes": "long text"}
    response = client_of(agent).post(NEW, form)

    assert response.status_code == 422
    page = text_of(response)
    assert "“Omar Haddad” has this e-mail already" in page
    assert path(omar) in page
    assert "long text" in page
    assert len(sandbox.contacts) == 1


def test_an_existing_one_that_is_not_copied_yet_is_found_by_the_services_search(
    sandbox, nexadesk, agent, client_of
):
    sandbox.add_contact(first_name="Omar", email="omar@delta.example")

    page = text_of(client_of(agent).post(NEW, {"first_name": "O.", "email": "omar@delta.example"}))

    assert "“Omar” has this e-mail already" in page
    assert path(Contact.objects.get()) in page


def test_a_taken_e_mail_is_told_when_changing_too(
    omar, sandbox, nexadesk, synced, agent, client_of
):
    sandbox.add_contact(first_name="Lena", email="lena@quay.example")
    synced(nexadesk)

    response = client_of(agent).post(path(omar, "edit/"), {"email": "lena@quay.example"})

    assert response.status_code == 422
    assert "“Lena” has this e-mail already" in text_of(response)
    assert sandbox.contact(omar.upstream_id)["email"] == "omar@delta.example"


def test_only_what_changed_is_sent(omar, sandbox, agent, client_of):
    client = client_of(agent)
    page = client.get(path(omar, "edit/"))
    form = befores_of(page) | {
        "first_name": "Omar",
        "last_name": "Haddad",
        "email": "omar@delta.example",
        "phone": "+961 1",
        "company_name": "Delta Print",
        "tags": "customer",
        "profile_notes": "Prefers mornings",
    }
    client.post(path(omar, "edit/"), form)

    assert [r.body for r in sandbox.requests.matching("PATCH /contacts")] == [{"phone": "+961 1"}]


def test_a_clash_is_shown_and_nothing_is_sent(omar, sandbox, agent, client_of):
    client = client_of(agent)
    form = befores_of(client.get(path(omar, "edit/"))) | {"last_name": "Mine"}
    sandbox.edit_contact(omar.upstream_id, last_name="Theirs")

    response = client.post(path(omar, "edit/"), form)

    assert response.status_code == 409
    assert {"Haddad", "Theirs", "Mine"} <= set(re.findall(r"\w+", text_of(response)))
    assert sandbox.requests.count("PATCH /contacts") == 0


def test_a_contact_is_deleted_after_it_was_asked(omar, sandbox, agent, client_of):
    client = client_of(agent)
    assert client.get(path(omar, "delete/")).status_code == 200
    response = client.post(path(omar, "delete/"), follow=True)

    assert sandbox.contacts == []
    assert "Deleted “Omar Haddad”" in text_of(response)


def test_the_list_filters_searches_and_sorts(sandbox, nexadesk, synced, viewer, client_of):
    for n in range(30):
        sandbox.add_contact(
            first_name=f"Person {n:02}", email=f"p{n}@x.example", tags=["vip"] if n % 3 else []
        )
    synced(nexadesk)
    client = client_of(viewer)

    def names(query):
        html = client.get(LIST + query).content.decode()
        return re.findall(r'<td class="name"><a [^>]*>([^<]*)<', html)

    assert names("?sort=name&per=25") == [f"Person {n:02}" for n in range(25)]
    assert len(names("?tag=vip")) == 20
    assert names("?q=P7@X") == ["Person 07"]
    assert "no filter “stage”" in text_of(client.get(f"{LIST}?stage=new"))


def test_the_service_is_named_only_where_there_are_several(omar, dexra, agent, client_of):
    client = client_of(agent)
    assert ">Service</th>" not in text_of(client.get(LIST))
    client.post(BY_ID, {"user_id": "u_1"})

    page = text_of(client.get(LIST))
    assert ">Service</th>" in page
    assert "u_1" in page


@pytest.fixture
def mara(sandbox, dexra, agent, client_of):
    """A Dexra user whose id somebody typed."""
    sandbox.add_dexra_user(
        id="u_3310", email="old@cove.example", custom_attributes={"plan": "free"}
    )
    sandbox.requests.clear()
    response = client_of(agent).post(BY_ID, {"user_id": "u_3310"})
    contact = Contact.objects.get()
    assert response["Location"] == path(contact)
    return contact


def rows(*told):
    names, types, values = zip(*told, strict=True)
    return {"attribute-name": names, "attribute-type": types, "attribute-value": values}


def test_a_user_is_opened_by_id_without_a_call(mara, sandbox, agent, client_of):
    page = text_of(client_of(agent).get(path(mara)))

    assert "u_3310" in page
    assert "cannot show this record" in page
    assert len(sandbox.requests) == 0
    assert path(mara, "delete/") not in page


def test_typed_attributes_are_sent_in_their_types(mara, sandbox, agent, client_of):
    client = client_of(agent)
    form = befores_of(client.get(path(mara, "edit/"))) | {"email": "mara@cove.example"}
    form |= rows(
        ("plan", "text", "pro"),
        ("seats", "number", "12"),
        ("rate", "number", "1.5"),
        ("vip", "yes_no", "true"),
        ("", "text", ""),
    )
    response = client.post(path(mara, "edit/"), form)

    assert response.status_code == 303
    (sent,) = sandbox.requests.matching("PATCH /users")
    assert sent.body == {
        "email": "mara@cove.example",
        "custom_attributes": {"plan": "pro", "seats": 12, "rate": 1.5, "vip": True},
    }
    page = text_of(client.get(path(mara)))
    assert "mara@cove.example" in page
    assert "seats</dt><dd>12" in page


def test_only_changed_attributes_are_sent_the_next_time(mara, sandbox, agent, client_of):
    client = client_of(agent)
    client.post(path(mara, "edit/"), rows(("plan", "text", "pro"), ("seats", "number", "12")))
    sandbox.requests.clear()
    form = befores_of(client.get(path(mara, "edit/")))

    client.post(
        path(mara, "edit/"), form | rows(("plan", "text", "pro"), ("seats", "number", "13"))
    )

    (sent,) = sandbox.requests.matching("PATCH /users")
    assert sent.body == {"custom_attributes": {"seats": 13}}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("seats", "number", "many"), "not a number"),
        (("seats", "number", "NaN"), "not a number"),
        (("vip", "yes_no", "maybe"), "true or false"),
        (("", "text", "value"), "Give it a name"),
        (("name", "text", ""), "Give it a value"),
        (("n" * 101, "text", "v"), "too long"),
        (("zero", "text", "a\x00b"), "Null characters"),
    ],
)
def test_a_wrong_row_is_marked_and_every_row_stays(mara, sandbox, agent, client_of, row, says):
    response = client_of(agent).post(path(mara, "edit/"), rows(("plan", "text", "<b>pro</b>"), row))

    assert response.status_code == 422
    page = text_of(response)
    assert says in page
    assert 'value="&lt;b&gt;pro&lt;/b&gt;"' in response.content.decode()
    assert sandbox.requests.count("PATCH /users") == 0


def test_the_editor_warns_that_attributes_may_be_replaced(mara, agent, client_of):
    page = text_of(client_of(agent).get(path(mara, "edit/")))

    assert "it may replace all attributes with these" in page


def test_a_user_the_service_does_not_know_keeps_what_was_typed(mara, sandbox, agent, client_of):
    sandbox.fault("dexra", "PATCH", "/users", Fault.status(404))
    response = client_of(agent).post(path(mara, "edit/"), {"email": "kept@cove.example"})

    assert response.status_code == 409
    assert "kept@cove.example" in text_of(response)
    assert "Dexra does not find it" in text_of(response)


def test_an_id_is_needed_to_open_a_user(dexra, agent, client_of):
    for typed in ("", "x" * 300, "a\x00b"):
        response = client_of(agent).post(BY_ID, {"user_id": typed})
        assert response.status_code == 422
    assert not Contact.objects.exists()


def test_where_no_service_knows_users_nothing_is_offered(nexadesk, agent, client_of):
    client = client_of(agent)

    assert BY_ID not in text_of(client.get(LIST))
    assert "Nothing connected knows users by id" in text_of(client.get(BY_ID))
    assert client.post(BY_ID, {"user_id": "u"}).status_code == 422


def test_where_no_service_makes_contacts_the_form_says_so(dexra, agent, client_of):
    assert "Nothing connected can make one" in text_of(client_of(agent).get(NEW))
    assert client_of(agent).post(NEW, {"first_name": "x"}).status_code == 409
    assert not Contact.objects.exists()


def test_a_viewer_changes_nothing(omar, viewer, client_of):
    client = client_of(viewer)

    assert path(omar, "edit/") not in text_of(client.get(path(omar)))
    for url in (NEW, BY_ID, path(omar, "edit/"), path(omar, "delete/")):
        assert client.post(url, {"first_name": "x", "user_id": "y"}).status_code == 403
