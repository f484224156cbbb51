"""The log of who tried what, and the chain that shows whether somebody changed it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.fields import RawField


class Entry(models.Model):
    """
    One attempt by one person, or by the portal itself (`actor` is None).

    `action` is "kind.verb" ("lead.update"); "lead.outside" is a change made elsewhere. `before`
    and `after` hold only what changed, under the provider's own field names, never a key.
    `batch` groups what was started together. A person or batch that is deleted leaves its id
    here: an entry stays as it was written.
    """

    class Outcome(models.TextChoices):
        PENDING = "pending", _("under way")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("not confirmed")
        WITHDRAWN = "withdrawn", _("taken back before it was sent")

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    actor = models.ForeignKey(
        "portal.User", models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=200, blank=True)
    subject_kind = models.CharField(max_length=20, blank=True)
    subject_id = models.BigIntegerField(null=True)
    before = RawField(default=dict)
    after = RawField(default=dict)
    batch = models.ForeignKey(
        "portal.Batch", models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.PENDING)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-at", "-id"], name="audit_newest"),
            models.Index(fields=["workspace", "-id"], name="audit_order"),
            models.Index(
                fields=["workspace", "subject_kind", "subject_id", "-id"], name="audit_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome}"


class Link(models.Model):
    """
    One step of a workspace's chain: what was written in the log, sealed to all before it.

    `first` to `last` are the ids of the entries it covers, one but for changes that were noted
    together. `told` is how an entry ended, for links of that sort: a later ending does not
    change what an earlier one said. `digest` covers all of it and `previous`.
    """

    class What(models.TextChoices):
        OPENED = "opened", _("opened")
        ENDED = "ended", _("ended")
        NOTED = "noted", _("noted")

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    number = models.BigIntegerField()
    what = models.CharField(max_length=6, choices=What)
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    told = RawField(default=None, null=True)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "number"], name="one_link_per_number"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "last", "number"], name="audit_link_of"),
        ]


class Chain(models.Model):
    """
    Where a workspace's chain ends: a cut end does not fit it. `anchor` is the last link that
    was forgotten with its old entries ("" and 0 before that).
    """

    workspace = models.OneToOneField("portal.Workspace", models.CASCADE, related_name="+")
    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    anchor_number = models.BigIntegerField(default=0)
    anchor_digest = models.CharField(max_length=64, blank=True)
