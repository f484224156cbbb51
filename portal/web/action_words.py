"""What the log's actions are called."""

from django.utils.translation import gettext_lazy

ACTIONS = {
    "lead.create": gettext_lazy("Made a lead"),
    "lead.update": gettext_lazy("Changed a lead"),
    "lead.delete": gettext_lazy("Deleted a lead"),
    "lead.outside": gettext_lazy("Lead changed elsewhere"),
    "lead.gone": gettext_lazy("Lead deleted elsewhere"),
    "contact.create": gettext_lazy("Made a contact"),
    "contact.update": gettext_lazy("Changed a contact"),
    "contact.delete": gettext_lazy("Deleted a contact"),
    "contact.outside": gettext_lazy("Contact changed elsewhere"),
    "contact.gone": gettext_lazy("Contact deleted elsewhere"),
    "user.update": gettext_lazy("Changed a user"),
    "conversation.create": gettext_lazy("Started a conversation"),
    "conversation.status": gettext_lazy("Set a conversation's status"),
    "conversation.outside": gettext_lazy("Conversation changed elsewhere"),
    "conversation.gone": gettext_lazy("Conversation deleted elsewhere"),
    "message.send": gettext_lazy("Sent a reply"),
    "message.note": gettext_lazy("Left a private note"),
    "batch.start": gettext_lazy("Started a batch"),
    "batch.pause": gettext_lazy("Paused a batch"),
    "batch.resume": gettext_lazy("Resumed a batch"),
    "batch.cancel": gettext_lazy("Cancelled a batch"),
    "leads.export": gettext_lazy("Exported leads"),
    "contacts.export": gettext_lazy("Exported contacts"),
    "conversations.export": gettext_lazy("Exported conversations"),
    "audit.export": gettext_lazy("Exported the activity"),
    "rejects.export": gettext_lazy("Downloaded what a batch did not do"),
    "write.it_arrived": gettext_lazy("Decided that a change arrived"),
    "write.send_again": gettext_lazy("Had a change sent again"),
    "write.discard": gettext_lazy("Discarded a change"),
    "outbox.release": gettext_lazy("Released the outbox"),
    "workspace.create": gettext_lazy("Made the workspace"),
    "connection.add": gettext_lazy("Added a connection"),
    "connection.replace_key": gettext_lazy("Replaced a key"),
    "connection.remove": gettext_lazy("Removed a connection"),
    "connection.try": gettext_lazy("Tried a key"),
    "webhook.secret": gettext_lazy("Stored a webhook secret"),
    "webhook.old_secret_removed": gettext_lazy("Removed an old webhook secret"),
    "delivery.replay": gettext_lazy("Replayed a delivery"),
    "sync.check": gettext_lazy("Asked for a check of everything"),
    "sync.confirm_missing": gettext_lazy("Confirmed that records are gone"),
    "sync.dismiss_missing": gettext_lazy("Kept records that a check did not find"),
    "session.start": gettext_lazy("Signed in"),
    "session.end": gettext_lazy("Signed out"),
    "session.failed": gettext_lazy("Sign-in failed"),
    "session.password": gettext_lazy("Changed the password"),
}
FAMILIES = {
    "lead": gettext_lazy("Leads"),
    "contact": gettext_lazy("Contacts"),
    "conversation": gettext_lazy("Conversations"),
    "message": gettext_lazy("Messages"),
    "outside": gettext_lazy("Changes made elsewhere"),
    "outbox": gettext_lazy("Decisions"),
    "batch": gettext_lazy("Batches"),
    "export": gettext_lazy("Exports"),
    "settings": gettext_lazy("Settings and keys"),
    "session": gettext_lazy("Sign-ins"),
}


def words_of(action: str) -> str:
    """The action in words; one that has none as it is, made readable."""
    known = ACTIONS.get(action)
    return str(known) if known else action.replace(".", ": ").replace("_", " ")
