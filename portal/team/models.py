"""Users who sign in by e-mail, the workspaces they work in, and their roles there."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.errors import NotAllowed


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user who signs in with `email` (kept in lower case)."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who signs in. What they may do stands in their memberships."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    def __str__(self) -> str:
        return self.name or self.email


class Workspace(models.Model):
    """One team's desk: every other row hangs on it."""

    slug = models.SlugField(unique=True, max_length=50)
    name = models.CharField(_("name"), max_length=100)
    colour = models.CharField(_("colour"), max_length=10, default="blue")
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One user in one workspace, with a role."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        ADMIN = "admin", _("Admin")
        AGENT = "agent", _("Agent")
        VIEWER = "viewer", _("Viewer")

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "user"], name="one_membership_each")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.workspace_id} as {self.role}"

    def reaches(self, role: "Membership.Role") -> bool:
        """Whether this member's role is `role` or above it."""
        ladder = [Membership.Role.VIEWER, Membership.Role.AGENT, Membership.Role.ADMIN]
        ladder.append(Membership.Role.OWNER)
        return ladder.index(Membership.Role(self.role)) >= ladder.index(role)

    def require(self, role: "Membership.Role") -> None:
        """Raise `NotAllowed` unless this member's role reaches `role`."""
        if not self.reaches(role):
            raise NotAllowed(self.role, role.value)
