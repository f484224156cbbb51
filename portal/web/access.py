"""Who asks, in which workspace. Foreign looks like missing: the same 404."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from portal.services.workspaces import number_of, workspaces_of
from portal.team.models import Membership, User


class MemberRequest(HttpRequest):
    """
    A request by a member of the workspace in the path. `member` has workspace and user;
    `memberships` are all of the user's, for the switcher. `live_number` is how often the
    workspace's records had changed before the view read any of them.
    """

    member: Membership
    memberships: list[Membership]
    live_number: int
    user: User


type View[**P] = Callable[Concatenate[MemberRequest, P], HttpResponse]


def member_required[**P](view: View[P]) -> Callable[..., HttpResponse]:
    """
    Let members of the workspace `slug` in, as `request.member`; send strangers to sign in.

    A workspace of others answers as one that does not exist.
    """

    @wraps(view)
    def guarded(request: Any, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        request.memberships = workspaces_of(request.user)
        mine = [m for m in request.memberships if m.workspace.slug == slug]
        if not mine:
            raise Http404
        request.member = mine[0]
        request.live_number = number_of(mine[0])
        return view(request, *args, **kwargs)

    return login_required(guarded)


def put_in_frame(request: Any) -> None:
    """
    Let an error page below a member's own workspace stand in its shell.

    Only the address tells the workspace here: no view was reached, or it did not end.
    """
    found = re.match(r"/w/([-a-zA-Z0-9_]+)/", request.path)
    user = getattr(request, "user", None)
    if hasattr(request, "member") or not found or user is None or not user.is_authenticated:
        return
    memberships = workspaces_of(user)
    for member in memberships:
        if member.workspace.slug == found[1]:
            request.memberships, request.member = memberships, member


def role_required(role: str) -> Callable[[View[...]], View[...]]:
    """
    Answer 403 below this role. The services check again: this only spares the work.

    Stands under `member_required`.
    """

    def decorate(view: View[...]) -> View[...]:
        @wraps(view)
        def guarded(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.member.require(Membership.Role(role))
            return view(request, *args, **kwargs)

        return guarded

    return decorate
