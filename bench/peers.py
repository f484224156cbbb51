"""
What the portal is measured against, on the same rows and behind the same middleware.

The admin shows the same eight columns, 50 rows a page, in the same order, and is given the
same workspace and live rows, so that it may use the same indexes. Everything else is as Django
makes it: it counts, and reads all columns.
"""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Q

from portal.mirror import keyset
from portal.mirror.models import Lead

ICONTAINS = ("name", "email", "company")


class Site(AdminSite):
    def has_permission(self, request: Any) -> bool:
        return True


class LeadAdmin(ModelAdmin):
    list_display = (
        "name",
        "company",
        "stage",
        "source",
        "rep_name",
        "amount",
        "created_at",
        "updated_at",
    )
    list_per_page = 50
    ordering = ("-created_at", "-id")
    search_fields = ICONTAINS

    def get_queryset(self, request: Any) -> Any:
        slug = request.GET.get("workspace__slug", "bench-1")
        rows = super().get_queryset(request)
        return rows.filter(workspace__slug=slug, gone_at=None)

    def has_module_permission(self, request: Any) -> bool:
        return True

    def _yes(self, request: Any, obj: Any = None) -> bool:
        return True

    has_view_permission = has_change_permission = has_delete_permission = _yes
    has_add_permission = has_module_permission


class UncountedLeadAdmin(LeadAdmin):
    show_full_result_count = False


admin = Site("admin")
admin.register(Lead, LeadAdmin)
uncounted = Site("uncounted")
uncounted.register(Lead, UncountedLeadAdmin)


def icontains_page(state: Any, workspace: Any, counted: Any) -> Any:
    """The portal's own list, searching as one would without a search index."""
    from portal.web import lists

    words = Q()
    for column in ICONTAINS:
        words |= Q(**{f"{column}__icontains": state.q})
    rows = lists.narrowed(state, workspace).filter(words)
    rows = state.table.lines(rows, state.sort)
    return keyset.page(rows, state.sort, after=state.after, before=state.before, limit=state.per)
