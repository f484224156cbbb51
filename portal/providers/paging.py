"""Reads a list to its end, or raises: a list cut short must never look complete (F19)."""

from collections.abc import Callable, Iterator
from typing import Any

from portal.providers.errors import BrokenContract
from portal.records import Page

MOST_PAGES = 100_000
"""Where a list that does not tell its own count is given up."""


def walk(provider: str, fetch: Callable[[str | None], Page[Any]]) -> Iterator[Page[Any]]:
    """
    Every page in turn, from the first to the one without a next cursor.

    Nothing is de-duplicated: rows shift while data changes. Raises `BrokenContract` where
    the end can never come: a cursor seen before, an empty page that promises more, or
    twice as many pages as the provider's own count asks for.
    """
    seen: set[str] = set()
    cursor: str | None = None
    pages, most = 0, 0
    while True:
        page = fetch(cursor)
        yield page
        cursor, pages = page.next_cursor, pages + 1
        if cursor is None:
            return
        most = most or _most_pages(page)
        if reason := _endless(page, cursor, seen, pages, most):
            raise BrokenContract(provider, reason)
        seen.add(cursor)


def _endless(page: Page[Any], cursor: str, seen: set[str], pages: int, most: int) -> str:
    if cursor in seen:
        return "the list's cursor came a second time"
    if not _rows(page):
        return "an empty page promises more"
    if pages >= most:
        return "the list goes on far beyond its own count"
    return ""


def _rows(page: Page[Any]) -> int:
    return len(page.records) + len(page.rejected)


def _most_pages(first: Page[Any]) -> int:
    """A generous end, from the first page: lists grow while they are read."""
    if not first.total or not _rows(first):
        return MOST_PAGES
    return 2 * -(-first.total // _rows(first)) + 2
