"""Keeping a sandbox in a file, so that it survives a restart."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from portal.sandbox.sandbox import Sandbox

PAUSE_SECONDS = 0.5
"""Changes within this time are saved together."""


def load(sandbox: Sandbox, path: Path) -> bool:
    """Take the state from a file; False if there is none. ValueError if it is not ours."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    try:
        sandbox.load(json.loads(text))
    except (KeyError, TypeError, AttributeError, ValueError) as broken:
        raise ValueError(f"{path} does not hold a sandbox's state") from broken
    return True


def save(sandbox: Sandbox, path: Path) -> None:
    """Write the state beside the file and put it in its place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    with sandbox.lock:
        text = json.dumps(sandbox.dump())
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


@contextlib.contextmanager
def kept(sandbox: Sandbox, path: Path) -> Iterator[None]:
    """Save at once, shortly after each change, and at the end."""
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(sandbox, path, ended), daemon=True)
    save(sandbox, path)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        sandbox.changed.set()
        keeper.join()
        save(sandbox, path)


def _keep(sandbox: Sandbox, path: Path, ended: threading.Event) -> None:
    while not ended.is_set():
        sandbox.changed.wait()
        if ended.wait(PAUSE_SECONDS):
            return
        sandbox.changed.clear()
        save(sandbox, path)
