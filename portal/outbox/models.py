"""A write is a row before it is a request."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.fields import RawField

WITHDRAWN = "Withdrawn"
"""The reason of a write that a person took back: refused by ourselves, and handled."""
LISTED = ~Q(status="sent") & ~(Q(status="refused") & (Q(attempt__lte=1) | Q(reason=WITHDRAWN)))
"""
What waits or is not confirmed, and what was refused after it had waited: nobody was there to be
told, so it stays until handled. Every page counts these, so an index holds no others; both
databases use it only for a query that asks in these very words.
"""
LISTED_SQL = f"""
NOT (status = 'sent') AND NOT (status = 'refused' AND (attempt <= 1 OR reason = '{WITHDRAWN}'))
"""
"""The same words for a query that is written out."""


class Write(models.Model):
    """
    One change on its way to a provider (design 5).

    `form_id` is the browser's: the same form never makes two writes. `attempt` fences:
    only who claimed this attempt may settle it. `lease_until` is when a silent
    `in_flight` row is taken to be dead, and becomes `unknown`, never `queued`.
    `before` and `changes` use the provider's own field names. `said` is the
    provider's own sentence about a refusal.

    `not_before` is when a queued write may be sent, or an unknown one looked up. `tried_at` is
    when the first attempt left that may have arrived: what it made is no older. `tries` and
    `lookups` count requests of either sort; `evidence` is what the last look-up found, for the
    person who decides. `lane` says whose share of the budget it uses. `undoes` is the write
    that this one takes back.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("saved here, will be sent")
        IN_FLIGHT = "in_flight", _("sending")
        SENT = "sent", _("sent")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("not confirmed: checking")
        UNDECIDED = "undecided", _("not confirmed: you decide")

    class Lane(models.TextChoices):
        PEOPLE = "people", _("people")
        BACKGROUND = "background", _("background")

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    connection = models.ForeignKey("portal.Connection", models.CASCADE, related_name="+")
    actor = models.ForeignKey("portal.User", models.SET_NULL, null=True, related_name="+")
    entry = models.OneToOneField("portal.Entry", models.PROTECT, related_name="+")
    form_id = models.CharField(max_length=64)
    action = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    upstream_id = models.CharField(max_length=255, blank=True)
    before = RawField(default=dict)
    changes = RawField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.IN_FLIGHT)
    attempt = models.PositiveIntegerField(default=1)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    lookups = models.PositiveIntegerField(default=0)
    lane = models.CharField(max_length=10, choices=Lane, default=Lane.PEOPLE)
    undoes = models.ForeignKey("self", models.SET_NULL, null=True, related_name="undone_by")
    evidence = RawField(default=dict)
    said = models.CharField(max_length=2000, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "form_id"], name="one_write_per_form"),
            models.UniqueConstraint(
                fields=["connection", "kind", "upstream_id"],
                condition=Q(status="in_flight") & ~Q(upstream_id=""),
                name="one_write_in_flight_per_record",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "not_before"], name="outbox_due"),
            models.Index(fields=["connection", "kind", "upstream_id"], name="outbox_record"),
            models.Index(fields=["workspace", "status", "-id"], name="outbox_of_workspace"),
            models.Index(
                fields=["workspace", "connection"], condition=LISTED, name="outbox_listed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.status}"


class Held(models.Model):
    """
    A workspace whose outbox sends nothing until an admin releases it: a restored backup may
    hold writes that were sent since it was made (reliability C24).
    """

    workspace = models.OneToOneField("portal.Workspace", models.CASCADE, related_name="+")
    reason = models.CharField(max_length=200)
    since = models.DateTimeField(auto_now_add=True)
