"""Who asks, in which workspace. Foreign looks like missing: the same 404."""

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
