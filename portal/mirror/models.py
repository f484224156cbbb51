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

    # Without an index of their own: others begin with them, and a planner that knows nothing yet
    # of a new workspace would take all its rows from there and sort them.
    workspace = models.ForeignKey(
        "portal.Workspace", models.CASCADE, related_name="+", db_index=False
    )
    connection = models.ForeignKey(
        "portal.Connection", models.CASCADE, related_name="+", db_index=False
    )
    upstream_id = models.CharField(max_length=255)
    raw = RawField(default=dict)
    search_text = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


def _index(name: str, *columns: str) -> models.Index:
    """An index over the live rows of a workspace in the order of these columns, then of ids."""
    return models.Index(
        fields=["workspace", *columns, "id"], name=name, condition=models.Q(gone_at=None)
    )


def _sort(prefix: str, *columns: str) -> list[models.Index]:
    """One index per sortable column, in the order lists read them."""
    return [_index(f"{prefix}_by_{column.removesuffix('_at')[:14]}", column) for column in columns]


def _filter(prefix: str, order: str, *columns: str) -> list[models.Index]:
    """One index per column that lists filter by, with its words' rows in the list's order."""
    return [
        _index(f"{prefix}_of_{column.removesuffix('_id')[:14]}", column, order)
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
            *_sort("lead", "stage", "source", "rep_name", "amount", "score"),
            *_filter("lead", "created_at", "stage", "source", "rep_id", "connection"),
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
            *_filter("contact", "created_at", "connection"),
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
            *_filter("conversation", "active_at", "state", "status", "source", "connection"),
        ]

    def __str__(self) -> str:
        return self.subject or self.visitor_name or self.visitor_email or self.upstream_id


class Message(models.Model):
    """
    One message. `origin` tells how we know it: the provider's history, its
    `last_message`, a delivery, or our own send (then `write` says how that went).

    `upstream_id` is the provider's, or one of ours (`#3`: the fourth of a history without
    ids; `write-7`: what write 7 sent; `delivery-9`: what delivery 9 told; `repeat-9`: the
    same, but it may be a repeat). `position` orders messages that carry no time.
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

    @property
    def possibly_repeated(self) -> bool:
        """Whether it was told by a body that cannot be told from a repeat."""
        return self.upstream_id.startswith("repeat-")


class SyncState(models.Model):
    """
    How far the copy of one kind of one connection has come.

    `cursor` is where an unfinished first pass goes on. `bookmark` is the provider's time
    up to which changes are known: never past the start of the walk that set it.
    `told_total` is the provider's own count; `rows` what the first pass has brought.
    A pass holds `lease_until`, so that two never run at once.

    A complete walk that looks for what is gone (a check) keeps its place in `check_cursor`
    and what it saw in `Seen`; `check_wanted` asks for one; `missing` is how many records a
    check found gone that an admin has to confirm first, because they are too many.
    `check_notes` is what the walk noticed (`services.reconcile.Notes`). `drift` is by how much
    their count differed from ours after the last check: no reason for another one. Where it
    goes on changing, `check_pause` grows: minutes from one check to the next.
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
    check_cursor = models.TextField(blank=True)
    check_started_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    check_wanted = models.BooleanField(default=False)
    missing = models.PositiveIntegerField(default=0)
    check_notes = models.JSONField(default=dict)
    check_pause = models.PositiveIntegerField(default=0)
    drift = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "kind"], name="sync_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.connection_id}: {self.phase}"


class Seen(models.Model):
    """What a check has seen so far: its size does not grow in memory, and a kill loses nothing."""

    state = models.ForeignKey(SyncState, models.CASCADE, related_name="+")
    upstream_id = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["state", "upstream_id"], name="seen_once")
        ]


class SetAside(models.Model):
    """A record that could not be read or kept, with the reason; the others of its page were."""

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    connection = models.ForeignKey("portal.Connection", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    upstream_id = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=300)
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "kind", "upstream_id"], name="set_aside_once"
            )
        ]


class SyncRun(models.Model):
    """One pass over one kind, as it went; kept for the sync page."""

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    connection = models.ForeignKey("portal.Connection", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    purpose = models.CharField(max_length=20)
    started_at = models.DateTimeField()
    seconds = models.FloatField(default=0)
    waited_seconds = models.FloatField(default=0)
    requests = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    set_aside = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="sync_run_newest")]


class Counter(models.Model):
    """
    How many live records a connection has that hold a word: of the facet "stage" a stage.

    The facet "" counts them all. `label` is what an id is called. `worth` is the sum of their
    amounts, in ten-thousandths (whole, of any size). Kept in the transaction that changes the
    rows, by `mirror/counters.py` alone.
    """

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    connection = models.ForeignKey("portal.Connection", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    facet = models.CharField(max_length=100, blank=True)
    word = models.CharField(max_length=255, blank=True, default="")
    label = models.CharField(max_length=200, blank=True, default="")
    number = models.BigIntegerField(default=0)
    worth = models.DecimalField(max_digits=40, decimal_places=0, default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "kind", "facet", "word"], name="counter_word_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "kind", "-number"], name="counter_most")
        ]
