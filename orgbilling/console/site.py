"""The console at ``/admin/``: one site for everybody who has an account, each seeing what is theirs."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.template.response import TemplateResponse

from credits.models import Allocation
from organizations.models import Member, User


class ConsoleSite(AdminSite):
    """Django's admin site, open to every active user; its tables are shown to system admins alone."""

    site_title = site_header = "Org billing"
    index_title = "Console"
    site_url = "/api/docs"
    login_form = AuthenticationForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person may come in at all; what they see inside is decided page by page."""
        return request.user.is_active

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The first page: the person's organizations and what they may spend there."""
        places = places_of(cast("User", request.user))
        return super().index(request, {**(extra_context or {}), "places": places})


def places_of(user: User) -> list[dict[str, Any]]:
    """The person's memberships, each with the allocation there, None when there is none."""
    allocations = {row.org_id: row for row in Allocation.objects.filter(user=user, is_active=True)}
    members = Member.objects.filter(user=user).select_related("org").order_by("org__display_name")
    return [{"member": member, "allocation": allocations.get(member.org_id)} for member in members]
