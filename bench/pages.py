"""T1, T2, T3, T5, T10, S1, S2, S3: whole requests through Django, in this process."""

import statistics
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.timing import Line, Report, faster, in_turns
from portal.mirror import counters, ranges, store
from portal.mirror.tables import LEADS
from portal.models import User, Workspace
from portal.records import Kind

LEADS_PAGE = "/w/bench-1/leads/"
TARGETS: dict[str, dict[str, float]] = {
    "postgresql": {"T1": 20, "T2": 12, "T3": 50, "T5": 4, "T10": 2},
    "sqlite": {"T1": 5, "T2": 4, "T3": 8, "T5": 4, "T10": 2},
}


def signed_in() -> Client:
    client = Client()
    client.force_login(User.objects.get(email="bench@crossdesk.example"))
    return client


def get(client: Client, path: str, **headers: Any) -> Any:
    response = client.get(path, headers=headers)
    assert response.status_code in (200, 304), (path, response.status_code)
    return response


def deep(slug: str, page: int) -> str:
    """The address of a page by its number, through the row before it."""
    workspace = Workspace.objects.get(slug=slug)
    order = LEADS.sort(LEADS.default)
    assert order is not None
    rows = store.leads(workspace).order_by(*["-created_at", "-id"])
    before = rows[(page - 1) * 50 - 1]
    return f"/w/{slug}/leads/?after={ranges.cursor(before, order)}&from={(page - 1) * 50 + 1}"


def run(report: Report, *, tables2: bool, rounds: int) -> None:
    client, targets = signed_in(), TARGETS[connection.vendor]
    admin = "/admin/portal/lead/"
    last = counters.totals(Workspace.objects.get(slug="bench-1"), Kind.LEADS) // 50
    number = min(10_000, last - 1)
    far = deep("bench-1", number)
    first = lambda: get(client, LEADS_PAGE)  # noqa: E731
    lines = [
        ("T1", "list against the admin's", first, admin),
        ("T2", "the same, admin without full count", first, "/uncounted/portal/lead/"),
        ("T3", f"page {number}", lambda: get(client, far), f"{admin}?p={number}"),
    ]
    for mark, what, ours, path in lines:
        theirs = lambda path=path: get(client, path)  # noqa: E731
        faster(report, mark, what, ours, theirs, least=targets[mark], rounds=rounds)
    if tables2:
        ours, theirs = _tables(client)
        what = "query and table of 50 leads against django-tables2"
        faster(report, "T5", what, ours, theirs, least=4, rounds=40)
    _unchanged(report, client)
    faster(report, "S1", f"page {number} against page 1", lambda: get(client, far), first, most=1.2,
           rounds=40)  # fmt: skip
    for what, view in {"list": "", "board": "board/"}.items():
        big, small = (
            lambda slug=slug, view=view: get(client, f"/w/{slug}/leads/{view}")
            for slug in ("bench-1", "bench-small")
        )
        faster(report, "S2", f"{what} of 1,000,000 against one of 10,000", big, small, most=1.5,
               rounds=40)  # fmt: skip
    _queries(report, client, far)


def _tables(client: Client) -> list[Any]:
    """The same query drawn as a table: by the list's own partial, and by django-tables2."""
    from django.template.loader import get_template
    from django.test.utils import setup_test_environment, teardown_test_environment

    from bench import tables2
    from portal.web.lead_list import rows_of

    setup_test_environment()  # which keeps the context of what is rendered
    try:
        response = get(client, LEADS_PAGE)
    finally:
        teardown_test_environment()
    context, request = response.context[0].flatten(), response.wsgi_request
    workspace, template = context["workspace"], get_template("leads/list.html#results")

    def ours() -> None:
        context["rows"] = rows_of(tables2.newest(workspace).rows, {})
        assert template.render(context, request).count("<tr") == 51

    return [ours, lambda: tables2.table_of(workspace, request)]


def _unchanged(report: Report, client: Client) -> None:
    tag = ""

    def kept() -> None:
        """An answer of 304. With the minute the words of freshness change, and so the tag."""
        nonlocal tag
        if get(client, LEADS_PAGE, if_none_match=tag).status_code == 200:
            tag = get(client, LEADS_PAGE).headers["ETag"]

    kept()
    ours, fresh = (
        statistics.median(times)
        for times in in_turns([kept, lambda: get(client, LEADS_PAGE)], rounds=40)
    )
    what = "unchanged page (304) against a fresh one, requests a second"
    report.add(Line("T10", what, f"{1 / ours:.0f}/s", f"{1 / fresh:.0f}/s", fresh / ours, least=2))
    with CaptureQueriesContext(connection) as queries:
        kept()
    report.add(Line("S3", "queries of a 304", str(len(queries)), "4", len(queries) / 4, most=1))


def _queries(report: Report, client: Client, far: str) -> None:
    paths = [LEADS_PAGE, far, f"{LEADS_PAGE}?q=mar", f"{LEADS_PAGE}?sort=amount&stage=new&q=ann"]
    paths += [f"{LEADS_PAGE}board/", f"{LEADS_PAGE}board/?q=mar&stage=new"]
    most = 0
    for path in paths:
        with CaptureQueriesContext(connection) as queries:
            get(client, path)
        most = max(most, len(queries))
    report.add(Line("S3", "queries of a list, at most", str(most), "8", most / 8, most=1))
