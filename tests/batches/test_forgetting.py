"""Rows of ended batches hold people's data: they go in time, and what came of them stays."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.batches import forgetting, store
from portal.batches.models import Batch, BatchRow
from portal.jobs.batches import forget_old

NINETY = timedelta(days=90)


@pytest.fixture
def batch_of(workspace, owner):
    """`batch_of(days=91, status="done")`: one of two done rows and a failed one."""

    def make(
        days, status=Batch.Status.DONE, kind=Batch.Kind.IMPORT, rows=("done", "done", "failed")
    ):
        made = [
            BatchRow(title="Ada Byron", cells={"0": "ada@acme.example"}, status=one, reason="taken")
            for one in rows
        ]
        batch = store.create(
            workspace, kind=kind, action="lead.create", connection=None, actor=owner.user,
            form_id=f"{kind}-{status}-{days}-{len(rows)}", title="Import", rows=made,
        )  # fmt: skip
        then = timezone.now() - timedelta(days=days)
        ended = then if status in {Batch.Status.DONE, Batch.Status.CANCELLED} else None
        Batch.objects.filter(pk=batch.pk).update(status=status, finished_at=ended, created_at=then)
        batch.refresh_from_db()
        return batch

    return make


@pytest.mark.parametrize("status", ["done", "cancelled"])
def test_rows_of_what_ended_long_ago_go_and_their_numbers_stay(status, batch_of):
    old, young = batch_of(91, status), batch_of(89, status)

    assert forgetting.forget_rows(NINETY) == 1
    assert forgetting.forget_rows(NINETY) == 0

    old.refresh_from_db()
    assert not old.rows.exists()
    assert young.rows.count() == 3
    for counts in store.counts_of([old, young]).values():
        assert (counts.done, counts.failed, counts.total) == (2, 1, 3)


@pytest.mark.parametrize("status", ["draft", "running", "paused"])
def test_what_has_not_ended_keeps_its_rows(status, batch_of):
    batch = batch_of(400, status)
    assert forgetting.forget_rows(NINETY) == 0
    assert batch.rows.count() == 3


def test_what_is_not_settled_keeps_its_rows(batch_of):
    batch = batch_of(400, rows=("done", "on_its_way"))
    assert forgetting.forget_rows(NINETY) == 0
    assert batch.rows.count() == 2


def test_one_that_was_stopped_midway_goes_on_with_the_right_numbers(batch_of):
    batch = batch_of(91)
    forgetting.forget_rows(NINETY)
    BatchRow.objects.create(batch=batch, number=3, status="done", title="Left over")

    assert forgetting.forget_rows(NINETY) == 1

    batch.refresh_from_db()
    assert not batch.rows.exists()
    assert store.counts(batch).done == 2


def test_uploads_that_were_never_imported_go_after_a_week(batch_of):
    kept, gone = batch_of(6, "draft"), batch_of(8, "draft")
    bulk = batch_of(2, "draft", Batch.Kind.BULK)

    forget_old.call_local()

    assert set(Batch.objects.values_list("pk", flat=True)) == {kept.pk}
    assert not BatchRow.objects.filter(batch__in=[gone.pk, bulk.pk]).exists()


def test_the_page_of_such_a_batch_says_so(batch_of, owner, client_of):
    batch = batch_of(91)
    forgetting.forget_rows(NINETY)
    page = client_of(owner).get(reverse("batch-detail", args=["acme", batch.pk])).content.decode()
    assert 'id="rows-forgotten"' in page
    assert "ada@acme.example" not in page
    assert "Ada Byron" not in page
    assert "2 " in page
    listed = client_of(owner).get(reverse("batch-list", args=["acme"])).content.decode()
    assert "Import" in listed
