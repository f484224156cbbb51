"""T6, T8: searching as people type, against the same page with `icontains` on three columns."""

import random
import statistics
from typing import Any
from urllib.parse import urlencode

from django.db import connection

from bench.pages import LEADS_PAGE, get, signed_in
from bench.peers import icontains_page
from bench.timing import Line, Report, ms, p95, seconds
from portal.models import Lead
from portal.web import lists

# What a keystroke sends: htmx asks for the results, not for the page around them.
KEYSTROKE = {"HX_Request": "true", "HX_Target": "results"}
TARGETS = {"postgresql": (20, 0.15), "sqlite": (80, 0.1)}
# Frequent, rare, in every row, in none, long, with what LIKE and FTS5 read as signs.
WORST = ("exa", "example", "ple", "anna", "son", "ann son", "zzz", "mann ex", "+49", "xq", "e",
         "the", "a%b", '"or"', "worth-partners", "ariana grande at the example", "qualif", "lia",
         "9973", "erova ez", "ova", "nexample")  # fmt: skip


def run(report: Report, *, words: int, repeats: int) -> None:
    client = signed_in()
    portal_page = lists.page_of
    fewest, share = TARGETS[connection.vendor]
    ours: list[float] = []
    theirs: list[float] = []
    get(client, f"{LEADS_PAGE}?q=warm", **KEYSTROKE)  # templates are read and compiled once
    for text in _typed(words):
        path = f"{LEADS_PAGE}?{urlencode({'q': text})}"
        ours.append(seconds(lambda path=path: get(client, path, **KEYSTROKE)))
        lists.page_of = icontains_page
        theirs.append(seconds(lambda path=path: get(client, path, **KEYSTROKE)))
        lists.page_of = portal_page
    slow = p95(theirs)
    what = f"p95 of {len(ours)} keystrokes against icontains on three columns"
    report.add(Line("T6", what, ms(p95(ours)), ms(slow), slow / p95(ours), least=fewest))
    worst, text = max((_median(client, text, repeats), text) for text in WORST)
    report.add(Line("T8", f"worst term (“{text}”) against that p95", ms(worst), ms(slow),
                    worst / slow, most=share))  # fmt: skip


def _median(client: Any, text: str, repeats: int) -> float:
    path = f"{LEADS_PAGE}?{urlencode({'q': text})}"
    return statistics.median(
        seconds(lambda: get(client, path, **KEYSTROKE)) for _ in range(repeats)
    )


def _typed(words: int) -> list[str]:
    """What is in the box after each letter of names, addresses, firms and numbers of leads."""
    chance = random.Random(7)
    rows = Lead.objects.filter(workspace__slug="bench-1").order_by("id")
    highest, typed = rows.last().pk, list[str]()  # type: ignore[union-attr]
    while len(typed) < words * 6:
        lead = rows.filter(pk__gte=chance.randrange(highest)).first()
        if lead is None:
            continue
        whole = chance.choice(
            [lead.name, lead.name.split()[-1], lead.email, lead.company, lead.phone]
        )
        typed += [whole[:n] for n in range(1, min(len(whole), 6) + 1)] if whole else []
        typed.append(whole or "nobody")
    return typed[: words * 7]
