"""Keys, scopes, addresses and the sliding window (API facts A1 to A3, B1)."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import httpx
import pytest

from portal.sandbox import Sandbox, serve
from tests.sandbox.conftest import soon


def test_keys_have_the_documented_form(sandbox):
    assert re.fullmatch(r"fc_live_[A-Za-z0-9]+", sandbox.key("nexadesk"))
    assert sandbox.key("nexadesk") != sandbox.key("nexadesk")


@pytest.mark.parametrize("provider", ["nexadesk", "dexra"])
def test_without_a_good_key_the_answer_is_401(sandbox, connect, provider):
    other = "dexra" if provider == "nexadesk" else "nexadesk"
    dead = sandbox.key(provider)
    sandbox.revoke(dead)

    for key in ("", "fc_live_wrong", sandbox.key(other), dead):
        assert connect(key, provider).get("/conversations").status_code == 401


def test_a_401_still_carries_the_rate_headers(connect):
    answer = connect("").get("/leads")

    assert answer.json()["success"] is False
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= {
        name.title().replace("Ratelimit", "RateLimit") for name in answer.headers
    }


def test_a_read_only_key_may_not_write_and_the_other_way_round(sandbox, connect):
    reader = connect(sandbox.key("nexadesk", scopes=("read",)))
    writer = connect(sandbox.key("nexadesk", scopes=("write",)))

    assert reader.get("/leads").status_code == 200
    assert reader.post("/leads", json={"visitor_name": "x"}).status_code == 403
    assert writer.get("/leads").status_code == 403
    assert writer.post("/leads", json={"visitor_name": "x"}).status_code == 201
    assert len(sandbox.leads) == 1


def test_a_key_bound_to_another_address_gets_403(sandbox, connect):
    elsewhere = connect(sandbox.key("nexadesk", addresses=("203.0.113.7",)))
    here = connect(sandbox.key("nexadesk", addresses=("203.0.113.7", "127.0.0.1")))

    assert elsewhere.get("/leads").status_code == 403
    assert here.get("/leads").status_code == 200


def test_headers_count_down_and_the_call_too_many_gets_429(sandbox, connect):
    http = connect(sandbox.key("nexadesk", rate=3))

    answers = [http.get("/leads") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"3"}
    assert 0 < int(answers[3].headers["Retry-After"]) <= 60
    assert 0 < int(answers[3].headers["X-RateLimit-Reset"]) - time.time() <= 61
    assert answers[3].json()["success"] is False
    assert "Retry-After" not in answers[0].headers


def test_the_window_slides_and_refused_calls_do_not_count():
    now = [1_800_000_000.0]
    with serve(Sandbox(clock=lambda: now[0])) as sandbox:
        key = sandbox.key("nexadesk", rate=3)

        def call(second):
            now[0] = 1_800_000_000.0 + second
            headers = {"Authorization": f"Bearer {key}"}
            answer = httpx.get(f"{sandbox.nexadesk_url}/leads", headers=headers)
            return answer.status_code, answer.headers.get("Retry-After")

        assert [call(second)[0] for second in (0, 20, 40)] == [200, 200, 200]
        assert [call(second) for second in (40, 50, 59.5)] == [(429, "20"), (429, "10"), (429, "1")]
        assert call(60) == (200, None)  # the first call has left the window, the second not yet
        assert call(60) == (429, "20")


def test_a_short_window_opens_again_on_the_wire(connect, sandbox):
    sandbox.window_seconds = 2
    http = connect(sandbox.key("nexadesk", rate=1))

    assert http.get("/leads").status_code == 200
    assert http.get("/leads").status_code == 429
    assert soon(lambda: http.get("/leads").status_code == 200)


def test_each_key_has_its_own_window_and_unauthenticated_calls_do_not_count(sandbox, connect):
    one, two = (connect(sandbox.key("nexadesk", rate=1)) for _ in range(2))
    connect("fc_live_wrong").get("/leads")

    assert [http.get("/leads").status_code for http in (one, two, one)] == [200, 200, 429]


def test_many_connections_at_once_get_no_more_than_the_limit(sandbox, connect):
    key = sandbox.key("nexadesk", rate=20)
    https = [connect(key) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda place: https[place % 6].get("/leads").status_code, range(60)))

    assert (codes.count(200), codes.count(429)) == (20, 40)


def test_a_lifted_limit_lets_all_calls_through(sandbox, connect):
    http = connect(sandbox.key("nexadesk", rate=None))

    assert {http.get("/leads").status_code for _ in range(150)} == {200}


def test_dexra_says_429_without_headers_unless_told_to(sandbox, connect):
    http = connect(sandbox.key("dexra", rate=1), "dexra")
    http.get("/conversations")

    bare = http.get("/conversations")
    sandbox.dexra_assumptions.rate_headers = True
    telling = http.get("/conversations")

    assert (bare.status_code, telling.status_code) == (429, 429)
    assert not [name for name in bare.headers if "rate" in name or "retry" in name]
    assert {"retry-after", "x-ratelimit-limit"} <= set(telling.headers)


def test_every_answer_has_a_date_by_the_sandboxs_clock(sandbox, nexadesk):
    sandbox.clock.offset_seconds = -600

    date = parsedate_to_datetime(nexadesk.get("/leads").headers["Date"])

    assert abs(date.timestamp() + 600 - time.time()) < 60
