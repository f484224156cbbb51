"""
Fetch the third-party files the pages serve, and write down exactly what they are.

`make vendor` runs this. Each package comes from npm in the version pinned below, its tarball is
compared with the checksum pinned below, the files we need are taken out of it, and
`static/vendor/manifest.json` records version, licence and SHA-256 of every file. A test compares
the manifest with the files, so a file changed by hand or half fetched does not pass.

Needs `npm` on the PATH. The font is cut down by fonttools in a throw-away virtual environment:
neither is needed to run or to test the portal.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
FONT_TOOLS = ("fonttools==4.68.0", "brotli==1.2.1")


@dataclass(frozen=True)
class Package:
    """One npm package: `files` maps a path in its tarball to a file name in static/vendor."""

    name: str
    npm: str
    version: str
    sha256: str
    licence: str
    files: dict[str, str]


HTMX = Package(
    name="htmx",
    npm="htmx.org",
    version="4.0.1",
    sha256="5fba65616ca148a86d377e9771bcada7f35faee3558651feb929eea425e13b3c",
    licence="0BSD",
    files={
        "package/dist/htmx.min.js": "htmx.min.js",
        "package/LICENSE": "htmx.LICENSE.txt",
    },
)
INTER = Package(
    name="Inter",
    npm="inter-ui",
    version="4.1.1",
    sha256="e392e4d71f18a7c1f23dfecd833d68fa05eeab41862686584e80fd2b5d87e9c0",
    licence="OFL-1.1",
    files={"package/LICENSE.txt": "inter.LICENSE.txt"},
)
INTER_VARIABLE = "package/variable/InterVariable.woff2"
FONTS = ("inter.woff2", "inter-ext.woff2")
LUCIDE = Package(
    name="Lucide",
    npm="lucide-static",
    version="1.62.0",
    sha256="386f9080c440d6f5049cefe3456ae8357f7a0c7f76e59670cd1cb83bc7050a44",
    licence="ISC",
    files={"package/LICENSE": "icons.LICENSE.txt"},
)

# The icons pages may name in `{% icon %}`: our name, with Lucide's behind a colon where it differs.
# Those of the frame and of tables are a file of their own: a first visit needs no others.
ICONS = {
    "icons.svg": """
alert:triangle-alert check chevron-down chevron-up clock download error:circle-alert filter:funnel
history home:house inbox key:key-round keyboard log-out menu monitor moon plus search settings sun
target upload user x
""",
    "icons-more.svg": """
archive arrow-right bot chevron-left columns:columns-3 copy done:circle-check edit:pencil eye info
layers link lock mail message:message-square more:ellipsis note:sticky-note panel:panel-right
phone plug refresh:refresh-cw send sort:chevrons-up-down tag trash:trash-2 undo:undo-2 users
""",
}


def fetch(package: Package, into: Path) -> Path:
    """Download the package's tarball and return its path; stop if it is not the pinned one."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", f"{package.npm}@{package.version}"],
        cwd=into,
        check=True,
        capture_output=True,
        text=True,
    )
    tarball = into / packed.stdout.strip().splitlines()[-1]
    found = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if found != package.sha256:
        sys.exit(f"{package.npm} {package.version}: checksum {found}, expected {package.sha256}")
    return tarball


def unpack(package: Package, tarball: Path) -> None:
    """Take the files we serve out of the tarball."""
    with tarfile.open(tarball) as archive:
        for member, target in package.files.items():
            source = archive.extractfile(member)
            if source is None:
                sys.exit(f"{package.npm} {package.version}: no {member}")
            (VENDOR / target).write_bytes(source.read())


def fonts(tarball: Path, scratch: Path) -> None:
    """Cut the font into the two files we serve: see `cut_font.py`."""
    venv.create(scratch / "venv", with_pip=True)
    python = str(scratch / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *FONT_TOOLS], check=True)
    with tarfile.open(tarball) as archive:
        archive.extract(INTER_VARIABLE, scratch, filter="data")
    cutter, source = Path(__file__).with_name("cut_font.py"), scratch / INTER_VARIABLE
    subprocess.run([python, cutter, source, *(VENDOR / name for name in FONTS)], check=True)


def sprites(tarball: Path) -> None:
    """Join icons into files; a page shows one with `<use href="icons.svg#name">`."""
    with tarfile.open(tarball) as archive:
        for file, icons in ICONS.items():
            symbols = "".join(symbol(archive, icon) for icon in icons.split())
            opening = '<svg xmlns="http://www.w3.org/2000/svg">'
            (VENDOR / file).write_text(f"{opening}\n{symbols}</svg>\n")


def symbol(archive: tarfile.TarFile, icon: str) -> str:
    """The shapes of one icon, under our name."""
    ours, _, theirs = icon.partition(":")
    source = archive.extractfile(f"package/icons/{theirs or ours}.svg")
    if source is None:
        sys.exit(f"{LUCIDE.npm} {LUCIDE.version}: no icon {icon}")
    shapes = source.read().decode().split(">", 2)[2].rsplit("</svg>", 1)[0]
    lines = "".join(line.strip() for line in shapes.splitlines())
    return f'<symbol id="{ours}" viewBox="0 0 24 24">{lines}</symbol>\n'


def describe(package: Package, made: tuple[str, ...] = ()) -> dict[str, object]:
    """The manifest's entry of one package; `made` names files put together from its parts."""
    checksums = {
        target: hashlib.sha256((VENDOR / target).read_bytes()).hexdigest()
        for target in sorted([*package.files.values(), *made])
    }
    return {
        "name": package.name,
        "version": package.version,
        "npm": package.npm,
        "package_sha256": package.sha256,
        "licence": package.licence,
        "files": checksums,
    }


def main() -> None:
    """Fetch everything and write the manifest."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        scratch, tarballs = Path(name), dict[str, Path]()
        for package in (HTMX, INTER, LUCIDE):
            tarballs[package.name] = fetch(package, scratch)
            unpack(package, tarballs[package.name])
        sprites(tarballs[LUCIDE.name])
        fonts(tarballs[INTER.name], scratch)
    entries = [describe(HTMX), describe(INTER, FONTS), describe(LUCIDE, tuple(ICONS))]
    manifest = json.dumps(entries, indent=2) + "\n"
    (VENDOR / "manifest.json").write_text(manifest)
    for file in sorted(VENDOR.iterdir()):
        print(f"{file.stat().st_size:>8} {file.name}")


if __name__ == "__main__":
    main()
