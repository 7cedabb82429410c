"""The usage browser's rows as a file, written while they are read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect

from credits.api.csv_export import csv_lines
from credits.models import Usage
from organizations.models import Organization
from organizations.scoping import current_org_id
from orgbilling.console.pages import Page
from orgbilling.lib.clock import now


class UsageFile(Page):
    """All rows that the list has with the same filters: of a member their own."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The file.

        Raises:
            PermissionDenied: the person may see no usage at all.
        """
        usage = admin.site.get_model_admin(Usage)
        if not usage.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = usage.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect("admin:credits_usage_changelist")
        org_id = current_org_id(request)
        organization = Organization.objects.filter(pk=org_id).first() if org_id else None
        of = organization.name if organization is not None else "all"
        return StreamingHttpResponse(
            csv_lines(rows),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="usage-{of}-{now():%Y-%m-%d}.csv"'
            },
        )
