"""Connections of a workspace to a provider. The key is sealed; nothing here opens it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Connection(models.Model):
    """
    One provider account of one workspace.

    `sealed_key` is bytes made by `vault.seal` and bound to this row. `key_mark` tells
    equal keys apart without telling the key: the budget is counted by it. `hook_mark` is
    the SHA-256 of the webhook address's token, so that a dump does not tell the address.
    `hook_seen_at` is when anything was last posted to that address, `hook_verified_at` when
    a delivery was last proved; `hook_account` is the provider's id of the workspace that the
    first proved one named: another one is not believed (reliability T13).
    """

    class Status(models.TextChoices):
        OK = "ok", _("connected")
        KEY_REJECTED = "key_rejected", _("replace the key")
        LOCKED = "locked", _("the key cannot be opened here")

    workspace = models.ForeignKey("portal.Workspace", models.CASCADE, related_name="connections")
    provider = models.CharField(max_length=30)
    label = models.CharField(_("label"), max_length=80, blank=True)
    sealed_key = models.BinaryField(default=b"", editable=False)
    key_tail = models.CharField(max_length=4)
    key_mark = models.CharField(max_length=64)
    sealed_webhook_secret = models.BinaryField(null=True, editable=False)
    sealed_old_webhook_secret = models.BinaryField(null=True, editable=False)
    hook_seen_at = models.DateTimeField(null=True)
    hook_verified_at = models.DateTimeField(null=True)
    hook_account = models.CharField(max_length=255, blank=True, editable=False)
    sealed_hook_token = models.BinaryField(null=True, editable=False)
    hook_mark = models.CharField(max_length=64, unique=True, editable=False)
    status = models.CharField(max_length=20, choices=Status, default=Status.OK)
    may_write = models.BooleanField(default=True)
    last_ok_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    last_error_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.label or self.provider
