"""Who came in, went out or was kept out, in the log of every workspace that it concerns."""

from portal.audit import log
from portal.services.workspaces import workspaces_of
from portal.team.models import User


def signed_in(user: User) -> None:
    _note(user, "session.start", actor=user)


def signed_out(user: User) -> None:
    _note(user, "session.end", actor=user)


def password_changed(user: User) -> None:
    _note(user, "session.password", actor=user)


def kept_out(email: str) -> None:
    """A wrong password for somebody we know. Whom we do not know belongs to no workspace."""
    user = User.objects.filter(email=email.strip().lower()[:254]).first()
    if user is not None:
        _note(user, "session.failed", actor=None)


def _note(user: User, action: str, *, actor: User | None) -> None:
    """One workspace after the other: nobody holds two of them at once."""
    for member in workspaces_of(user):
        log.record(member.workspace, action, actor=actor, subject=user.email)
