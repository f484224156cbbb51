"""
A server that shares nothing with our sandbox but the documentation, and is odd where that
leaves it free. What a pass costs there is what design 6 promises.
"""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.models import Contact, Conversation, Lead
from portal.services import connections
from portal.services.sync import sync_connection
from portal.vault import store as vault
from portal.vault.seal import Secret

MODELS = {"leads": Lead, "contacts": Contact, "conversations": Conversation}


class Oddity:
    """What the facts leave open, answered in one way; each subclass answers one otherwise."""

    date = True
    nulls_first = False

    def stamp(self, moment):
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def name(self, number):
        return f"r-{number}"

    def cursor(self, offset):
        return f"after/{offset}=?&"

    def offset(self, cursor):
        return int(cursor.removeprefix("after/").removesuffix("=?&"))

    def more(self, offset, total):
        return offset < total

    def record(self, row):
        return row


class NumbersForIdsAndCursors(Oddity):
    def name(self, number):
        return 10**12 + number

    def cursor(self, offset):
        return offset

    def offset(self, cursor):
        return int(cursor)


class FullPagePromisesMore(Oddity):
    """Where the last page is full, an empty one comes after it."""

    def more(self, offset, total):
        return offset <= total and offset % 100 == 0


class NullsAndStrangers(Oddity):
    """Everything but ids and times is null, some is of another kind, much is unknown."""

    nulls_first = True

    def record(self, row):
        kept = {"id", "created_at", "updated_at", "last_activity", "status"}
        odd = {"tags": None, "lead_score": "7", "meta": {"x": [1, None]}, "message_count": "3"}
        return {k: v if k in kept else None for k, v in row.items()} | odd


class OtherWordsForTime(Oddity):
    def stamp(self, moment):
        return moment.isoformat(timespec="microseconds")


class WithoutADate(Oddity):
    date = False


class Server:
    """Leads, contacts and conversations of one service, most changed last month."""

    def __init__(self, oddity, *, nexadesk):
        self.oddity, self.nexadesk, self.requests = oddity, nexadesk, []
        self.rows = {kind: [] for kind in MODELS}
        self.month_ago = datetime.now(UTC) - timedelta(days=30)

    def fill(self, number):
        for kind, rows in self.rows.items():
            rows += [self.made(kind, n) for n in range(number)]

    def made(self, kind, n):
        at = self.oddity.stamp(self.month_ago + timedelta(minutes=n // 3))
        row = {"id": self.oddity.name(n), "created_at": at}
        if not self.nexadesk:
            message = {"id": f"m{n}", "text": f"Hello {n}"} if n % 2 else None
            return row | {"status": "open", "subject": f"Subject {n}", "last_message": message}
        more = {
            "leads": {"visitor_name": f"Lead {n}", "updated_at": at, "pipeline_stage": "new"},
            "contacts": {"first_name": f"C {n}", "last_activity": at if n % 5 else None},
            "conversations": {"status": "open", "updated_at": at, "last_message": f"Hello {n}"},
        }
        return row | more[kind]

    def change(self, kind, number):
        at = self.oddity.stamp(datetime.now(UTC))
        for row in self.rows[kind][:number]:
            row |= {"updated_at": at, "visitor_name": "Hedy"}

    def answer(self, path, query):
        self.requests.append(path)
        kind, oddity = path.rsplit("/", 1)[-1], self.oddity
        begin = oddity.offset(query["cursor"]) if "cursor" in query else 0
        rows = self.sorted(self.rows[kind], query.get("sort", "created_at:desc"))
        end = begin + int(query.get("limit", 50))
        shown = [oddity.record(row) for row in rows[begin:end]]
        more = oddity.more(end, len(rows))
        cursor = oddity.cursor(end) if more else None
        if not self.nexadesk:
            meta = {"total": len(rows)} | ({"next_cursor": cursor} if more else {})
            return {"data": shown, "meta": meta}
        told = {"has_more": more, "next_cursor": cursor, "total_count": len(rows), "limit": 100}
        return {"success": True, "data": shown, "pagination": told}

    def sorted(self, rows, sort):
        field, way = sort.split(":")
        assert way == "desc"
        null = "9" if self.oddity.nulls_first else ""
        return sorted(rows, key=lambda row: row.get(field) or null, reverse=True)

    def handler(server):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(asked.query).items()}
                body = json.dumps(server.answer(asked.path, query)).encode()
                self.send_response_only(200)
                if server.oddity.date:
                    self.send_header("dAtE", self.date_time_string())
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def another(settings, workspace):
    """Start another server of a provider and connect to it: `another("nexadesk", Oddity())`."""
    running = []

    def start(provider, oddity, number):
        server = Server(oddity, nexadesk=provider == "nexadesk")
        server.fill(number)
        http = ThreadingHTTPServer(("127.0.0.1", 0), server.handler())
        threading.Thread(target=http.serve_forever, daemon=True).start()
        running.append(http)
        settings.PROVIDER_BASE_URLS = {provider: f"http://127.0.0.1:{http.server_port}/api"}
        connection, _ = connections.add(workspace, provider, Secret("fc_live_x1"), actor=None)
        return server, connection

    yield start
    for http in running:
        http.shutdown()
        http.server_close()


def passed(connection, **options):
    """A pass: by kind how many calls it took and what it changed."""
    reports = sync_connection(vault.by_id(connection.pk), **options)
    assert [report.error for report in reports if report.error] == []
    return {r.kind: (r.requests, r.created, r.updated, r.gone) for r in reports}


def copies(server, connection):
    """Whether our copies are what the server shows, by kind; gone ones left out."""
    found = {}
    for kind, model in MODELS.items():
        rows = model.objects.filter(connection=connection, gone_at=None)
        shown = {str(row["id"]): server.oddity.record(row) for row in server.rows[kind]}
        found[kind] = dict(rows.values_list("upstream_id", "raw")) == shown
    return found


ODDITIES = (
    Oddity,
    NumbersForIdsAndCursors,
    FullPagePromisesMore,
    NullsAndStrangers,
    OtherWordsForTime,
    WithoutADate,
)


@pytest.mark.parametrize("number", [0, 2, 100, 230])
@pytest.mark.parametrize("oddity", ODDITIES)
def test_nexadesk_is_copied_followed_and_reconciled_for_what_is_promised(oddity, number, another):
    server, nexadesk = another("nexadesk", oddity(), number)
    most = -(-number // 100) + 1

    for kind, (calls, created, _, _) in passed(nexadesk).items():
        assert (calls <= most, created) == (True, number), kind
    assert set(copies(server, nexadesk).values()) == {True}

    nothing_new = passed(nexadesk)
    assert {kind: calls for kind, (calls, *_) in nothing_new.items()} == {
        "leads": 1,
        "contacts": 2,
        "conversations": 1,
    }
    assert {tuple(changes) for _, *changes in nothing_new.values()} == {(0, 0, 0)}

    server.change("leads", 30)
    calls, created, updated, _ = passed(nexadesk)["leads"]
    assert (calls <= 2, created, updated) == (True, 0, min(30, number))

    gone_there = min(10, number // 2)
    for rows in server.rows.values():
        del rows[:gone_there]
    for kind, (calls, created, updated, gone) in passed(nexadesk, full=True).items():
        assert (calls <= most, created, updated, gone) == (True, 0, 0, gone_there), kind
    assert set(copies(server, nexadesk).values()) == {True}


@pytest.mark.parametrize("number", [0, 2, 100, 230])
@pytest.mark.parametrize("oddity", ODDITIES)
def test_dexra_too(oddity, number, another):
    server, dexra = another("dexra", oddity(), number)
    server.rows |= {"leads": [], "contacts": []}
    most = -(-number // 100) + 1

    calls, created, _, _ = passed(dexra)["conversations"]
    assert (calls <= most, created) == (True, number)
    assert passed(dexra)["conversations"] == (1, 0, 0, 0)

    gone_there = min(10, number // 2)
    del server.rows["conversations"][:gone_there]
    calls, *changes = passed(dexra, full=True)["conversations"]
    assert (calls <= most, changes) == (True, [0, 0, gone_there])
    assert set(copies(server, dexra).values()) == {True}
