"""Paths of the organizations app, under the API's base path.

`organizations` and a single member are routed by the credits app, whose views open an
organization with its pool and take a leaving member's credits back; so is what makes or sends
something about webhooks, once for an idempotency key.
"""

from django.urls import path

from organizations.api.views import ApiKeysView, ApiKeyView, MembersView
from organizations.api.webhook_deliveries import (
    WebhookDeliveriesView,
    WebhookDeliveryView,
    WebhookEventsView,
)
from organizations.api.webhook_endpoints import WebhookEndpointView

ORG = "organizations/<str:org_id>"
ENDPOINT = f"{ORG}/webhook-endpoints/<str:endpoint_id>"

urlpatterns = [
    path(f"{ORG}/members", MembersView.as_view(), name="members"),
    path(f"{ORG}/api-keys", ApiKeysView.as_view(), name="api-keys"),
    path(f"{ORG}/api-keys/<str:key_id>", ApiKeyView.as_view(), name="api-key"),
    path(ENDPOINT, WebhookEndpointView.as_view()),
    path(f"{ENDPOINT}/deliveries", WebhookDeliveriesView.as_view()),
    path(f"{ENDPOINT}/deliveries/<str:delivery_id>", WebhookDeliveryView.as_view()),
    path(f"{ORG}/events", WebhookEventsView.as_view()),
]
