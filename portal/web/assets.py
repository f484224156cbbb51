"""
The static files as they are served: without what only we read.

`collectstatic` hands each file over once. Ours lose comments and blanks here, before they are
named by their content and compressed: a fifth of what a first visit loads of them. Nothing else
is done, since the minifiers there are break nested styles or move declarations. What is vendored
comes from its makers as it shall be, and stays.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

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
    """The same script or style sheet without comments and blanks."""
    return MEANS[PurePosixPath(name).suffix](text)


def _style(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};]) ?", r"\1", text).replace(";}", "}").strip()


def _script(text: str) -> str:
    """Comments that begin or end a line, and blanks around lines: no need to understand more."""
    whole = r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*$"
    text = re.sub(whole, "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^[ \t]*//.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"[ \t]*/\*[^*\n]*\*/$", "", text, flags=re.MULTILINE)
    return re.sub(r"\s*\n\s*", "\n", text).strip()


MEANS = {".css": _style, ".js": _script}
