"""
The same list as react-admin makes it, built as its makers say (react_admin/): a peer of T11, T12.

It is no dependency: Node's packages go into a temporary folder. Its rows come from an address
that costs next to nothing, with the total from our counters.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csp import csp_override

from portal.mirror import counters, store
from portal.models import Workspace
from portal.records import Kind

SOURCE = Path(__file__).parent / "react_admin"
STATIC, PAGE = "react", "/react/"
FIELDS = ("id", "name", "company", "stage", "source", "rep_name", "amount", "created_at",
          "updated_at")  # fmt: skip


def built(folder: str) -> Path | None:
    """The built pages in this folder; None, said in words, where they cannot be made."""
    place = Path(folder) / "react-admin"
    shutil.copytree(SOURCE, place)
    steps = [
        ["npm", "install", "--no-audit", "--no-fund", "--silent"],
        ["npx", "vite", "build", f"--base=/static/{STATIC}/", "--logLevel=error"],
    ]
    for step in steps:
        try:
            subprocess.run(step, cwd=place, check=True, stdout=sys.stderr, timeout=900)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"T11, T12  react-admin could not be built ({error}): not measured against it")
            return None
    return place / "dist"


@login_required
@csp_override({})
def index(request: HttpRequest) -> HttpResponse:
    """Its page. It may run its scripts: the portal's policy is not its own."""
    from django.conf import settings

    return HttpResponse(Path(settings.BENCH_REACT, "index.html").read_text())


@login_required
def leads(request: HttpRequest) -> JsonResponse:
    """A page of the newest leads: {"data": [...], "total": n}."""
    workspace = Workspace.objects.get(slug="bench-1")
    page, per = int(request.GET["page"]), int(request.GET["per"])
    newest = store.leads(workspace).order_by("-created_at", "-id").values(*FIELDS)
    total = counters.totals(workspace, Kind.LEADS)
    return JsonResponse({"data": list(newest[(page - 1) * per : page * per]), "total": total})
