"""Whether the log of who did what is as it was written."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.audit.verify import Broken, verify
from portal.services.workspaces import by_slug
from portal.team.models import Workspace


class Command(BaseCommand):
    help = (
        "Walk the chain of each workspace's log. Prints the last digest: keep it elsewhere, and "
        "nobody can write the log anew unseen. Ends with 1 where a log is not as it was written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="only this workspace")
        parser.add_argument("--json", action="store_true", help="one JSON object a workspace")

    def handle(self, *args: Any, **options: Any) -> None:
        workspaces = _chosen(options["slug"])
        told = [_look_at(workspace) for workspace in workspaces]
        for one in told:
            self.stdout.write(json.dumps(one) if options["json"] else _in_words(one))
        if not all(one["whole"] for one in told):
            raise CommandError("A log was changed past the portal.", returncode=1)


def _chosen(slug: str | None) -> list[Workspace]:
    if slug is None:
        return list(Workspace.objects.order_by("slug"))
    workspace = by_slug(slug)
    if workspace is None:
        raise CommandError(f"There is no workspace {slug}.")
    return [workspace]


def _look_at(workspace: Workspace) -> dict[str, Any]:
    try:
        found = verify(workspace)
    except Broken as broken:
        wrong = {"entry": broken.entry, "link": broken.link, "problem": broken.message}
        return {"workspace": workspace.slug, "whole": False, **wrong}
    whole = {"entries": found.entries, "link": found.number, "digest": found.digest}
    return {"workspace": workspace.slug, "whole": True, **whole}


def _in_words(told: dict[str, Any]) -> str:
    if told["whole"]:
        digest = told["digest"] or "none yet"
        return (
            f"{told['workspace']}: {told['entries']} entries, chain whole. "
            f"Last digest {digest} (link {told['link']})"
        )
    where = f"entry {told['entry']}: " if told["entry"] else ""
    return f"{told['workspace']}: BROKEN at {where}{told['problem']}"
