"""The controls under /_sandbox, and the request log."""

import socket

import httpx
import pytest


def test_a_key_made_over_http_works_and_can_be_revoked(control, connect):
    key = control.post("/keys", json={"provider": "nexadesk", "scopes": ["read"]}).json()["key"]
    http = connect(key)

    assert http.get("/leads").status_code == 200
    assert http.post("/leads", json={"visitor_name": "x"}).status_code == 403
    assert control.delete("/keys", params={"key": key}).status_code == 200
    assert http.get("/leads").status_code == 401
    (row,) = control.get("/keys").json()
    assert (row["key"], row["revoked"]) == (key, True)


def test_faults_are_ordered_listed_and_cleared_over_http(control, nexadesk):
    order = {"path": "/leads", "times": 5, "fault": {"name": "status", "status_code": 418}}

    assert control.post("/faults", json=order).json()[0]["fault"] == "status"
    assert nexadesk.get("/leads").status_code == 418
    assert control.get("/faults").json()[0]["times"] == 4
    control.delete("/faults")
    assert nexadesk.get("/leads").status_code == 200


def test_requests_are_logged_with_body_key_and_status(sandbox, control, nexadesk, dexra):
    nexadesk.post("/leads", json={"visitor_name": "x"})
    nexadesk.patch("/leads?id=none", json={})
    nexadesk.get("/conversations?status=open")
    dexra.get("/conversations/conv_1")

    assert sandbox.requests.count("POST /leads") == 1
    assert sandbox.requests.count("* /leads") == 2
    assert sandbox.requests.count("GET /conversations") == 2
    assert sandbox.requests.count("GET /conversations", provider="dexra") == 1
    assert sandbox.requests.count("GET /conv") == 0
    first = sandbox.requests[0]
    assert (first.method, first.path, first.status) == ("POST", "/leads", 201)
    assert first.body == {"visitor_name": "x"}
    assert nexadesk.headers["Authorization"].endswith(first.key)
    found = control.get("/requests", params={"pattern": "PATCH /leads"}).json()
    assert (found["count"], found["requests"][0]["query"]) == (1, {"id": "none"})
    control.delete("/requests")
    assert len(sandbox.requests) == 0


def test_a_test_can_wait_for_a_request(sandbox, nexadesk):
    nexadesk.get("/leads")

    assert sandbox.requests.wait_for("GET /leads")[0].path == "/leads"
    with pytest.raises(TimeoutError):
        sandbox.requests.wait_for("GET /leads", count=2, timeout_seconds=0.05)


def test_records_are_read_and_changed_by_someone_else(sandbox, control, nexadesk):
    lead = control.post("/records/nexadesk/leads", json={"visitor_name": "Grace"}).json()
    address = f"/records/nexadesk/leads/{lead['id']}"

    control.patch(address, json={"visitor_name": "Hedy"})

    assert control.get(address).json()["visitor_name"] == "Hedy"
    assert nexadesk.get(f"/leads?id={lead['id']}").json()["data"]["visitor_name"] == "Hedy"
    assert len(control.get("/records/nexadesk/leads").json()) == 1
    control.delete(address)
    assert control.get(address).status_code == 404
    assert control.get("/records/nexadesk/users").status_code == 404


def test_a_customer_writes_over_http_and_the_thread_can_be_read(sandbox, control):
    dexra = sandbox.add_dexra_conversation()["id"]
    nexadesk = sandbox.add_conversation()["id"]

    control.post("/messages", json={"provider": "dexra", "conversation_id": dexra, "text": "Hi"})
    control.post(
        "/messages", json={"provider": "nexadesk", "conversation_id": nexadesk, "text": "Ho"}
    )

    (said,) = control.get(f"/records/dexra/conversations/{dexra}").json()["messages"]
    assert (said["text"], said["incoming"]) == ("Hi", True)
    (said,) = control.get(f"/records/nexadesk/conversations/{nexadesk}").json()["messages"]
    assert (said["content"], said["sender_type"]) == ("Ho", "visitor")


def test_the_limit_can_be_lifted_and_the_window_changed(sandbox, control, connect):
    http = connect(sandbox.key("nexadesk", rate=1))
    http.get("/leads")
    assert http.get("/leads").status_code == 429

    control.post("/settings", json={"rate": None, "window_seconds": 5})

    assert http.get("/leads").status_code == 200
    assert sandbox.window_seconds == 5


def test_webhooks_are_registered_and_removed_over_http(sandbox, control):
    body = {"provider": "dexra", "url": "http://127.0.0.1:1/", "events": ["message_in"]}

    made = control.post("/webhooks", json=body).json()

    assert control.get("/webhooks").json()["endpoints"] == [made]
    control.delete("/webhooks", params={"id": made["id"]})
    assert sandbox.webhooks.endpoints == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/faults", {"fault": {"name": "typo"}}),
        ("POST", "/faults", {}),
        ("POST", "/keys", {"provider": "nobody"}),
        ("POST", "/keys", {"unknown": 1}),
        ("DELETE", "/keys?key=none", None),
        ("GET", "/records/nexadesk", None),
    ],
)
def test_a_control_that_makes_no_sense_is_refused_in_words(control, method, path, body):
    answer = control.request(method, path, json=body)

    assert answer.status_code in (400, 404)
    assert answer.json()["error"]


def test_web_pages_and_foreign_host_names_reach_no_control(control):
    assert control.get("/keys", headers={"Origin": "http://evil.example"}).status_code == 403
    assert control.get("/keys", headers={"Host": "evil.example:80"}).status_code == 403
    text = control.post("/faults", content=b"{}", headers={"Content-Type": "text/plain"})
    assert text.status_code == 400


def test_controls_are_listed_and_other_paths_are_nobodys(sandbox, control):
    assert "GET /_sandbox/keys" in control.get("/").json()["controls"]
    assert httpx.get(f"{sandbox.base_url}/", trust_env=False).status_code == 404
    assert httpx.get(f"{sandbox.base_url}/v1x/users", trust_env=False).status_code == 404


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"A" * 70_000])
def test_junk_on_the_socket_gets_an_answer_and_harms_nothing(sandbox, nexadesk, junk):
    url = httpx.URL(sandbox.base_url)
    with socket.create_connection((url.host, url.port), timeout=20) as link:
        link.sendall(junk + b"\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.1 4")

    assert nexadesk.get("/leads").status_code == 200


def test_a_chunked_request_body_is_read(sandbox, nexadesk):
    def chunks():
        yield b'{"visitor_'
        yield b'name": "in pieces"}'

    headers = {"Content-Type": "application/json"}
    assert nexadesk.post("/leads", content=chunks(), headers=headers).status_code == 201
    assert sandbox.leads[0]["visitor_name"] == "in pieces"


def test_one_connection_serves_many_requests(sandbox, nexadesk):
    for _ in range(3):
        nexadesk.get("/leads")

    (connection,) = nexadesk._transport._pool.connections
    assert "Request Count: 3" in repr(connection)
