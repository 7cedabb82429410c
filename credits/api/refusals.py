"""Who was refused what: the organization's refused charges, counted."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from credits.api import examples
from credits.api.rendering import render_refusal
from credits.api.serializers import RefusalSerializer
from credits.models import Refusal
from organizations.access import BILLING, Rule
from organizations.api.base import OrgView
from organizations.choices import Scope
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.responses import json_response


class RefusalsView(OrgView):
    """The refusals of an organization."""

    rules: ClassVar[dict[str, Rule]] = {"GET": Rule(BILLING, Scope.CREDITS_READ)}

    @operation(
        summary="List an organization's refusals",
        description="Charges and holds that were refused in the last 30 days, the last refused first. A row counts "
        "one person's refusals of one service for one reason on one day (UTC), and tells of the last. An "
        "organization with very many in a day has rows for all others together: `user_id` and `service_name` are "
        "null there.",
        responses={200: (page(RefusalSerializer), page_example(examples.REFUSAL))},
        paginated=True,
        tags=["credits"],
    )
    def get(self, request: Request, org_id: UUID) -> HttpResponse:
        """A page."""
        self.organization()
        rows = Refusal.objects.of(org_id)
        return json_response(paginate(request, rows, render_refusal, ordering=("-last_at", "-id")))
