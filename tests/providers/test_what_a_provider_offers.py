"""What a provider says it can do is what its client does."""

import pytest

from portal.providers import registry
from portal.records import Can, Form, Kind, State

CALLS = {
    Can.CREATE_LEAD: lambda client: client.create_lead({}),
    Can.UPDATE_LEAD: lambda client: client.update_lead("L1", {}),
    Can.DELETE_LEAD: lambda client: client.delete_lead("L1"),
    Can.CREATE_CONTACT: lambda client: client.create_contact({}),
    Can.UPDATE_CONTACT: lambda client: client.update_contact("C1", {}),
    Can.DELETE_CONTACT: lambda client: client.delete_contact("C1"),
    Can.CREATE_CONVERSATION: lambda client: client.create_conversation({}),
    Can.SET_STATUS: lambda client: client.set_status("c1", "open"),
    Can.SEND_MESSAGE: lambda client: client.send_message("c1", "Hello"),
    Can.SEND_NOTE: lambda client: client.send_note("c1", "Hello"),
    Can.UPDATE_USER: lambda client: client.update_user("u1", {}),
}
FORMS = {
    Can.CREATE_LEAD: Form.LEAD,
    Can.CREATE_CONTACT: Form.CONTACT,
    Can.CREATE_CONVERSATION: Form.CONVERSATION,
    Can.UPDATE_USER: Form.USER,
}


@pytest.fixture(params=sorted(registry.PROVIDERS))
def provider(request):
    return registry.get(request.param)


def test_the_registry_finds_a_provider_by_its_slug(provider):
    assert registry.get(provider.slug) is provider
    assert provider.default_base_url.startswith("https://")


def test_what_it_cannot_do_has_a_reason_for_people(provider):
    assert set(provider.cannot) == set(Can) - provider.can
    assert all(text.endswith(".") for text in provider.cannot.values())


@pytest.mark.parametrize("ability", sorted(CALLS))
def test_what_it_cannot_do_is_never_sent(sandbox, provider, ability):
    url = {"nexadesk": sandbox.nexadesk_url, "dexra": sandbox.dexra_url}[provider.slug]
    with provider.open(sandbox.key(provider.slug), base_url=url) as client:
        if ability in provider.can:
            with pytest.raises(Exception) as outcome:  # noqa: PT011 - the sandbox is empty
                CALLS[ability](client)
            assert not isinstance(outcome.value, NotImplementedError)
            assert len(sandbox.requests) == 1
        else:
            with pytest.raises(NotImplementedError):
                CALLS[ability](client)
            assert len(sandbox.requests) == 0


def test_dexra_lists_conversations_only(dexra):
    for options in ({"kind": Kind.LEADS}, {"kind": Kind.CONTACTS},
                    {"kind": Kind.CONVERSATIONS, "page": 2},
                    {"kind": Kind.CONVERSATIONS, "sort": "created_at:desc"}):  # fmt: skip
        with pytest.raises(NotImplementedError):
            dexra.list_page(**options)


def test_every_kind_can_be_listed_as_the_provider_says(sandbox, provider):
    url = {"nexadesk": sandbox.nexadesk_url, "dexra": sandbox.dexra_url}[provider.slug]
    with provider.open(sandbox.key(provider.slug), base_url=url) as client:
        for kind, follow in provider.kinds.items():
            for sort in (follow.backfill, *(sort for sort, _ in follow.follow)):
                page = client.list_page(kind, sort=sort, filters=follow.filters)
                assert page.records == ()


def test_there_is_a_form_for_all_that_can_be_made(provider):
    for ability, form in FORMS.items():
        assert (form in provider.forms) == (ability in provider.can)
    for fields in provider.forms.values():
        names = [field.name for field in fields]
        assert len(names) == len(set(names))


def test_the_forms_hold_the_documented_limits():
    lead = {field.name: field for field in registry.get("nexadesk").forms[Form.LEAD]}
    contact = {field.name: field for field in registry.get("nexadesk").forms[Form.CONTACT]}

    assert (lead["visitor_name"].required, lead["visitor_name"].max_length) == (True, 200)
    assert (lead["visitor_phone"].max_length, lead["visitor_email"].kind) == (50, "email")
    assert (contact["first_name"].required, contact["first_name"].max_length) == (True, 100)
    assert (contact["last_name"].max_length, contact["phone"].max_length) == (100, 50)
    assert "new" in lead["pipeline_stage"].choices


def test_every_status_has_a_normal_form(provider):
    assert State.UNKNOWN not in provider.statuses.values()
    assert set(provider.settable_statuses) <= set(provider.statuses)


def test_every_assumption_says_what_where_and_once(provider):
    names = [assumption.name for assumption in provider.assumptions]

    assert len(names) == len(set(names))
    assert all(assumption.assumed and assumption.source for assumption in provider.assumptions)
