"""The console at ``/admin/``: one site for everybody who has an account, each seeing what is theirs."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from unfold.sites import UnfoldAdminSite

from organizations.models import User
from organizations.scoping import current_org_id
from orgbilling.console.navigation import navigation_of
from orgbilling.console.switching import places_of
from orgbilling.console.unread import unread_of
from orgbilling.web.console import ForgivingAdmin


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]
    """Django's admin site, open to every active user; what is inside is decided page by page."""

    site_title = site_header = "Org billing"
    index_title = "Console"
    login_form = AuthenticationForm

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register a page, a library's too, as one whose list survives any query string."""
        page = admin_class or ModelAdmin
        if not issubclass(page, ForgivingAdmin):
            page = type(page.__name__, (ForgivingAdmin, page), {})
        super().register(model_or_iterable, page, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person may come in at all; what they see inside is decided page by page."""
        return request.user.is_active

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Our pages before the tables; without the theme's search, which our pages don't have."""
        # The pages' modules need this one's site.
        from orgbilling.console.urls import pages  # noqa: PLC0415

        theirs = [url for url in super().get_urls() if getattr(url, "name", None) != "search"]
        return [*pages(self), *theirs]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page shows around its content."""
        context: dict[str, Any] = super().each_context(request)
        if isinstance(request.user, User) and request.user.is_active:
            context["places"] = places_of(request)
            context["navigation"] = navigation_of(request)
            context["unread"] = unread_of(request)
        return context

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Lead to the person's dashboard: of the organization they look at, or of the whole system."""
        org_id = current_org_id(request)
        if org_id is not None:
            return redirect("admin:org_dashboard", org_id=org_id)
        if request.user.is_superuser:
            return redirect("admin:system_dashboard")
        return redirect("admin:welcome")
