"""
Our copies of upstream records.

Columns are what lists show, sort or search by; everything else stays in `raw`. Texts in
columns are cut to what an index can hold and cleaned of what a database refuses (NUL,
lone surrogates); `raw` is the answer as it came. Only `mirror/store.py` writes here.
"""

from typing import ClassVar

from django.db import models

from portal.fields import RawField

TEXT_LIMIT = 500


def _text(limit: int = TEXT_LIMIT) -> "models.CharField[str, str]":
    return models.CharField(max_length=limit, blank=True, default="")


class Upstream(models.Model):
    """
    What every mirrored record has.

    `upstream_id` is the provider's id; `seen_at` when the provider last showed it to us;
    `gone_at` when a complete walk (or a 404, or our own delete) found it missing.
    `search_text` is the case-folded text that the list's search looks through.
    """

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    connection = models.ForeignKey("portal.Connection", models.CASCADE, related_name="+")
    upstream_id = models.CharField(max_length=255)
    raw = RawField(default=dict)
    search_text = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


def _sort(prefix: str, *columns: str) -> list[models.Index]:
    """One index per sortable column, in the order lists read them."""
    return [
        models.Index(
            fields=["workspace", column, "id"], name=f"{prefix}_{column.removesuffix('_at')}"
        )
        for column in columns
    ]


def _once(name: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["connection", "upstream_id"], name=name)


class Lead(Upstream):
    """A sales lead. `amount` is a bare number: no currency is documented (facts A4)."""

    name = _text()
    name_key = _text(200)
    email = _text()
    email_key = _text(200)
    phone = _text()
    company = _text()
    company_key = _text(200)
    stage = _text(100)
    source = _text(100)
    tags = models.JSONField(default=list)
    rep_id = _text(255)
    rep_name = _text(200)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    score = models.FloatField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [_once("lead_once")]
        indexes: ClassVar = [
            *_sort("lead", "created_at", "updated_at", "name_key", "company_key", "email_key"),
            *_sort("lead", "source", "rep_name", "amount", "score"),
            models.Index(fields=["workspace", "stage", "created_at", "id"], name="lead_stage"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.upstream_id


class Contact(Upstream):
    """
    A person a provider knows. `last_conversation_at` and the count are the provider's.

    Where the API lists no people (Dexra's users) the row comes from a conversation's
    participants or from what we sent, and `raw` holds what was last answered.
    """

    name = _text()
    name_key = _text(200)
    first_name = _text(200)
    last_name = _text(200)
    email = _text()
    email_key = _text(200)
    phone = _text()
    company = _text()
    company_key = _text(200)
    tags = models.JSONField(default=list)
    conversation_count = models.IntegerField(null=True)
    last_activity_at = models.DateTimeField(null=True)
    last_conversation_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [_once("contact_once")]
        indexes: ClassVar = [
            *_sort("contact", "created_at", "last_activity_at", "name_key", "company_key"),
            *_sort("contact", "email_key", "phone", "conversation_count"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.upstream_id


class Conversation(Upstream):
    """
    A conversation. `status` is the provider's word, `state` its normal form.

    `active_at` is the newest time the provider tells (`updated_at`, else `created_at`):
    lists sort by it. `messages_at` is when the messages were last read, None if never.
    """

    subject = _text()
    status = _text(100)
    state = _text(20)
    source = _text(100)
    tags = models.JSONField(default=list)
    visitor_name = _text()
    name_key = _text(200)
    visitor_email = _text()
    email_key = _text(200)
    visitor_company = _text()
    agent_name = _text(200)
    last_message = models.TextField(blank=True, default="")
    message_count = models.IntegerField(null=True)
    updated_at = models.DateTimeField(null=True)
    active_at = models.DateTimeField(null=True)
    messages_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [_once("conversation_once")]
        indexes: ClassVar = [
            *_sort("conversation", "created_at", "active_at", "name_key", "source", "email_key"),
            models.Index(
                fields=["workspace", "state", "active_at", "id"], name="conversation_state"
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.visitor_name or self.visitor_email or self.upstream_id


class Message(models.Model):
    """
    One message. `origin` tells how we know it: the provider's history, its
    `last_message`, a delivery, or our own send (then `write` says how that went).

    `upstream_id` is the provider's, or one of ours (`#3`: the fourth of a history without
    ids; `write-7`: what write 7 sent). `position` orders messages that carry no time.
    """

    class Origin(models.TextChoices):
        HISTORY = "history"
        LAST_MESSAGE = "last_message"
        DELIVERY = "delivery"
        OURS = "ours"

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    upstream_id = models.CharField(max_length=255)
    origin = models.CharField(max_length=15, choices=Origin)
    author = models.CharField(max_length=10)
    author_name = _text(200)
    text = models.TextField(blank=True)
    private = models.BooleanField(default=False)
    sent_at = models.DateTimeField(null=True)
    position = models.IntegerField(default=0)
    raw = RawField(default=dict)
    write = models.OneToOneField("portal.Write", models.SET_NULL, null=True, related_name="message")
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "upstream_id"], name="message_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["conversation", "sent_at", "position"], name="message_thread")
        ]

    def __str__(self) -> str:
        return self.text[:40]


class SyncState(models.Model):
    """
    How far the copy of one kind of one connection has come.

    `cursor` is where an unfinished first pass goes on. `bookmark` is the provider's time
    up to which changes are known: never past the start of the walk that set it.
    `told_total` is the provider's own count; `rows` what the first pass has brought.
    A pass holds `lease_until`, so that two never run at once.
    """

    class Phase(models.TextChoices):
        BACKFILL = "backfill"
        FOLLOW = "follow"

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    connection = models.ForeignKey("portal.Connection", models.CASCADE, related_name="syncs")
    kind = models.CharField(max_length=20)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.BACKFILL)
    cursor = models.TextField(blank=True)
    walk_started_at = models.DateTimeField(null=True)
    bookmark = models.DateTimeField(null=True)
    rows = models.PositiveIntegerField(default=0)
    told_total = models.PositiveIntegerField(null=True)
    rejected = models.JSONField(default=list)
    synced_at = models.DateTimeField(null=True)
    walked_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    failed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "kind"], name="sync_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.connection_id}: {self.phase}"
