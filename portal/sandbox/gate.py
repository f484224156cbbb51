"""From a call to its answer: key, address, rate, route, scope, then the API; faults in between."""

from __future__ import annotations

import sys
import threading
import traceback
from http import HTTPStatus

from .exchange import Answer, Call, Refusal
from .faults import CANNED, Fault
from .keys import Allowance
from .sandbox import Sandbox
from .shapes import SHAPES
from .wire import Wire, canned


def answer(sandbox: Sandbox, call: Call, fault: Fault | None, wire: Wire) -> Answer:
    """Apply a call as its fault allows; raises `Gone` when there will be no answer."""
    if fault is None:
        return apply(sandbox, call)
    before(sandbox, call, fault, wire)
    if fault.name in CANNED:
        if fault.apply:
            apply(sandbox, call)
        return canned(fault, _error(sandbox, call, fault.status_code))
    real = apply(sandbox, call)
    if fault.name == "delay_after_apply":
        wire.wait(fault.seconds)
    elif fault.name == "reset_after_apply":
        wire.reset()
    elif fault.name in SHAPES and isinstance(real.payload, dict) and real.status < 300:
        real.payload = SHAPES[fault.name](real.payload, call)
    return real


def before(sandbox: Sandbox, call: Call, fault: Fault, wire: Wire) -> None:
    """What a fault does before the call is applied."""
    match fault.name:
        case "delay":
            wire.wait(fault.seconds)
        case "silence":
            wire.wait(None)
        case "reset_before_apply":
            wire.reset()
        case "apply_late":
            late = threading.Timer(fault.seconds, apply, (sandbox, call))
            late.daemon = True
            late.start()
            wire.reset()


def apply(sandbox: Sandbox, call: Call) -> Answer:
    """Pass the gate and let the API answer."""
    api = sandbox.apis[call.provider]
    with sandbox.lock:
        try:
            key = sandbox.keys.find(call)
            key.check_address(call.address)
            key.count(sandbox.clock.now(), sandbox.window_seconds)
            api.check_route(call)
            key.check_scope(call.method)
            result = api.answer(call)
        except Refusal as no:
            result = api.refused(no)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            result = api.refused(Refusal(500, "Internal error"))
        result.headers |= api.rate_headers(_allowance(sandbox, call))
    if call.method != "GET":
        sandbox.changed.set()
    return result


def _error(sandbox: Sandbox, call: Call, status: int) -> Answer:
    """An error of this status in the API's own form."""
    said = HTTPStatus(status).phrase if status in list(HTTPStatus) else f"Status {status}"
    api = sandbox.apis[call.provider]
    with sandbox.lock:
        error = api.refused(Refusal(status, said))
        error.headers |= api.rate_headers(_allowance(sandbox, call))
    return error


def _allowance(sandbox: Sandbox, call: Call) -> Allowance:
    """What is left for the call's key; a caller without one is shown a full window."""
    now, window = sandbox.clock.now(), sandbox.window_seconds
    key = sandbox.keys.known(call)
    if key is None:
        return Allowance(100, 100, int(now + window))
    return key.allowance(now, window)
