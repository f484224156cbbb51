"""Where the records of a workspace have their pages."""

from django.urls import reverse

from portal.records import Kind

PAGES = {
    Kind.LEADS.value: "lead-detail",
    Kind.CONTACTS.value: "contact-detail",
    Kind.CONVERSATIONS.value: "conversation-detail",
}
LISTS = {
    Kind.LEADS.value: "lead-list",
    Kind.CONTACTS.value: "contact-list",
    Kind.CONVERSATIONS.value: "conversation-list",
}


def page_of(slug: str, kind: str, pk: int) -> str:
    """The page of a record; "" for a kind that has none."""
    return reverse(PAGES[kind], args=[slug, pk]) if kind in PAGES else ""


def list_of(slug: str, kind: str) -> str:
    """The list of the records of a kind."""
    return reverse(LISTS[kind], args=[slug])
