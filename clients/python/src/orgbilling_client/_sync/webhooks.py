"""Webhook endpoints, and what they are told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from orgbilling_client._sync.sender import Sender
from orgbilling_client.calls import Id
from orgbilling_client.models.webhooks import (
    Replayed,
    SecretWebhookEndpoint,
    WebhookDelivery,
    WebhookDeliveryDetail,
    WebhookEndpoint,
    WebhookEvent,
)
from orgbilling_client.paging import PAGE_SIZE
from orgbilling_client.requests import webhooks
from orgbilling_client.requests.webhooks import DeliveryStatus, EndpointStatus


class Webhooks(Sender):
    """Where an organization is told of what happens."""

    def webhook_endpoints(
        self, *, org_id: Id | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[WebhookEndpoint]:
        """Go through an organization's webhook endpoints."""
        return self._pages(webhooks.endpoints(self._org(org_id), page_size))

    def webhook_endpoint(self, endpoint_id: Id, *, org_id: Id | None = None) -> WebhookEndpoint:
        """Look at a webhook endpoint."""
        return self._send(webhooks.endpoint(self._org(org_id), endpoint_id))

    def create_webhook_endpoint(
        self,
        url: str,
        *,
        events: Sequence[str] | None = None,
        description: str | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> SecretWebhookEndpoint:
        """Make a webhook endpoint; this answer is the only one that holds its secret.

        Args:
            url: an https address on the public internet.
            events: their names, or ``*`` for all but ``credits.refused``; all unless told otherwise.

        Raises:
            EndpointLimitExceeded: the organization has as many as it may have.
        """
        call = webhooks.create(
            self._org(org_id), url, description=description, events=events, key=idempotency_key
        )
        return self._send(call)

    def change_webhook_endpoint(
        self,
        endpoint_id: Id,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        status: EndpointStatus | None = None,
        org_id: Id | None = None,
    ) -> WebhookEndpoint:
        """Change a webhook endpoint, or switch it on or off; what isn't named stays as it is."""
        call = webhooks.change(
            self._org(org_id),
            endpoint_id,
            url=url,
            description=description,
            events=events,
            status=status,
        )
        return self._send(call)

    def delete_webhook_endpoint(self, endpoint_id: Id, *, org_id: Id | None = None) -> None:
        """End a webhook endpoint; what it was sent stays to be read."""
        self._send(webhooks.delete(self._org(org_id), endpoint_id))

    def rotate_webhook_secret(
        self,
        endpoint_id: Id,
        *,
        overlap_hours: int | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> SecretWebhookEndpoint:
        """Give a webhook endpoint a new secret; this answer is the only one that holds it.

        Args:
            overlap_hours: 0 to 168, in which the old one signs too; 24 unless told otherwise.
        """
        call = webhooks.rotate_secret(
            self._org(org_id), endpoint_id, overlap_hours=overlap_hours, key=idempotency_key
        )
        return self._send(call)

    def test_webhook_endpoint(
        self, endpoint_id: Id, *, org_id: Id | None = None, idempotency_key: str | None = None
    ) -> WebhookDelivery:
        """Send a webhook endpoint the event ``webhook.test``.

        Raises:
            EndpointDisabled: nothing is sent to it.
        """
        call = webhooks.test(self._org(org_id), endpoint_id, key=idempotency_key)
        return self._send(call)

    def replay_webhooks(
        self,
        endpoint_id: Id,
        since: datetime,
        *,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Replayed:
        """Send again what a webhook endpoint missed since a time with its time zone.

        Returns:
            How many are sent again, and whether there are more: then call it again.

        Raises:
            EndpointDisabled: nothing is sent to it.
        """
        call = webhooks.replay(self._org(org_id), endpoint_id, since=since, key=idempotency_key)
        return self._send(call)

    def webhook_deliveries(
        self,
        endpoint_id: Id,
        *,
        event_type: str | None = None,
        status: DeliveryStatus | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        org_id: Id | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[WebhookDelivery]:
        """Go through what a webhook endpoint was sent or is to be, newest first."""
        call = webhooks.deliveries(
            self._org(org_id),
            endpoint_id,
            event_type=event_type,
            status=status,
            start=start,
            end=end,
            page_size=page_size,
        )
        return self._pages(call)

    def webhook_delivery(
        self, endpoint_id: Id, delivery_id: Id, *, org_id: Id | None = None
    ) -> WebhookDeliveryDetail:
        """Look at a delivery: what is sent, and each attempt."""
        return self._send(webhooks.delivery(self._org(org_id), endpoint_id, delivery_id))

    def replay_webhook_delivery(
        self,
        endpoint_id: Id,
        delivery_id: Id,
        *,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> WebhookDelivery:
        """Send one event again, under the id that it had.

        Raises:
            EndpointDisabled: nothing is sent to it.
        """
        call = webhooks.replay_delivery(
            self._org(org_id), endpoint_id, delivery_id, key=idempotency_key
        )
        return self._send(call)

    def events(
        self,
        event_type: str | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        org_id: Id | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[WebhookEvent]:
        """Go through what webhook endpoints were told of, newest first."""
        call = webhooks.events(
            self._org(org_id), event_type=event_type, start=start, end=end, page_size=page_size
        )
        return self._pages(call)
