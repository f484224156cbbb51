"""What changed in a workspace, in the order it was committed."""

from typing import ClassVar

from django.db import models


class Version(models.Model):
    """
    How often a workspace's records changed. Its row is locked by whoever changes them, so
    that numbers are committed in order: a reader who has seen number N has seen all before.
    """

    workspace = models.OneToOneField("portal.Workspace", models.CASCADE, related_name="+")
    number = models.BigIntegerField(default=0)


class Change(models.Model):
    """One record that a page could show changed. `number` is the workspace's version then."""

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    number = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    record_id = models.BigIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "number"], name="live_number"),
            models.Index(fields=["at"], name="live_at"),
        ]
