"""What NexaDesk's documentation leaves open, and what the sandbox does instead of knowing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class NexaDeskAssumptions:
    """
    Each value is our own choice. Change one to see how a client bears another answer.

    Not switchable, and ours too: an absent `status` lists all conversations; `limit` is
    clamped to 1..100; the cursor is the next offset in unpadded base64url, so rows shift
    while data changes; a cursor wins over `page`; records without a value sort last; names
    sort case-insensitively; unknown body fields are ignored; a PATCH leaves absent fields
    alone and clears those given as null; every PATCH of a lead or conversation moves its
    `updated_at`; a contact's `last_activity` does not move when someone edits it;
    e-mail addresses of contacts are compared case-insensitively; only authenticated requests
    count against the rate limit, and refused ones (429) do not; `X-RateLimit-Reset` is the
    second at which the oldest counted request leaves the window; records are addressed by
    `?id=` on the collection; a body must say `Content-Type: application/json`; an empty
    e-mail address counts as none; an `assigned_rep_id` nobody knows is kept, with null rep_*
    fields; transitions between all stages are allowed, also to stages of one's own; an
    archived conversation sends `conversation.updated` and `conversation.closed`; the data of
    `lead.deleted` is only the id, that of `message.created` the message with its
    `conversation_id`; a ping is the usual envelope with the event "ping".
    """

    default_sort: str = "created_at:desc"
    """Order of a list when `sort` is absent."""

    default_direction: str = "desc"
    """Direction of a `sort` that names only a field."""

    company_max: int = 200
    """Longest `visitor_company` and `company_name`, in characters."""

    show_lead_score: bool = False
    """Whether leads show `lead_score`; it can be sorted by in any case."""

    not_found: int = 404
    """Status for an unknown or malformed id."""

    delete_status: int = 200
    """200 answers {"success": true, "data": {"id": ...}}; 204 answers nothing."""

    pagination_on_single: bool = False
    """Whether answers with one record carry `pagination` too."""

    messages_inside: bool = False
    """True puts messages at data.conversation.messages, False at data.messages."""

    message_fields: tuple[str, str] = ("sender_type", "content")
    """How a message names its sender and its text."""

    patched_conversation_wrapped: bool = False
    """Whether PATCH /conversations answers {"conversation": ...} as GET ?id= does."""

    tags_writable: bool = False
    """Whether PATCH /conversations takes `tags` too; only `status` is documented."""

    ping_signed: bool = True
    """Whether the test ping of a new webhook carries a signature."""

    thin_events: bool = False
    """True sends lead.created with the six fields of the page's own example."""

    default_source: str = "api"
    """`source` of a lead made by POST without one."""
