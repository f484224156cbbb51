"""
The list of leads drawn by django-tables2, from the same query.

django-tables2 is no dependency: `bench/run.py` installs it into a folder of its own.
"""

from typing import Any

from portal.mirror import keyset, store
from portal.mirror.tables import LEADS

COLUMNS = (
    "name",
    "company",
    "stage",
    "source",
    "rep_name",
    "amount",
    "created_at",
    "updated_at",
)


def newest(workspace: Any) -> keyset.Page[Any]:
    order = LEADS.sort(LEADS.default)
    assert order is not None
    return keyset.page(LEADS.lines(store.leads(workspace), order), order, limit=50, total=1)


def table_of(workspace: Any, request: Any) -> str:
    import django_tables2

    columns = {name: django_tables2.Column() for name in COLUMNS}
    return type("Leads", (django_tables2.Table,), columns)(newest(workspace).rows).as_html(request)
