"""The console at ``/admin/``: one site for everybody who has an account, each seeing what is theirs."""

from __future__ import annotations

import unicodedata
from http import HTTPStatus
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from unfold.sites import UnfoldAdminSite

from organizations.managers.users import fold_email
from organizations.models import User
from organizations.scoping import current_org_id
from orgbilling.console.navigation import navigation_of
from orgbilling.console.switching import places_of
from orgbilling.console.unread import unread_of
from orgbilling.web.attempt_pages import refused_page
from orgbilling.web.attempts import TooManyAttempts, attempt
from orgbilling.web.console import ForgivingAdmin
from orgbilling.web.metrics import LOGINS_REFUSED, PASSWORD
from orgbilling.web.refusals import CountersUnavailable


class LoginForm(AuthenticationForm):
    """Django's, which counts what it refuses."""

    def get_invalid_login_error(self) -> ValidationError:
        """Return what a wrong address or password is told."""
        LOGINS_REFUSED.labels(PASSWORD).inc()
        return super().get_invalid_login_error()


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]
    """Django's admin site, open to every active user; what is inside is decided page by page."""

    site_title = site_header = "Org billing"
    index_title = "Console"
    login_form = LoginForm

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
        """Our pages before the tables, without the theme's search and the way to pages outside, which no row has."""
        # The pages' modules need this one's site.
        from orgbilling.console.urls import pages  # noqa: PLC0415

        left_out = {"search", "view_on_site"}
        theirs = [url for url in super().get_urls() if getattr(url, "name", None) not in left_out]
        return [*pages(self), *theirs]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page shows around its content."""
        context: dict[str, Any] = super().each_context(request)
        if isinstance(request.user, User) and request.user.is_active:
            context["places"] = places_of(request)
            context["navigation"] = navigation_of(request)
            context["unread"] = unread_of(request)
        return context

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the form, or judge a password if another attempt may be made at all."""
        if request.method != "POST":
            return self._form(request, extra_context)
        # As the form reads it, so that no other spelling of an account has attempts of its own.
        typed = unicodedata.normalize("NFKC", request.POST.get("username", ""))
        try:
            trial = attempt(request, fold_email(typed))
        except (TooManyAttempts, CountersUnavailable) as refusal:
            return refused_page(request, refusal)
        answer = self._form(request, extra_context)
        if answer.status_code == HTTPStatus.FOUND:
            trial.succeeded()
            # A single sign-on that was begun in this session has made it a short one.
            request.session.set_expiry(None)
        return answer

    def _form(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponseBase:
        answer: HttpResponseBase = super().login(request, extra_context)
        return answer

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
