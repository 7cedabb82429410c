"""What happened, what was sent, and what came back."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.http import Http404

from organizations.choices import DeliveryStatus, EndpointStatus
from organizations.event_types import REGISTRY
from organizations.models import WebhookAttempt, WebhookDelivery, WebhookEvent
from orgbilling.console.webhook_pages import wording
from orgbilling.console.webhook_pages.base import WebhookPage
from orgbilling.console.webhook_pages.forms import LogFilter, plain

#: How often the page of a delivery that waits looks again by itself.
LOOKS: Final = 20
#: Attempts on the page; a schedule has ten, and each replay begins another.
ATTEMPTS_SHOWN: Final = 100


class Delivery(WebhookPage):
    """One delivery: what is sent, and of each attempt what came back."""

    template_name = "console/webhooks/delivery.html"

    def page_title(self) -> str:
        """What it tells of."""
        return str(self.delivery().event.type)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the body and the attempts."""
        delivery = self.delivery()
        pending = delivery.status == DeliveryStatus.PENDING
        there = delivery.endpoint.status == EndpointStatus.ENABLED
        # Only what is due or under way is worth watching.
        watching = LOOKS if pending and wording.next_of(delivery, self.organization) == "now" else 0
        return super().get_context_data(
            delivery=delivery,
            badge=wording.delivery_badge(delivery),
            pending=pending,
            watching=watching,
            replay=_replay(delivery) if there else "",
            next=wording.next_of(delivery, self.organization),
            outcome=wording.answer_of(delivery),
            body=wording.pretty(delivery.event),
            attempts=[_attempt(row) for row in self._attempts()],
            nothing_yet="It waits for the worker, which sends it within seconds."
            if pending
            else "There was no attempt.",
            key=uuid.uuid4(),  # noqa: TID251 - makes a form sent twice one, no row's key
            crumbs=[
                self.crumb("Webhooks", "org_webhooks"),
                self.crumb(str(delivery.endpoint), "org_webhook", delivery.endpoint_id),
            ],
            **kwargs,
        )

    def _attempts(self) -> QuerySet[WebhookAttempt]:
        rows = self.delivery().attempt_rows.filter(org_id=self.org_id)
        return rows.order_by("-number")[:ATTEMPTS_SHOWN]


class Events(WebhookPage):
    """What happened, as far as endpoints wanted to be told; newest first."""

    title = "Events"
    template_name = "console/webhooks/events.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With one page of events, and what became of their deliveries."""
        rows = WebhookEvent.objects.filter(org_id=self.org_id).order_by("-created_at", "-id")
        log = self.log(LogFilter(self.request.GET), rows)
        events = list(log["page"])
        deliveries = self._deliveries([event.pk for event in events])
        return super().get_context_data(
            rows=[
                {
                    "event": event,
                    "summary": summary_of(event),
                    "deliveries": deliveries.get(event.pk, ""),
                }
                for event in events
            ],
            crumbs=[self.crumb("Webhooks", "org_webhooks")],
            **log,
            **kwargs,
        )

    def _deliveries(self, event_ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
        """``1 of 2 delivered``, for each event."""
        arrived = Count("pk", filter=Q(status=DeliveryStatus.DELIVERED))
        rows = (
            self.deliveries()
            .select_related(None)
            .order_by()
            .filter(event_id__in=event_ids)
            .values("event_id")
            .annotate(number=Count("pk"), arrived=arrived)
            .values_list("event_id", "number", "arrived")
        )
        return {event_id: f"{done} of {number} delivered" for event_id, number, done in rows}


class Event(WebhookPage):
    """One event: its body, and its deliveries."""

    template_name = "console/webhooks/event.html"

    def event(self) -> WebhookEvent:
        """The event of the address, looked up once.

        Raises:
            Http404: the organization has no such event.
        """
        if not hasattr(self, "_event"):
            rows = WebhookEvent.objects.filter(org_id=self.org_id)
            found = rows.filter(pk=self.kwargs["webhook_event_id"]).first()
            if found is None:
                raise Http404
            self._event = found
        return self._event

    def page_title(self) -> str:
        """Its type."""
        return self.event().type

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With its deliveries; an organization has few endpoints."""
        event = self.event()
        return super().get_context_data(
            event=event,
            summary=summary_of(event),
            body=wording.pretty(event),
            rows=self.rows_of(self.deliveries().filter(event_id=event.pk)),
            crumbs=[
                self.crumb("Webhooks", "org_webhooks"),
                self.crumb("Events", "org_webhook_events"),
            ],
            **kwargs,
        )


def summary_of(event: WebhookEvent) -> str:
    """What the type means; empty for one that this version doesn't know."""
    kind = REGISTRY.get(event.type)
    return plain(kind.summary) if kind is not None else ""


def _replay(delivery: WebhookDelivery) -> str:
    """What the button says that sends it again; empty while the first attempt is yet to come."""
    if delivery.status != DeliveryStatus.PENDING:
        return "Replay"
    return "Try now" if delivery.attempts else ""


def _attempt(row: WebhookAttempt) -> dict[str, Any]:
    return {
        "attempt": row,
        "took": wording.took(row.ended_at - row.started_at),
        "badge": wording.attempt_badge(row.status_code),
        "error": row.error,
        "excerpt": row.response,
    }
