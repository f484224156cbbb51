"""
The static files as they are served: without what only we read, and one where we wrote several.

`collectstatic` hands each file over once. Ours lose comments and blanks here, before they are
named by their content and compressed: a fifth of what a first visit loads of them. What a file
asks for by its first lines (`@import "parts.css";`, `import "./keys.js";`) is put in their place,
so a browser need not ask; where nothing is collected, it does, and gets the same. No name is
shortened and nothing moved: the minifiers that do so broke nested styles or moved declarations.
What is vendored comes from its makers as it shall be, and stays.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import rjsmin
from django.conf import settings
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Served(CompressedManifestStaticFilesStorage):
    """Shortened, named by content, compressed."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        if name and is_ours(name):
            content = ContentFile(shortened(name, content.read().decode()).encode())
        return str(super().save(name, content, max_length))

    def post_process(self, paths: dict[str, Any], *args: Any, **options: Any) -> Iterator[Any]:
        """What is named by its content is what was saved, not what it was made of."""
        saved = {name: (self, name) for name in paths}
        yield from super().post_process(saved, *args, **options)  # type: ignore[no-untyped-call]


def is_ours(name: str) -> bool:
    """Whether a static file is written here, and for people to read."""
    path = PurePosixPath(name)
    return path.suffix in MEANS and str(path.parent) in {".", "css"}


def shortened(name: str, text: str) -> str:
    """The same script or style sheet, whole, without comments and blanks."""
    path = PurePosixPath(name)
    return str(MEANS[path.suffix](_whole(path, text)))


def _whole(path: PurePosixPath, text: str) -> str:
    asks, put = ASKS[path.suffix]

    def other(asked: re.Match[str]) -> str:
        beside = path.with_name(asked[1])
        return put.replace("…", _whole(beside, (WRITTEN / beside).read_text()))

    return re.sub(asks, other, text, flags=re.MULTILINE)


def _style(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};]) ?", r"\1", text).replace(";}", "}").strip()


WRITTEN = Path(settings.STATICFILES_DIRS[0])
MEANS = {".css": _style, ".js": rjsmin.jsmin}
# How a file asks for another one beside it, and what stands there instead. A module that only runs
# keeps its names to itself in a block as well.
ASKS = {
    ".css": (r'^@import "([a-z]+\.css)";$', "…"),
    ".js": (r'^import "\./([a-z]+\.js)";$', "{\n…\n}"),
}
