"""How endpoints fare: what became of the deliveries of the last days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Q

from organizations.choices import DeliveryStatus
from organizations.models import WebhookDelivery
from orgbilling.lib.clock import now

DAYS: Final = 7
#: Of an endpoint that is sent more than this, the newest are counted: a page must not read a million rows.
COUNTED: Final = 10_000
_GIVEN_UP: Final = (DeliveryStatus.FAILED, DeliveryStatus.DISCARDED)


@dataclass(frozen=True, slots=True)
class Health:
    """Deliveries recorded in the last days, by what became of them; discarded ones count as failed."""

    delivered: int = 0
    pending: int = 0
    failed: int = 0


def health_of(org_id: UUID, endpoint_ids: Iterable[UUID]) -> dict[UUID, Health]:
    """The health of each endpoint; a query for each, of which an organization has at most 20."""
    return {one: _health(org_id, one) for one in endpoint_ids}


def _health(org_id: UUID, endpoint_id: UUID) -> Health:
    rows = WebhookDelivery.objects.filter(
        org_id=org_id, endpoint_id=endpoint_id, created_at__gte=now() - timedelta(days=DAYS)
    )
    newest = rows.order_by("-created_at", "-id")[:COUNTED]
    return Health(
        **newest.aggregate(
            delivered=Count("pk", filter=Q(status=DeliveryStatus.DELIVERED)),
            pending=Count("pk", filter=Q(status=DeliveryStatus.PENDING)),
            failed=Count("pk", filter=Q(status__in=_GIVEN_UP)),
        )
    )
