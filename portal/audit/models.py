"""The log of who tried what."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.fields import RawField


class Entry(models.Model):
    """
    One attempt by one person, or by the portal itself (`actor` is None).

    `action` is "kind.verb" ("lead.update"). `before` and `after` hold only what changed,
    under the provider's own field names, never a key. `batch` groups what was started together.
    """

    class Outcome(models.TextChoices):
        PENDING = "pending", _("under way")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("not confirmed")
        WITHDRAWN = "withdrawn", _("taken back before it was sent")

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    actor = models.ForeignKey("portal.User", models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=200, blank=True)
    subject_kind = models.CharField(max_length=20, blank=True)
    subject_id = models.BigIntegerField(null=True)
    before = RawField(default=dict)
    after = RawField(default=dict)
    batch = models.ForeignKey("portal.Batch", models.SET_NULL, null=True, related_name="+")
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.PENDING)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-at", "-id"], name="audit_newest"),
            models.Index(
                fields=["workspace", "subject_kind", "subject_id", "-id"], name="audit_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome}"
