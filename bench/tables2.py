"""
The list of leads drawn by django-tables2, from the same query in the same frame.

django-tables2 is no dependency: `bench/run.py` installs it into a folder of its own.
"""

from typing import Any

from django.http import HttpResponse
from django.template import engines
from django.views.decorators.http import require_GET

from portal.mirror import keyset, store
from portal.mirror.tables import LEADS
from portal.web.access import member_required

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
PAGE = """{% extends "base.html" %}{% block content %}{{ table }}{% endblock %}"""


@require_GET
@member_required
def page(request: Any) -> HttpResponse:
    import django_tables2

    order = LEADS.sort(LEADS.default)
    assert order is not None
    found = keyset.page(store.leads(request.member.workspace), order, limit=50, total=1)
    columns = {name: django_tables2.Column() for name in COLUMNS}
    table = type("Leads", (django_tables2.Table,), columns)(found.rows)
    html = table.as_html(request)
    return HttpResponse(engines["django"].from_string(PAGE).render({"table": html}, request))
