"""What people do with leads."""

from collections.abc import Mapping
from typing import Any

from portal.mirror.models import Lead
from portal.services.refresh import refresh
from portal.services.writes import Ask, Outcome, submit
from portal.team.models import Membership
from portal.vault.models import Connection


def create_lead(
    connection: Connection, values: Mapping[str, Any], *, actor: Membership, form_id: str
) -> Outcome:
    """
    Make a lead upstream, then here. `values` uses the provider's own field names.

    Raises what `writes.submit` raises.
    """
    title = str(values.get("visitor_name") or values.get("name") or "")
    ask = Ask("lead.create", connection, changes=values, title=title)
    return submit(ask, actor=actor, form_id=form_id)


def update_lead(
    lead: Lead,
    changes: Mapping[str, Any],
    *,
    before: Mapping[str, Any],
    actor: Membership,
    form_id: str,
) -> Outcome:
    """
    Change a lead upstream, then here. `changes` holds only what changes, `before` those
    fields as the person saw them: if upstream has moved on in one of them, `StaleRecord`
    is raised and nothing is sent.

    The API cannot compare for us, so a writer may still slip in between our read and our
    write: the race is narrowed to one round trip, not closed.
    """
    ask = Ask("lead.update", lead.connection, changes=changes, before=before, subject=lead)
    return submit(ask, actor=actor, form_id=form_id)


def delete_lead(lead: Lead, *, actor: Membership, form_id: str) -> Outcome:
    """Delete a lead upstream, then hide it here; the whole record stays as the before-image."""
    ask = Ask("lead.delete", lead.connection, before=lead.raw, subject=lead)
    return submit(ask, actor=actor, form_id=form_id)


def refresh_lead(lead: Lead) -> Lead | None:
    """Ask upstream for this lead once; our copy as it is now, or None if it is gone there."""
    return refresh(lead, lambda client: client.get_lead(lead.upstream_id))
