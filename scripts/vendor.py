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
    files={
        "package/variable/InterVariable.woff2": "inter.woff2",
        "package/LICENSE.txt": "inter.LICENSE.txt",
    },
)
LUCIDE = Package(
    name="Lucide",
    npm="lucide-static",
    version="1.62.0",
    sha256="386f9080c440d6f5049cefe3456ae8357f7a0c7f76e59670cd1cb83bc7050a44",
    licence="ISC",
    files={"package/LICENSE": "icons.LICENSE.txt"},
)

# The icons pages may name in `{% icon %}`: our name, with Lucide's behind a colon where it differs.
ICONS = """
alert:triangle-alert archive arrow-down arrow-left arrow-right arrow-up banknote bot
building:building-2 calendar check chevron-down chevron-left chevron-right chevron-up clock
columns:columns-3 copy done:circle-check download edit:pencil error:circle-alert
external:external-link eye eye-off filter:funnel globe hash help:circle-question-mark history
home:house inbox info key:key-round keyboard layers link lock log-out mail menu
message:message-square monitor moon more:ellipsis note:sticky-note panel:panel-right phone plug
plus refresh:refresh-cw search send settings shield sort:chevrons-up-down star sun tag target
trash:trash-2 undo:undo-2 unplug upload user users x
"""

# Latin, Latin Extended-A/B, the signs our own texts use. Other scripts fall back to the system.
UNICODES = (
    "U+0020-007E,U+00A0-024F,U+0259,U+02BB-02BC,U+02C6-02C7,U+02D8-02DD,U+0300-0304,U+0306-030C,"
    "U+1E80-1E85,U+1E9E,U+1EA0-1EF9,U+2010-2015,U+2018-201F,U+2020-2022,U+2026,U+2030,U+2032-2033,"
    "U+2039-203A,U+2044,U+20A6,U+20A9,U+20AA,U+20AC,U+20B4,U+20B9-20BA,U+20BD,U+2116,U+2122,"
    "U+2190-2193,U+21B5,U+2212,U+2248,U+2260,U+2264-2265"
)
FEATURES = "kern,liga,calt,ccmp,locl,mark,mkmk,tnum,case,cv11,ss03"


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


def subset(font: Path, scratch: Path) -> None:
    """Cut the font to Latin, our features and weights 400 to 700, at text size."""
    venv.create(scratch / "venv", with_pip=True)
    python = str(scratch / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *FONT_TOOLS], check=True)
    axes, out = scratch / "axes.ttf", scratch / "subset.woff2"
    limits = ["wght=400:700", "opsz=14"]
    instance = [python, "-m", "fontTools.varLib.instancer", str(font), *limits]
    subprocess.run([*instance, "--no-recalc-timestamp", "-q", "-o", str(axes)], check=True)
    cut = [python, "-m", "fontTools.subset", str(axes), f"--output-file={out}"]
    options = [
        f"--unicodes={UNICODES}",
        f"--layout-features={FEATURES}",
        "--no-hinting",
    ]
    subprocess.run([*cut, *options, "--desubroutinize", "--flavor=woff2"], check=True)
    font.write_bytes(out.read_bytes())


def sprite(tarball: Path) -> None:
    """Join the icons into one file; a page shows one with `<use href="icons.svg#name">`."""
    symbols = []
    with tarfile.open(tarball) as archive:
        for icon in ICONS.split():
            ours, _, theirs = icon.partition(":")
            source = archive.extractfile(f"package/icons/{theirs or ours}.svg")
            if source is None:
                sys.exit(f"{LUCIDE.npm} {LUCIDE.version}: no icon {icon}")
            shapes = source.read().decode().split(">", 2)[2].rsplit("</svg>", 1)[0]
            lines = "".join(line.strip() for line in shapes.splitlines())
            symbols.append(f'<symbol id="{ours}" viewBox="0 0 24 24">{lines}</symbol>\n')
    (VENDOR / "icons.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg">\n' + "".join(symbols) + "</svg>\n"
    )


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
        scratch = Path(name)
        for package in (HTMX, INTER, LUCIDE):
            tarball = fetch(package, scratch)
            unpack(package, tarball)
        sprite(tarball)
        subset(VENDOR / "inter.woff2", scratch)
    entries = [describe(HTMX), describe(INTER), describe(LUCIDE, ("icons.svg",))]
    manifest = json.dumps(entries, indent=2) + "\n"
    (VENDOR / "manifest.json").write_text(manifest)
    for file in sorted(VENDOR.iterdir()):
        print(f"{file.stat().st_size:>8} {file.name}")


if __name__ == "__main__":
    main()
