"""What was sent to an organization's endpoints, and what happened, over HTTP."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from organizations.access import MANAGERS, Rule
from organizations.api import webhook_examples as examples
from organizations.api.base import OrgView
from organizations.api.webhook_rendering import render_delivery, render_detail, render_event
from organizations.api.webhook_shapes import (
    DeliveriesQuerySerializer,
    EventsQuerySerializer,
    WebhookDeliveryDetailSerializer,
    WebhookDeliverySerializer,
    WebhookEventSerializer,
)
from organizations.choices import EndpointStatus, Scope
from organizations.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from orgbilling.lib.errors import NotFound
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.responses import json_response

#: Owners and admins, and keys that manage the organization.
MANAGE_WEBHOOKS = Rule(MANAGERS, Scope.ORGANIZATIONS_MANAGE)


class WebhookView(OrgView):
    """A view about an endpoint of the organization."""

    def endpoint(self) -> WebhookEndpoint:
        """Return the path's endpoint, a deleted one too. Raises NotFound; to be called once authorized."""
        self.organization()
        path = {"org_id": self.kwargs["org_id"], "id": self.kwargs["endpoint_id"]}
        endpoint: WebhookEndpoint | None = WebhookEndpoint.objects.filter(**path).first()
        if endpoint is None:
            raise NotFound("The organization has no webhook endpoint with this id.")
        return endpoint

    def existing_endpoint(self) -> WebhookEndpoint:
        """Return the path's endpoint. Raises NotFound, for a deleted one too."""
        endpoint = self.endpoint()
        if endpoint.status == EndpointStatus.DELETED:
            raise NotFound("This webhook endpoint was deleted; its deliveries can still be read.")
        return endpoint

    def delivery(self) -> WebhookDelivery:
        """Return the path's delivery with its event. Raises NotFound; to be called once authorized."""
        endpoint = self.endpoint()
        rows = WebhookDelivery.objects.filter(
            org_id=endpoint.org_id,
            event__org_id=endpoint.org_id,
            endpoint_id=endpoint.pk,
            id=self.kwargs["delivery_id"],
        )
        delivery: WebhookDelivery | None = rows.select_related("event").first()
        if delivery is None:
            raise NotFound("The endpoint has no delivery with this id.")
        return delivery


class WebhookDeliveriesView(WebhookView):
    """What was sent to one endpoint."""

    rules: ClassVar[dict[str, Rule]] = {"GET": MANAGE_WEBHOOKS}

    @operation(
        summary="List an endpoint's deliveries",
        description="Newest first. Those of a deleted endpoint stay to be read until they are purged.",
        responses={200: (page(WebhookDeliverySerializer), page_example(examples.DELIVERY))},
        query=DeliveriesQuerySerializer,
        paginated=True,
        operation_id="organizations_webhook_endpoints_deliveries_list",
        tags=["webhooks"],
    )
    def get(self, request: Request, org_id: uuid.UUID, endpoint_id: uuid.UUID) -> HttpResponse:
        """A page of deliveries."""
        endpoint = self.endpoint()
        asked = self.query(request, DeliveriesQuerySerializer)
        rows = WebhookDelivery.objects.filter(
            org_id=org_id,
            event__org_id=org_id,
            endpoint_id=endpoint.pk,
            **_lookups(asked, {"status": "status", "event_type": "event__type"}),
        ).select_related("event")
        return json_response(paginate(request, rows, render_delivery))


class WebhookDeliveryView(WebhookView):
    """One delivery."""

    rules: ClassVar[dict[str, Rule]] = {"GET": MANAGE_WEBHOOKS}

    @operation(
        summary="Show a delivery",
        description="With the body that is sent, and of each attempt what came back.",
        responses={200: (WebhookDeliveryDetailSerializer, examples.DETAIL)},
        tags=["webhooks"],
    )
    def get(
        self, request: Request, org_id: uuid.UUID, endpoint_id: uuid.UUID, delivery_id: uuid.UUID
    ) -> HttpResponse:
        """The delivery with its attempts."""
        delivery = self.delivery()
        attempts = list(delivery.attempt_rows.filter(org_id=org_id).order_by("number"))
        return json_response(render_detail(delivery, attempts))


class WebhookEventsView(OrgView):
    """What happened, as far as endpoints wanted to be told."""

    rules: ClassVar[dict[str, Rule]] = {"GET": MANAGE_WEBHOOKS}

    @operation(
        summary="List an organization's events",
        description="Newest first. An event is written when an enabled endpoint wants it, and kept as long as its "
        "deliveries are.",
        responses={200: (page(WebhookEventSerializer), page_example(examples.EVENT))},
        query=EventsQuerySerializer,
        paginated=True,
        operation_id="organizations_events_list",
        tags=["webhooks"],
    )
    def get(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """A page of events."""
        self.organization()
        asked = self.query(request, EventsQuerySerializer)
        rows = WebhookEvent.objects.filter(org_id=org_id, **_lookups(asked, {"type": "type"}))
        return json_response(paginate(request, rows, render_event))


def _lookups(asked: dict[str, Any], equal: dict[str, str]) -> dict[str, Any]:
    """The query string's filters; `equal`: parameters that a column has to equal."""
    columns = {**equal, "start": "created_at__gte", "end": "created_at__lt"}
    return {columns[name]: value for name, value in asked.items()}
