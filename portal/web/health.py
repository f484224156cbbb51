"""Whether the process lives, and whether it can do its work. No secrets, no sign-in."""

from functools import lru_cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.vault import store as vault


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """200 without touching anything: the process answers."""
    return HttpResponse("ok", "text/plain; charset=utf-8")


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """
    200 if requests can be served, else 503, with what was looked at as JSON.

    A key ring that opens none of the stored keys is the wrong ring: not ready. One that
    opens some is ready and tells how many it does not.
    """
    checks: dict[str, str | int] = {"database": "unreachable"}
    good = False
    try:
        pending = pending_migrations()
        checks |= {"database": "ok", "pending_migrations": pending}
        if not pending:
            opened, locked = vault.opened_and_locked()
            checks |= {"keys_opened": opened, "keys_locked": locked}
            good = opened > 0 or locked == 0
    except DatabaseError:
        """Said above: the database could not be asked."""
    return JsonResponse({"ready": good, **checks}, status=200 if good else 503)


def pending_migrations() -> int:
    """How many of the code's migrations the database lacks. One query."""
    return len(_known_migrations() - set(MigrationRecorder(connection).applied_migrations()))


@lru_cache(maxsize=1)
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Every migration of the code, without those that a squashed one replaces."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.graph.nodes)
