"""Sign-in: allauth's adapter, the front door, and how the pages look to this browser."""

from typing import Any

from allauth.account import views as account
from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.services import sessions
from portal.services.workspaces import workspaces_of
from portal.team.models import User
from portal.web.frame import DENSITIES, THEMES

LOOKS = {"theme": THEMES, "density": DENSITIES}
LONGEST_PATH = 2_000
YEAR_SECONDS = 365 * 24 * 3600


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The workspace last worked in; who is nobody signs in first, who has none is told so."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    slugs = [member.workspace.slug for member in workspaces_of(request.user)]
    if not slugs:
        return render(request, "home/nowhere.html")
    last = request.COOKIES.get("workspace")
    return redirect("home", last if last in slugs else slugs[0])


@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Keep `theme` and `density` in this browser and go back to `next`, a path of this site."""
    response = HttpResponseRedirect(same_site_path(request, request.POST.get("next", "")))
    for name, allowed in LOOKS.items():
        value = request.POST.get(name, "")
        if value in allowed:
            response.set_cookie(
                name, value, YEAR_SECONDS, secure=request.is_secure(), httponly=True, samesite="Lax"
            )
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask on GET, end the session on POST. The browser forgets what it kept of this site."""
    response: HttpResponse = account.logout(request)
    if request.method == "POST" and request.is_secure():
        response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def same_site_path(request: HttpRequest, path: str) -> str:
    """`path` if it leads to a page of this site, else the front door."""
    safe = (
        len(path) <= LONGEST_PATH
        and path.startswith("/")
        and url_has_allowed_host_and_scheme(
            path, allowed_hosts=None, require_https=request.is_secure()
        )
    )
    return path if safe else "/"


class AccountAdapter(DefaultAccountAdapter):
    """People are invited or created by an admin: nobody signs up alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Where a sign-in may lead: to a path of this site, nowhere else."""
        return url is not None and url.startswith("/") and bool(super().is_safe_url(url))

    def format_email_subject(self, subject: str) -> str:
        """Without the host in front: the templates say who writes."""
        return subject

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **more)
        sessions.signed_in(user)
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        sessions.kept_out(str(credentials.get("email", "")).replace("\x00", ""))

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        super().logout(request)
        if isinstance(user, User):
            sessions.signed_out(user)

    def set_password(self, user: Any, password: str) -> None:
        super().set_password(user, password)
        sessions.password_changed(user)

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Users have no user name; the e-mail is how they sign in."""
