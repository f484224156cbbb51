"""
Whatever somebody uploads: it is refused in words, within 2 seconds and 100 MB, and nothing of
it is kept (reliability T11).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from portal.batches.files.limits import SENTENCES
from tests.batches.hostile_files import HOSTILE_FILES, book

ROOT = Path(__file__).resolve().parents[2]
# What the page's process does with an upload, measured: its own work and memory and the fence's.
MEASURED = """
import json, resource, sys
from pathlib import Path
from portal.batches.files.limits import FileRefused
from portal.batches.files.reading import opened

def pieces(path):
    with open(path, "rb") as file:
        while piece := file.read(65536):
            yield piece

def worked():
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)

before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, worked()
told = {"code": "", "rows": 0}
try:
    with opened(pieces(sys.argv[1])) as sheet:
        told["rows"] = sheet.total
except FileRefused as refused:
    told["code"] = refused.code
told["seconds"] = worked() - began
told["page_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
told["fence_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps(told))
"""
BARE_MB = 12
"""What an interpreter needs that does nothing."""


def uploaded(data, tmp_path):
    path = tmp_path / "upload.csv"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, path], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_a_hostile_file_is_refused_soon_and_cheaply(name, tmp_path):
    make, reasons = HOSTILE_FILES[name]

    told = uploaded(make(), tmp_path)

    assert told["code"] in reasons, told
    assert told["rows"] == 0
    assert told["seconds"] <= 2
    assert told["page_mb"] + told["fence_mb"] - BARE_MB <= 100
    assert told["code"] in SENTENCES


def test_there_are_enough_of_them():
    assert len(HOSTILE_FILES) >= 20


@pytest.mark.parametrize("data", [book(), b"Name,Email\r\nPetra,p@x.example\r\n"])
def test_an_honest_file_passes_the_same_gate(data, tmp_path):
    told = uploaded(data, tmp_path)
    assert (told["code"], told["rows"]) == ("", 1)


def test_nothing_of_a_refused_file_stays_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    from portal.batches.files.limits import FileRefused
    from portal.batches.files.reading import opened

    with pytest.raises(FileRefused), opened([b"Name\r\n"]):
        """Never reached."""

    assert list(tmp_path.iterdir()) == []


def test_the_fence_knows_no_secret_of_ours(tmp_path, monkeypatch):
    """What runs a stranger's file has neither our environment nor our settings."""
    from portal.batches.files import reading

    seen = {}

    def run(command, **options):
        seen.update(options)
        return subprocess.CompletedProcess(command, 0, b'{"refused": "empty"}', b"")

    monkeypatch.setattr(reading.subprocess, "run", run)
    with pytest.raises(reading.FileRefused), reading.opened([b"x"]):
        """Never reached."""

    assert set(seen["env"]) == {"PYTHONUTF8", "PYTHONDONTWRITEBYTECODE"}
    assert "django" not in modules_of_the_fence()


def modules_of_the_fence():
    code = "import portal.batches.files.fence, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return set(done.stdout.split())
