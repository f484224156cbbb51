"""What people do with contacts: NexaDesk's contacts and Dexra's users alike."""

from collections.abc import Mapping
from typing import Any

from portal.mirror import store
from portal.mirror.models import Contact
from portal.providers.errors import ProviderError
from portal.records import Can, ContactRecord, Kind
from portal.services.errors import NotConnected
from portal.services.keeping import keep_one, keep_records
from portal.services.refresh import refresh
from portal.services.upstream import connect, provider_of, source_of
from portal.services.writes import Ask, Outcome, submit
from portal.team.models import Membership
from portal.vault.models import Connection


def create_contact(
    connection: Connection, values: Mapping[str, Any], *, actor: Membership, form_id: str
) -> Outcome:
    """
    Make a contact upstream, then here. Raises what `writes.submit` raises; after
    `Duplicate` ask `existing_contact`.
    """
    title = " ".join(str(values.get(n) or "") for n in ("first_name", "last_name")).strip()
    ask = Ask("contact.create", connection, changes=values, title=title)
    return submit(ask, actor=actor, form_id=form_id)


def update_contact(
    contact: Contact,
    changes: Mapping[str, Any],
    *,
    before: Mapping[str, Any],
    actor: Membership,
    form_id: str,
) -> Outcome:
    """
    Change a contact upstream, then here; as `leads.update_lead` does. A user that the API
    cannot show is compared with our copy, which webhooks and colleagues may have changed.
    """
    can = provider_of(contact.connection).can
    action = "contact.update" if Can.UPDATE_CONTACT in can else "user.update"
    ask = Ask(action, contact.connection, changes=changes, before=before, subject=contact)
    return submit(ask, actor=actor, form_id=form_id)


def know_user(connection: Connection, upstream_id: str) -> Contact:
    """Our row for a user whose id a person typed; the API cannot list or read users."""
    source = source_of(connection)
    row = store.find(source, Kind.CONTACTS, upstream_id)
    if row is None:
        row = keep_one(source, Kind.CONTACTS, ContactRecord(upstream_id, told=frozenset()))
    assert isinstance(row, Contact)
    return row


def delete_contact(contact: Contact, *, actor: Membership, form_id: str) -> Outcome:
    """Delete a contact upstream, then hide it here."""
    ask = Ask("contact.delete", contact.connection, before=contact.raw, subject=contact)
    return submit(ask, actor=actor, form_id=form_id)


def existing_contact(connection: Connection, email: str) -> Contact | None:
    """
    The contact that made the provider say `Duplicate`: from our copy, else by its search.

    Source: facts A5, the 409's body does not name it.
    """
    source = source_of(connection)
    known = store.contact_by_email(source, email)
    if known is not None or not email:
        return known
    try:
        with connect(connection) as client:
            page = client.list_page(Kind.CONTACTS, limit=20, filters={"search": email})
    except (ProviderError, NotConnected):
        return None
    keep_records(source, Kind.CONTACTS, page.records)
    return store.contact_by_email(source, email)


def refresh_contact(contact: Contact) -> Contact | None:
    """Ask upstream for this contact once; None if it is gone there."""
    if Can.UPDATE_CONTACT not in provider_of(contact.connection).can:
        return contact
    return refresh(contact, lambda client: client.get_contact(contact.upstream_id))
