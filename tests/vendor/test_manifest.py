"""The test tools kept here are what the manifest says: name, version, licence, checksum."""

import hashlib
import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())


def test_every_file_is_the_one_in_the_manifest():
    told = {name: digest for package in MANIFEST for name, digest in package["files"].items()}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDER.iterdir()
        if path.is_file() and path.suffix != ".py" and path.name != "manifest.json"
    }
    assert found == told


def test_every_package_ships_its_licence():
    for package in MANIFEST:
        assert any(name.endswith(".LICENSE.txt") for name in package["files"]), package["name"]
