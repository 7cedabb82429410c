"""Reading the outbox, and trying an endpoint."""

from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db import models, transaction

from organizations.errors import EndpointDisabled
from organizations.event_types import TEST
from orgbilling.lib.clock import database_now
from orgbilling.lib.ids import uuid7

if TYPE_CHECKING:
    from organizations.access import Principal
    from organizations.models.webhook_delivery import WebhookDelivery
    from organizations.models.webhook_endpoint import WebhookEndpoint
    from organizations.models.webhook_event import WebhookEvent

_MESSAGE: Final = "This is a test: nothing has happened."


class WebhookEventManager(models.Manager["WebhookEvent"]):
    """Events are written by `organizations.events.emit` and the ledger's functions; this sends tests."""

    def send_test(self, endpoint: "WebhookEndpoint", *, by: "Principal") -> "WebhookDelivery":
        """Let an enabled endpoint be told of `webhook.test`, whatever it asks for. Raises EndpointDisabled."""
        if not endpoint.is_enabled:
            raise EndpointDisabled
        deliveries: Any = apps.get_model("organizations", "WebhookDelivery").objects
        endpoints: Any = apps.get_model("organizations", "WebhookEndpoint").objects
        moment = database_now()
        with transaction.atomic():
            endpoints.end_rest(endpoint.org_id, endpoint.pk)
            event: WebhookEvent = self.create(
                id=uuid7(),
                org_id=endpoint.org_id,
                type=TEST,
                data={
                    "org_id": str(endpoint.org_id),
                    "endpoint_id": str(endpoint.pk),
                    "message": _MESSAGE,
                    "actor": by.actor,
                },
                created_at=moment,
            )
            delivery: WebhookDelivery = deliveries.create(
                org_id=endpoint.org_id,
                event=event,
                endpoint=endpoint,
                next_attempt_at=moment,
                created_at=moment,
            )
        return delivery
