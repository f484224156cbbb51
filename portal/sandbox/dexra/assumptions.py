"""What Dexra's documentation leaves open, and what the sandbox does instead of knowing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class DexraAssumptions:
    """
    Each value is our own choice. Change one to see how a client bears another answer.

    Not switchable, and ours too: without `status` all conversations are listed, newest
    first; `limit` is clamped to 1..100; an unknown status or cursor is a 400; unlisted
    methods are 405, unlisted paths 404; a private note changes neither `last_message` nor
    the status and sends no event; keys may do everything unless made with fewer scopes.
    """

    error_form: Literal["object", "string", "message"] = "object"
    """{"error": {"message": ...}}, {"error": ...} or {"message": ...}."""

    end_of_list: Literal["null", "empty", "missing"] = "null"
    """What `meta.next_cursor` is on the last page."""

    created_status: int = 201
    """Status of both POSTs."""

    invalid_status: int = 400
    """Status for a body that is not accepted."""

    rate_headers: bool = False
    """Whether answers carry X-RateLimit-* and a 429 carries Retry-After."""

    attributes: Literal["merge", "replace"] = "merge"
    """What PATCH /users does with the attributes it does not name."""

    unknown_user: Literal["create", "refuse"] = "create"
    """What POST /conversations does with a `user_id` it has not seen; "refuse" is a 404."""

    reopen_on_message: bool = False
    """Whether a text sent to a closed or snoozed conversation opens it."""

    whatsapp_window: bool = False
    """Whether a text on WhatsApp is refused later than 24 hours after the user's last one."""

    webhook_ids: Literal["rest", "digits"] = "rest"
    """Whether webhooks name conversations by their API id or by bare digits as in the guides."""

    webhook_form: Literal["nested", "flat"] = "nested"
    """Message events as in the help pages (nested in `data`) or as in the blog (flat)."""
