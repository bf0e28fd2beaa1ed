"""A link in Django's admin that leads to the web page, if the project's URLs include it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse

from teep.integrations.django.models import Jobs


@admin.register(Jobs)
class JobsAdmin(admin.ModelAdmin):  # type: ignore[misc]  # to mypy Django has no types
    """An entry of the index that is no list of rows, but the way to the page."""

    def has_module_permission(self, request: Any) -> bool:
        """Whether the entry is shown: to staff, if there is a page."""
        return bool(_page()) and request.user.is_active and request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseRedirect:  # noqa: ARG002
        """Redirect to the page, which checks the visitor itself."""
        return HttpResponseRedirect(_page() or reverse("admin:index"))


def _page() -> str:
    try:
        return str(reverse("teep:web", args=("",)))
    except NoReverseMatch:
        return ""
