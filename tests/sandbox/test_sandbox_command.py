"""`manage.py sandbox` as a process: what it prints, keeps and says when it cannot start."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.sandbox.conftest import soon

ROOT = Path(__file__).parents[2]
SMALL = ("--leads=7", "--contacts=5", "--conversations=4", "--dexra-conversations=3")


@contextlib.contextmanager
def run(*options):
    """The running command, and what it printed until it was ready."""
    environment = {**os.environ, "PORTAL_DEMO": "1", "DJANGO_SETTINGS_MODULE": "portal.settings"}
    command = [sys.executable, "manage.py", "sandbox", *SMALL, *options]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Controls:"):
                break
        yield process, "".join(lines)
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def value(pattern, text):
    return re.search(pattern, text, re.MULTILINE).group(1)


def test_it_prints_addresses_and_keys_that_work(port):
    with run(f"--port={port}", "--dexra-key=dx_mine") as (_, said):
        url = value(r"^NEXADESK_BASE_URL=(\S+)$", said)
        key = value(r"^nexadesk key: (fc_live_\w+)$", said)
        leads = httpx.get(f"{url}/leads", headers={"Authorization": f"Bearer {key}"})
        url = value(r"^DEXRA_BASE_URL=(\S+)$", said)
        conversations = httpx.get(
            f"{url}/conversations", headers={"Authorization": "Bearer dx_mine"}
        )

    assert leads.json()["pagination"]["total_count"] == 7
    assert conversations.json()["meta"]["total"] == 3


def test_a_taken_port_is_said_in_one_sentence(port):
    with socket.create_server(("127.0.0.1", port)), run(f"--port={port}") as (process, said):
        assert process.wait(timeout=60) == 2
        told = process.stderr.read()

    assert said == ""
    assert f"127.0.0.1:{port}" in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_with_a_state_file_data_and_keys_survive_a_restart(port, tmp_path, ending):
    state = tmp_path / "deep" / "state.json"
    with run(f"--port={port}", f"--state={state}") as (process, said):
        url = value(r"^NEXADESK_BASE_URL=(\S+)$", said)
        headers = {"Authorization": "Bearer " + value(r"^nexadesk key: (\S+)$", said)}
        httpx.post(f"{url}/leads", headers=headers, json={"visitor_name": "Kept, 李"})
        process.send_signal(ending)
        assert process.wait(timeout=60) == 0

    with run(f"--port={port}", f"--state={state}") as (_, again):
        found = httpx.get(f"{url}/leads?search=Kept", headers=headers).json()

    assert again == said
    assert [lead["visitor_name"] for lead in found["data"]] == ["Kept, 李"]


def test_a_change_is_saved_shortly_after_it_was_made(port, tmp_path):
    state = tmp_path / "state.json"
    with run(f"--port={port}", f"--state={state}") as (process, said):
        url = value(r"^NEXADESK_BASE_URL=(\S+)$", said)
        headers = {"Authorization": "Bearer " + value(r"^nexadesk key: (\S+)$", said)}
        httpx.post(f"{url}/leads", headers=headers, json={"visitor_name": "Kept"})
        assert soon(lambda: len(json.loads(state.read_text())["nexadesk"]["leads"]) == 8)
        process.kill()


def test_a_broken_state_file_is_not_overwritten(port, tmp_path):
    state = tmp_path / "state.json"
    state.write_text('{"something": "else"}')

    with run(f"--port={port}", f"--state={state}") as (process, _):
        assert process.wait(timeout=60) == 1
        assert "state.json" in process.stderr.read()

    assert state.read_text() == '{"something": "else"}'
