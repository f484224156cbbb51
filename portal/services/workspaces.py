"""Workspaces and who belongs to them."""

from django.db import transaction

from portal.audit import log
from portal.errors import PortalError
from portal.live import store as live
from portal.team.models import Membership, User, Workspace
from portal.texts import gettext_noop


class SlugTaken(PortalError):
    """Another workspace has this address."""

    message = gettext_noop("A workspace with this address exists already.")
    http_status = 409


def create_workspace(slug: str, *, name: str, owner_email: str, password: str | None) -> Workspace:
    """
    A workspace and its owner. A known e-mail keeps its password; a new one gets `password`,
    or none (then the owner asks for a reset link). Raises `SlugTaken`.
    """
    if Workspace.objects.filter(slug=slug).exists():
        raise SlugTaken(slug)
    with transaction.atomic():
        workspace = Workspace.objects.create(slug=slug, name=name)
        owner = User.objects.filter(email=owner_email.strip().lower()).first()
        if owner is None:
            owner = User.objects.create_user(owner_email, password)
        Membership.objects.create(workspace=workspace, user=owner, role=Membership.Role.OWNER)
        log.record(workspace, "workspace.create", actor=owner, subject=name)
    return workspace


def workspaces_of(user: User) -> list[Membership]:
    """The user's memberships with their workspaces and their numbers (`number_of`), by name."""
    rows = Membership.objects.filter(user=user).select_related("workspace")
    rows = rows.annotate(live_number=live.version_of("portal_membership.workspace_id"))
    found: list[Membership] = list(rows.order_by("workspace__name", "workspace_id"))
    for member in found:
        member.user = user
    return found


def number_of(member: Membership) -> int:
    """How often the records of the workspace had changed when `workspaces_of` read it."""
    return getattr(member, "live_number", None) or 0


def by_slug(slug: str) -> Workspace | None:
    return Workspace.objects.filter(slug=slug).first()
