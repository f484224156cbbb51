"""
What is forgotten of batches: drafts that nobody confirmed, uploaded files, and the rows of those
that ended long ago, which hold people's names and values. How many rows ended how is kept.
"""

from datetime import timedelta
from itertools import batched

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.batches import store
from portal.batches.models import Batch, BatchRow

DRAFTS_KEPT, UPLOADS_KEPT = timedelta(days=1), timedelta(days=7)
# Rows of one transaction: nobody else waits long for the database.
_AT_ONCE = 500


def forget_drafts() -> int:
    """Forget drafts that nobody confirmed, imports later than others; return how many."""
    now = timezone.now()
    drafts = Batch.objects.filter(status=Batch.Status.DRAFT)
    uploads = drafts.filter(kind=Batch.Kind.IMPORT, created_at__lt=now - UPLOADS_KEPT)
    others = drafts.filter(created_at__lt=now - DRAFTS_KEPT).exclude(kind=Batch.Kind.IMPORT)
    return sum(store.discard(draft) for draft in [*uploads, *others])


def forget_rows(kept: timedelta) -> int:
    """
    Forget the rows of batches that ended longer ago; return how many batches lost theirs.

    Who is killed on the way leaves the counts and some rows; the next night takes those.
    """
    rows = BatchRow.objects.filter(batch=OuterRef("pk"))
    open_ones = rows.filter(status=BatchRow.Status.ON_ITS_WAY)
    ended = Batch.objects.filter(
        Exists(rows),
        ~Exists(open_ones),
        status__in=[Batch.Status.DONE, Batch.Status.CANCELLED],
        finished_at__lt=timezone.now() - kept,
    )
    found = list(ended.order_by("pk"))
    for batch in found:
        _forget(batch)
    return len(found)


def _forget(batch: Batch) -> None:
    with transaction.atomic():
        batch = Batch.objects.select_for_update().get(pk=batch.pk)
        if not store.is_forgotten(batch):
            grouped = store.counts(batch).by_status()
            batch.options = {**batch.options, store.COUNTS: grouped}
            batch.save(update_fields=["options"])
    ids = list(BatchRow.objects.filter(batch=batch).values_list("pk", flat=True))
    for some in batched(ids, _AT_ONCE):
        BatchRow.objects.filter(pk__in=some).delete()
