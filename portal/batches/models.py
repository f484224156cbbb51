"""Batches and their rows: the set is frozen when the person confirms."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.fields import RawField


class Batch(models.Model):
    """
    Many writes of one kind that a person started together.

    Its rows are the frozen set: never a query that is asked again. `action` is one of
    `services.actions`; `options` hold what the kind of batch needs (an import's mapping).
    `attempt` and `lease_until` fence the worker that runs it, as a write's do. `undoes` is the
    batch that this one takes back. `reason` says why it stands still or ended early.
    """

    class Kind(models.TextChoices):
        BULK = "bulk", _("bulk change")
        IMPORT = "import", _("import")
        UNDO = "undo", _("undo")

    class Status(models.TextChoices):
        DRAFT = "draft", _("being prepared")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        CANCELLED = "cancelled", _("cancelled")
        DONE = "done", _("done")

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    connection = models.ForeignKey("portal.Connection", models.CASCADE, null=True, related_name="+")
    actor = models.ForeignKey("portal.User", models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    action = models.CharField(max_length=40)
    title = models.CharField(max_length=200, blank=True)
    form_id = models.CharField(max_length=64)
    options = RawField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    reason = models.CharField(max_length=200, blank=True)
    total = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    undoes = models.ForeignKey("self", models.SET_NULL, null=True, related_name="undone_by")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "form_id"], name="one_batch_per_form"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="batch_newest"),
            models.Index(fields=["status", "lease_until"], name="batch_due"),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.kind} {self.pk}"


class BatchRow(models.Model):
    """
    One record of a batch.

    `before` and `changes` use the provider's own field names, as a write's do; `action` may
    differ from the batch's (an import that updates some and creates others). `cells` are a
    file's own texts by column, `problems` what is wrong with them by field. `write` is the
    outbox's row once it was tried: how that stands is how this one stands.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        ON_ITS_WAY = "on_its_way", _("on its way")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")
        FAILED = "failed", _("not done")

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()
    action = models.CharField(max_length=40, blank=True)
    connection = models.ForeignKey("portal.Connection", models.CASCADE, null=True, related_name="+")
    upstream_id = models.CharField(max_length=255, blank=True)
    title = models.CharField(max_length=200, blank=True)
    before = RawField(default=dict)
    changes = RawField(default=dict)
    cells = RawField(default=dict)
    problems = RawField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    reason = models.CharField(max_length=500, blank=True)
    write = models.OneToOneField("portal.Write", models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "number"], name="one_row_per_number"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["batch", "status", "number"], name="batch_row_status"),
        ]


class Mapping(models.Model):
    """
    Which column of a file means which field, as a person said the last time.

    `columns_mark` is the SHA-256 of the file's column names: the same file again needs no
    second telling. `fields` maps column name to the provider's field name, "" for "leave out".
    """

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    columns_mark = models.CharField(max_length=64)
    fields = RawField(default=dict)
    used_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "columns_mark"], name="one_mapping_per_columns"
            ),
        ]
