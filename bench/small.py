"""A workspace of 10,000 leads beside the big one: what a list costs when there is little."""

from django.db import transaction

from portal.management.commands.bench_data import made_workspace, people
from portal.mirror import bulk
from portal.models import Workspace
from portal.records import Kind


def small_workspace() -> None:
    if Workspace.objects.filter(slug="bench-small").exists():
        return
    maker = people(seed=5)
    with transaction.atomic():
        workspace, source = made_workspace("bench-small")
        bulk.insert(source, Kind.LEADS, (maker.lead(n) for n in range(10_000)))
        bulk.count(workspace)
