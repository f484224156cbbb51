"""What was called with which key in the last minute."""

from django.db import models


class Window(models.Model):
    """
    The sliding window of one key, shared by all processes; its row is the lock.

    `calls` is a list of [seconds since the epoch, "people" | "background" | "elsewhere"],
    oldest first; the last are those of other programs, noted when we were told of them.
    `limit` is the number of calls in 60 s. No call starts before `closed_until`.
    """

    key_mark = models.CharField(max_length=64, unique=True)
    limit = models.PositiveIntegerField()
    calls = models.JSONField(default=list)
    closed_until = models.FloatField(default=0)


class Breaker(models.Model):
    """
    How often a key's provider failed in a row, and how many repeats are left (reliability 2).

    No call starts before `open_until` (seconds since the epoch); then one call tries, and the
    next pause is twice as long if it fails. `tokens` pay for repeats.
    """

    key_mark = models.CharField(max_length=64, unique=True)
    failures = models.PositiveIntegerField(default=0)
    pause_seconds = models.FloatField(default=0)
    open_until = models.FloatField(default=0)
    tokens = models.PositiveIntegerField(default=500)
