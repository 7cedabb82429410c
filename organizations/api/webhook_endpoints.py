"""Where an organization is told of events, over HTTP.

What makes or sends something is added by the credits app, whose idempotency keys it honours.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from organizations.access import Rule
from organizations.api import webhook_examples as examples
from organizations.api.base import OrgView
from organizations.api.webhook_deliveries import MANAGE_WEBHOOKS, WebhookView
from organizations.api.webhook_rendering import render_endpoint
from organizations.api.webhook_shapes import (
    WebhookEndpointChangeSerializer,
    WebhookEndpointSerializer,
)
from organizations.choices import EndpointStatus
from organizations.models import WebhookEndpoint
from orgbilling.lib.transactions import run
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.responses import json_response, no_content


class WebhookEndpointsView(OrgView):
    """An organization's endpoints."""

    rules: ClassVar[dict[str, Rule]] = {"GET": MANAGE_WEBHOOKS, "POST": MANAGE_WEBHOOKS}

    @operation(
        summary="List an organization's webhook endpoints",
        description="Newest first, without their secrets and without deleted ones. `failing_since` says since when "
        "every attempt has failed.",
        responses={200: (page(WebhookEndpointSerializer), page_example(examples.ENDPOINT))},
        paginated=True,
        operation_id="organizations_webhook_endpoints_list",
        tags=["webhooks"],
    )
    def get(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """A page of endpoints."""
        self.organization()
        rows = WebhookEndpoint.objects.existing().filter(org_id=org_id)
        return json_response(paginate(request, rows, render_endpoint))


class WebhookEndpointView(WebhookView):
    """One endpoint."""

    rules: ClassVar[dict[str, Rule]] = {
        "GET": MANAGE_WEBHOOKS,
        "PATCH": MANAGE_WEBHOOKS,
        "DELETE": MANAGE_WEBHOOKS,
    }

    @operation(
        summary="Show a webhook endpoint",
        description="Without its secret. A deleted one is shown as long as its deliveries are kept.",
        responses={200: (WebhookEndpointSerializer, examples.ENDPOINT)},
        tags=["webhooks"],
    )
    def get(self, request: Request, org_id: uuid.UUID, endpoint_id: uuid.UUID) -> HttpResponse:
        """The endpoint."""
        return json_response(render_endpoint(self.endpoint()))

    @operation(
        summary="Change a webhook endpoint",
        description="What is left out stays. What waits goes to the new address. To disable it discards what waits; "
        "to enable it forgets its failures, and what was discarded can be replayed.",
        request=WebhookEndpointChangeSerializer,
        request_example={"events": ["*"], "status": "enabled"},
        responses={200: (WebhookEndpointSerializer, {**examples.ENDPOINT, "events": ["*"]})},
        tags=["webhooks"],
    )
    def patch(self, request: Request, org_id: uuid.UUID, endpoint_id: uuid.UUID) -> HttpResponse:
        """Change address, description, events or status."""
        self.existing_endpoint()
        wanted = self.validated(request, WebhookEndpointChangeSerializer)
        status = wanted.pop("status", None)
        endpoints, by = WebhookEndpoint.objects, self.principal
        if "url" in wanted:
            # Looked up before the transaction: a name server may take its time.
            endpoints.check_url(wanted["url"])

        def change() -> WebhookEndpoint:
            endpoint = endpoints.edit(org_id, endpoint_id, **wanted, looked=True, by=by)
            if status == EndpointStatus.ENABLED:
                endpoint = endpoints.enable(org_id, endpoint_id, by=by)
            if status == EndpointStatus.DISABLED:
                endpoint = endpoints.disable(org_id, endpoint_id, by=by)
            return endpoint

        return json_response(render_endpoint(run(change)))

    @operation(
        summary="Delete a webhook endpoint",
        description="Its secret is forgotten, and what waits is discarded. Its deliveries stay to be read until they "
        "are purged.",
        responses={204: None},
        tags=["webhooks"],
    )
    def delete(self, request: Request, org_id: uuid.UUID, endpoint_id: uuid.UUID) -> HttpResponse:
        """Delete the endpoint."""
        self.existing_endpoint()
        run(lambda: WebhookEndpoint.objects.remove(org_id, endpoint_id, by=self.principal))
        return no_content()
