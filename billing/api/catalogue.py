"""The plan catalogue and the billing history over HTTP."""

import uuid
from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from billing.api import examples
from billing.api.rendering import render_event, render_plan
from billing.api.serializers import (
    HistoryEventSerializer,
    HistoryQuerySerializer,
    PlanSerializer,
)
from billing.models import BillingEvent, Plan
from organizations.access import BILLING, Rule
from organizations.api.base import OrgView
from organizations.choices import Scope
from orgbilling.lib.replica import from_replica
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.responses import json_response
from orgbilling.web.views import ApiView

HISTORY_FILTERS = {
    "event_type": "event_type",
    "start": "created_at__gte",
    "end": "created_at__lt",
}


class PlansView(ApiView):
    """The plan catalogue, for everyone who is signed in."""

    @operation(
        summary="List the plans",
        description="Those that can be subscribed to, by code. A changed price is for new "
        "subscriptions: the others keep theirs.",
        responses={200: (page(PlanSerializer), page_example(examples.PLAN))},
        paginated=True,
        tags=["catalogue"],
    )
    def get(self, request: Request) -> HttpResponse:
        """List the plans."""
        return json_response(
            paginate(request, Plan.objects.offered(), render_plan, ordering=("code",))
        )


class HistoryView(OrgView):
    """What happened to an organization's money."""

    rules: ClassVar[dict[str, Rule]] = {"GET": Rule(BILLING, Scope.BILLING_READ)}

    @operation(
        summary="List an organization's billing history",
        description="Newest first. `start` is inside the time asked for, `end` outside.",
        query=HistoryQuerySerializer,
        responses={200: (page(HistoryEventSerializer), page_example(examples.EVENT))},
        paginated=True,
        errors=("not_found",),
        tags=["billing"],
    )
    def get(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """List the events."""
        self.organization()
        wanted = self.query(request, HistoryQuerySerializer)
        filters = {HISTORY_FILTERS[name]: value for name, value in wanted.items()}
        rows = BillingEvent.objects.with_payment_status().filter(org_id=org_id, **filters)
        return json_response(from_replica(paginate)(request, rows, render_event))
