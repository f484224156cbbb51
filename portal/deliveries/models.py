"""A webhook delivery is stored as it came before anybody believes it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Delivery(models.Model):
    """
    One body that a provider posted to a connection's address.

    `once` is what makes a repeat the same: the SHA-256 of the body, or, where a body has
    neither id nor time and so cannot be told from a repeat, a value of its own; then
    `possibly_repeated` tells that an equal body was here before. `subject_kind` and
    `subject_id` name the record it speaks of, by the provider's id, "" if unknown.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("applied")
        IGNORED = "ignored", _("nothing to do")
        FAILED = "failed", _("failed")

    # The indexes below begin with both, so that each arrival writes as few as can be.
    workspace = models.ForeignKey(
        "portal.Workspace", models.CASCADE, related_name="+", db_index=False
    )
    connection = models.ForeignKey(
        "portal.Connection", models.CASCADE, related_name="deliveries", db_index=False
    )
    once = models.CharField(max_length=100)
    body = models.BinaryField()
    event = models.CharField(max_length=60, blank=True)
    subject_kind = models.CharField(max_length=20, blank=True)
    subject_id = models.CharField(max_length=255, blank=True)
    verified = models.BooleanField(default=False)
    possibly_repeated = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "once"], name="delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["connection", "id"], name="delivery_waiting", condition=Q(status="waiting")
            ),
            models.Index(fields=["workspace", "id"], name="delivery_newest"),
            models.Index(fields=["connection", "id"], name="delivery_connection"),
            models.Index(fields=["workspace", "status", "id"], name="delivery_status"),
            models.Index(fields=["workspace", "event", "id"], name="delivery_event"),
        ]

    def __str__(self) -> str:
        return f"{self.event or 'delivery'} {self.status}"
