"""A list costs at most 8 queries, whatever it is asked; a record costs what is named here."""

import pytest

from portal.models import Contact, Conversation, Lead
from portal.sandbox.data.fill import Amounts, fill

MOST = 8
ASKED = {
    "leads": [
        "",
        "?q=a",
        "?stage=new&stage=qualified&stage!=lost",
        "?sort=-amount",
        "?sort=company&amount_min=10&amount_max=900000&created_since=30d&updated_since=7d",
        "?tag=retail&source=widget&per=25&q=e",
        "?rep=none",
        "?stage=no-such&colour=red&sort=nothing&per=7&after=broken",
    ],
    "contacts": ["", "?q=a", "?tag=customer&sort=name&per=25", "?colour=red&sort=nothing"],
    "conversations": ["", "?q=a", "?state=open&state=pending&status=open", "?tag=x&channel=widget"],
}


@pytest.fixture
def full(sandbox, nexadesk, dexra, synced):
    """More than a page of everything, from two services."""
    fill(sandbox, Amounts(leads=70, contacts=60, conversations=60, dexra_conversations=10))
    synced(nexadesk)
    synced(dexra)


@pytest.mark.parametrize(
    ("kind", "query"), [(kind, query) for kind, asked in ASKED.items() for query in asked]
)
def test_a_list_costs_at_most_eight_queries(
    kind, query, full, owner, client_of, django_assert_max_num_queries
):
    client = client_of(owner)
    with django_assert_max_num_queries(MOST):
        assert client.get(f"/w/acme/{kind}/{query}").status_code == 200


@pytest.mark.parametrize("kind", ["leads", "contacts", "conversations"])
def test_a_later_page_costs_no_more(kind, full, owner, client_of, django_assert_max_num_queries):
    client = client_of(owner)
    html = client.get(f"/w/acme/{kind}/").content.decode()
    later = html.partition('id="page-next" rel="next" href="')[2].partition('"')[0]
    assert "after=" in later
    with django_assert_max_num_queries(MOST):
        assert client.get(later.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    ("model", "most"), [(Lead, 13), (Contact, 13), (Conversation, 15)], ids=str
)
def test_a_records_page_costs_what_is_known(
    model, most, full, owner, client_of, django_assert_max_num_queries
):
    client, record = client_of(owner), model.objects.first()
    with django_assert_max_num_queries(most):
        page = client.get(f"/w/acme/{model._meta.model_name}s/{record.pk}/")
    assert page.status_code == 200
