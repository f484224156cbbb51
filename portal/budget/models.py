"""What was called with which key in the last minute."""

from django.db import models


class Window(models.Model):
    """
    The sliding window of one key, shared by all processes; its row is the lock.

    `calls` is a list of [seconds since the epoch, "people" | "background"], oldest first.
    `limit` is the number of calls in 60 s. No call starts before `closed_until`.
    """

    key_mark = models.CharField(max_length=64, unique=True)
    limit = models.PositiveIntegerField()
    calls = models.JSONField(default=list)
    closed_until = models.FloatField(default=0)
