"""Controls over HTTP, under /_sandbox, for a sandbox in another process. Loopback only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from .exchange import Answer, Call, Record, Refusal
from .faults import Fault
from .sandbox import Sandbox
from .store import Table

BASE_PATH = "/_sandbox"
REQUESTS_SHOWN = 1000

type Control = Callable[[Sandbox, Call, list[str]], object]


def answer(sandbox: Sandbox, call: Call) -> Answer:
    """Carry out a control, or say in `error` why not."""
    name, *rest = map(unquote, call.path.strip("/").split("/"))
    try:
        _only_from_here(call)
        result = _control(call.method, name)(sandbox, call, rest)
    except Refusal as no:
        return Answer(no.status, {"error": no.said})
    except (LookupError, TypeError, ValueError) as wrong:
        return Answer(400, {"error": f"{type(wrong).__name__}: {wrong}"})
    if call.method != "GET":
        sandbox.changed.set()
    return Answer(200, result)


def _control(method: str, name: str) -> Control:
    control = CONTROLS.get((method, name))
    if control is None:
        raise Refusal(404, f"No such control. There are: {', '.join(_names())}")
    return control


def _names() -> list[str]:
    return sorted(f"{method} {BASE_PATH}/{path}" for method, path in CONTROLS)


def _only_from_here(call: Call) -> None:
    """Refuse other machines, and web pages that try to reach through a browser."""
    host = call.headers.get("host", "").rpartition(":")[0] or call.headers.get("host", "")
    named = host in ("localhost", "127.0.0.1", "[::1]")
    if not (named and ipaddress.ip_address(call.address).is_loopback):
        raise Refusal(403, "The controls answer this machine only")
    if "origin" in call.headers:
        raise Refusal(403, "The controls do not answer web pages")


def _overview(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    return {
        "nexadesk_url": sandbox.nexadesk_url,
        "dexra_url": sandbox.dexra_url,
        "records": {
            provider: {kind: len(table) for kind, table in kinds.items()}
            for provider, kinds in _tables(sandbox).items()
        },
        "requests": len(sandbox.requests),
        "controls": _names(),
    }


def _keys(sandbox: Sandbox, call: Call, rest: list[str]) -> list[Record]:
    return sandbox.keys.dump()


def _make_key(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    return {"key": sandbox.key(**call.fields())}


def _revoke_key(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    sandbox.revoke(call.query["key"])
    return {}


def _requests(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    pattern, provider = call.query.get("pattern", "*"), call.query.get("provider")
    found = sandbox.requests.matching(pattern, provider)
    newest = [asdict(row) for row in found[-REQUESTS_SHOWN:]]
    return {"count": len(found), "requests": newest}


def _forget_requests(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    sandbox.requests.clear()
    return {}


def _faults(sandbox: Sandbox, call: Call, rest: list[str]) -> list[Record]:
    return [order.dump() for order in sandbox.faults.pending()]


def _order_fault(sandbox: Sandbox, call: Call, rest: list[str]) -> list[Record]:
    """Body: {"fault": {"name": ...}} and, optional, "provider", "method", "path", "times"."""
    body = call.fields()
    sandbox.fault(
        body.get("provider", "*"),
        body.get("method", "*"),
        body.get("path", "*"),
        Fault.from_json(body["fault"]),
        times=body.get("times", 1),
    )
    return _faults(sandbox, call, rest)


def _clear_faults(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    sandbox.clear_faults()
    return {}


def _webhooks(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    return {
        "endpoints": [endpoint.dump() for endpoint in sandbox.webhooks.endpoints],
        "deliveries": [row.dump() for row in list(sandbox.webhooks.deliveries)[-200:]],
    }


def _register_webhook(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    """Body: {"provider", "url", "secret", "events", "chunked"}; the last three optional."""
    return sandbox.webhook(**call.fields()).dump()


def _remove_webhook(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    with sandbox.lock:
        kept = [one for one in sandbox.webhooks.endpoints if one.id != call.query["id"]]
        sandbox.webhooks.endpoints = kept
    return {}


def _records(sandbox: Sandbox, call: Call, rest: list[str]) -> object:
    """/records/<provider>/<kind>[/<id>]; a conversation comes with its thread."""
    provider, kind = rest[0], rest[1]
    table = _table(sandbox, provider, kind)
    with sandbox.lock:
        if len(rest) == 2:
            return table.all()
        record = table.get(rest[2])
        if record is None:
            raise Refusal(404, f"No {kind} record {rest[2]!r} at {provider}")
        if kind == "conversations":
            messages = getattr(sandbox, provider).messages.get(rest[2], [])
            return {**record, "messages": list(messages)}
        return record


def _add_record(sandbox: Sandbox, call: Call, rest: list[str]) -> object:
    return _change(sandbox, "add", rest, call.fields())


def _edit_record(sandbox: Sandbox, call: Call, rest: list[str]) -> object:
    return _change(sandbox, "edit", rest, call.fields())


def _delete_record(sandbox: Sandbox, call: Call, rest: list[str]) -> object:
    return _change(sandbox, "delete", rest, {}) or {}


def _change(sandbox: Sandbox, verb: str, rest: list[str], fields: Record) -> object:
    """Call the sandbox's own add_lead, edit_dexra_user, ... as somebody else would."""
    provider, kind, *record_id = rest
    _table(sandbox, provider, kind)
    prefix = "dexra_" if provider == "dexra" else ""
    change = getattr(sandbox, f"{verb}_{prefix}{kind.removesuffix('s')}", None)
    if change is None:
        raise Refusal(404, f"{kind} of {provider} cannot be changed by {verb}")
    return change(*record_id, **fields)


def _say(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    """Body: {"provider", "conversation_id", "text", "sender"}; sender "visitor" unless given."""
    body: dict[str, Any] = {"sender": "visitor", **call.fields()}
    conversation_id, text, sender = body["conversation_id"], body["text"], body["sender"]
    if body["provider"] == "nexadesk":
        return sandbox.add_message(conversation_id, text, sender)
    if sender == "visitor":
        return sandbox.incoming_message(conversation_id, text)
    return sandbox.outgoing_message(conversation_id, text, by="ai" if sender == "bot" else "")


def _settings(sandbox: Sandbox, call: Call, rest: list[str]) -> Record:
    """Body: {"window_seconds", "rate"}, both optional; `rate` null lifts the limit of every key."""
    body = call.fields()
    with sandbox.lock:
        sandbox.window_seconds = float(body.get("window_seconds", sandbox.window_seconds))
        if "rate" in body:
            for key in sandbox.keys:
                key.rate = body["rate"]
    return {"window_seconds": sandbox.window_seconds}


def _tables(sandbox: Sandbox) -> dict[str, dict[str, Table]]:
    ours, theirs = sandbox.nexadesk, sandbox.dexra
    return {
        "nexadesk": {
            "leads": ours.leads,
            "contacts": ours.contacts,
            "conversations": ours.conversations,
        },
        "dexra": {"conversations": theirs.conversations, "users": theirs.users},
    }


def _table(sandbox: Sandbox, provider: str, kind: str) -> Table:
    table = _tables(sandbox).get(provider, {}).get(kind)
    if table is None:
        raise Refusal(404, f"{provider} has no {kind}")
    return table


CONTROLS: dict[tuple[str, str], Control] = {
    ("GET", ""): _overview,
    ("GET", "keys"): _keys,
    ("POST", "keys"): _make_key,
    ("DELETE", "keys"): _revoke_key,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _forget_requests,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _order_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "webhooks"): _webhooks,
    ("POST", "webhooks"): _register_webhook,
    ("DELETE", "webhooks"): _remove_webhook,
    ("GET", "records"): _records,
    ("POST", "records"): _add_record,
    ("PATCH", "records"): _edit_record,
    ("DELETE", "records"): _delete_record,
    ("POST", "messages"): _say,
    ("POST", "settings"): _settings,
}
