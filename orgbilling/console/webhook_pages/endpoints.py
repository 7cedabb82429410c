"""An organization's endpoints, and one of them with what was sent to it."""

from __future__ import annotations

import uuid
from typing import Any

from organizations.choices import DisabledReason, EndpointStatus
from organizations.models import WebhookEndpoint
from orgbilling.console.webhook_pages import wording
from orgbilling.console.webhook_pages.base import WebhookPage
from orgbilling.console.webhook_pages.forms import DeliveryFilter
from orgbilling.console.webhook_pages.health import DAYS, health_of
from orgbilling.console.webhook_pages.secrets import taken


class Endpoints(WebhookPage):
    """The endpoints, newest first, with how each fares."""

    title = "Webhooks"
    template_name = "console/webhooks/endpoints.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With a row for each; there are at most as many as the limit."""
        endpoints = list(WebhookEndpoint.objects.existing().filter(org_id=self.org_id))
        health = health_of(self.org_id, [endpoint.pk for endpoint in endpoints])
        rows = [
            {
                "endpoint": endpoint,
                "badge": wording.endpoint_badge(endpoint),
                "events": wording.events_of(endpoint),
                "delivered_at": wording.moment(endpoint.last_success_at, self.organization),
                "delivered": health[endpoint.pk].delivered,
                "pending": health[endpoint.pk].pending,
                "failed": health[endpoint.pk].failed,
            }
            for endpoint in endpoints
        ]
        return super().get_context_data(rows=rows, days=DAYS, **kwargs)


class Endpoint(WebhookPage):
    """One endpoint: what it is told of, how it fares, and what was sent to it."""

    template_name = "console/webhooks/endpoint.html"

    def page_title(self) -> str:
        """What it is called."""
        return str(self.endpoint())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With one page of its deliveries."""
        endpoint = self.endpoint()
        health = health_of(self.org_id, [endpoint.pk])[endpoint.pk]
        log = self.log(
            DeliveryFilter(self.request.GET), self.deliveries().filter(endpoint_id=endpoint.pk)
        )
        return super().get_context_data(
            endpoint=endpoint,
            badge=wording.endpoint_badge(endpoint),
            enabled=endpoint.is_enabled,
            endpoint_is_there=endpoint.status != EndpointStatus.DELETED,
            trouble=trouble_of(endpoint),
            events=", ".join(endpoint.events).replace("*", "All", 1),
            secret=wording.secret_of(endpoint, self.organization),
            health=health,
            delivered_at=wording.moment(endpoint.last_success_at, self.organization),
            failing_since=wording.moment(endpoint.failing_since, self.organization),
            days=DAYS,
            rows=self.rows_of(log["page"]),
            key=uuid.uuid4(),  # noqa: TID251 - makes a form sent twice one, no row's key
            crumbs=[self.crumb("Webhooks", "org_webhooks")],
            **log,
            **kwargs,
        )


class Secret(WebhookPage):
    """A secret that was just made, this once."""

    title = "Signing secret"
    template_name = "console/webhooks/secret.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the secret, if the person has just made it and not seen it."""
        endpoint = self.living_endpoint()
        until = endpoint.previous_secret_until
        return super().get_context_data(
            endpoint=endpoint,
            secret=taken(self.request, endpoint.pk),
            until=wording.moment(until, self.organization) if until is not None else "",
            crumbs=[
                self.crumb("Webhooks", "org_webhooks"),
                self.crumb(str(endpoint), "org_webhook", endpoint.pk),
            ],
            **kwargs,
        )


def trouble_of(endpoint: WebhookEndpoint) -> dict[str, str] | None:
    """What somebody should know first; None when all is well."""
    if endpoint.status == EndpointStatus.DELETED:
        return {"tone": "warning", "text": "It was deleted. What was sent to it stays to be read."}
    if endpoint.status == EndpointStatus.DISABLED:
        reason = DisabledReason(endpoint.disabled_reason)
        tone = "warning" if reason == DisabledReason.BY_HAND else "error"
        return {"tone": tone, "text": wording.DISABLED[reason]}
    if endpoint.is_failing:
        text = (
            "The last attempt failed. What waits is tried again, at longer and longer intervals; "
            "after five days without a success the endpoint is disabled."
        )
        return {"tone": "warning", "text": text}
    return None
