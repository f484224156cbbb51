"""A sandbox on a real socket, and plain httpx clients for both of its APIs."""

import time

import httpx
import pytest

from portal.sandbox import Sandbox, Webhooks, serve


@pytest.fixture
def sandbox():
    webhooks = Webhooks(attempts=3, delays_seconds=(0.01,), timeout_seconds=20)
    with serve(Sandbox(webhooks=webhooks)) as sandbox:
        yield sandbox


@pytest.fixture
def nexadesk(sandbox):
    with client(sandbox.nexadesk_url, sandbox.key("nexadesk", rate=None)) as http:
        yield http


@pytest.fixture
def dexra(sandbox):
    with client(sandbox.dexra_url, sandbox.key("dexra", rate=None)) as http:
        yield http


@pytest.fixture
def control(sandbox):
    with httpx.Client(
        base_url=f"{sandbox.base_url}/_sandbox", trust_env=False, verify=False, timeout=20
    ) as http:
        yield http


@pytest.fixture
def connect(sandbox):
    """connect(key, provider) -> a client with that key."""
    opened = []

    def make(key, provider="nexadesk"):
        url = sandbox.nexadesk_url if provider == "nexadesk" else sandbox.dexra_url
        opened.append(client(url, key))
        return opened[-1]

    yield make
    for http in opened:
        http.close()


def soon(condition, seconds=20):
    """Whether it becomes true; a busy machine takes its time."""
    until = time.monotonic() + seconds
    while not (reached := condition()) and time.monotonic() < until:
        time.sleep(0.02)
    return reached


def client(url, key):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # verify=False spares each test the loading of certificates; all addresses are plain http.
    return httpx.Client(base_url=url, headers=headers, trust_env=False, verify=False, timeout=20)
