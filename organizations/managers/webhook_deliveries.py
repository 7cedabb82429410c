"""Deliveries: which are due, who has taken them, what came of them, and sending them again."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Exists, F, OuterRef

from organizations.choices import AuditAction, DeliveryStatus, EndpointStatus
from organizations.errors import EndpointDisabled
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import NotFound

if TYPE_CHECKING:
    from organizations.access import Principal
    from organizations.models.webhook_delivery import WebhookDelivery
    from organizations.models.webhook_endpoint import WebhookEndpoint

#: How long a worker has for one attempt before another may take it: 15 seconds for the request, and a margin.
CLAIM: Final = timedelta(seconds=60)
#: Deliveries that one replay of everything since a moment sends again at most.
REPLAY_MAX: Final = 10_000
#: Deliveries that are discarded in one transaction, so that nobody waits long for their endpoint.
DISCARDED_AT_ONCE: Final = 5_000
#: Such transactions that one look for what is stranded makes at most: deliveries wait for it.
DISCARDING_BATCHES: Final = 20
#: What of an endpoint can be sent again.
REPLAYABLE: Final = (DeliveryStatus.FAILED, DeliveryStatus.DISCARDED)

_DUE: Final = """
    WITH due AS (
        SELECT d.org_id, d.id, e.id AS endpoint_id, e.consecutive_failures > 0 AS is_failing, d.next_attempt_at,
            row_number() OVER (
                PARTITION BY e.org_id, e.consecutive_failures > 0 ORDER BY d.next_attempt_at
            ) AS turn
        FROM webhook_endpoints AS e
        CROSS JOIN LATERAL (
            SELECT w.org_id, w.id, w.next_attempt_at FROM webhook_deliveries AS w
            WHERE w.org_id = e.org_id AND w.endpoint_id = e.id AND w.status = 'pending'
                AND w.next_attempt_at <= %(moment)s
                AND (w.claimed_until IS NULL OR w.claimed_until <= %(moment)s)
            ORDER BY w.next_attempt_at
            LIMIT %(each)s
        ) AS d
        WHERE e.status = 'enabled' AND (e.resting_until IS NULL OR e.resting_until <= %(moment)s)
    ), placed AS (
        -- Of each organization the first, of each the second and so on: however much waits for some, the others are
        -- among those found. Those that work and those that fail are counted apart: neither hides the other.
        SELECT due.*, row_number() OVER (PARTITION BY is_failing ORDER BY turn, next_attempt_at) AS place FROM due
    )
    SELECT org_id, id, endpoint_id, is_failing FROM placed
    WHERE place <= %(limit)s
    ORDER BY is_failing, place
"""
# A row that somebody has locked is being taken or written: not waited for. A claim that has ended was a worker's that
# was killed: what it may have sent is no step of the schedule.
_CLAIM: Final = """
    UPDATE webhook_deliveries AS d
    SET attempts = d.attempts + 1,
        step = d.step + CASE WHEN d.claimed_until IS NULL THEN 1 ELSE 0 END,
        claimed_until = %(until)s,
        last_attempt_at = %(moment)s
    WHERE d.org_id = %(org_id)s AND d.id = (
        SELECT w.id FROM webhook_deliveries AS w
        WHERE w.org_id = %(org_id)s AND w.id = %(id)s AND w.status = 'pending'
            AND w.next_attempt_at <= %(moment)s
            AND (w.claimed_until IS NULL OR w.claimed_until <= %(moment)s)
        FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING d.attempts
"""
# Django's own deletion looks for what refers to a row by its id alone, for which there is no index and no shard.
_FORGET_ATTEMPTS: Final = (
    "DELETE FROM webhook_attempts WHERE org_id = %(org_id)s AND delivery_id = ANY(%(ids)s)"
)
_FORGET_DELIVERIES: Final = (
    "DELETE FROM webhook_deliveries WHERE org_id = %(org_id)s AND id = ANY(%(ids)s)"
)
_FORGET_EVENTS: Final = """
    DELETE FROM webhook_events AS e WHERE e.org_id = %(org_id)s AND e.id = ANY(%(ids)s) AND NOT EXISTS (
        SELECT FROM webhook_deliveries AS d WHERE d.org_id = %(org_id)s AND d.event_id = e.id
    )
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that can be taken. `is_failing`: its endpoint's last attempt failed."""

    org_id: uuid.UUID
    delivery_id: uuid.UUID
    endpoint_id: uuid.UUID
    is_failing: bool


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Deliveries as callers see them."""

    def replayable(self) -> "WebhookDeliveryQuerySet":
        """Those that were given up."""
        return self.filter(status__in=REPLAYABLE)

    def due(self, moment: datetime) -> "WebhookDeliveryQuerySet":
        """Those to be tried by now, whoever has taken them."""
        return self.filter(status=DeliveryStatus.PENDING, next_attempt_at__lte=moment)


class WebhookDeliveryManager(models.Manager.from_queryset(WebhookDeliveryQuerySet)):  # type: ignore[misc]
    """The only door to deliveries."""

    def find(self, org_id: uuid.UUID, delivery_id: uuid.UUID) -> "WebhookDelivery":
        """A delivery with its event and endpoint. Raises NotFound."""
        # The organization in each join, too: distributed tables are joined by it.
        same = {"event__org_id": F("org_id"), "endpoint__org_id": F("org_id")}
        rows = self.select_related("event", "endpoint").filter(org_id=org_id, pk=delivery_id)
        found: WebhookDelivery | None = rows.filter(**same).first()
        if found is None:
            raise NotFound("There is no webhook delivery with this id.")
        return found

    def replay(
        self, org_id: uuid.UUID, delivery_id: uuid.UUID, *, by: "Principal | None"
    ) -> "WebhookDelivery":
        """Send a delivery again, with the same event id and a new schedule, whatever became of it before.

        One that is pending is tried at once. Raises NotFound, EndpointDisabled.
        """
        with transaction.atomic():
            delivery = self.find(org_id, delivery_id)
            self._lock_enabled(org_id, delivery.endpoint_id)
            endpoints: Any = apps.get_model("organizations", "WebhookEndpoint").objects
            endpoints.end_rest(org_id, delivery.endpoint_id)
            self._begin_again(self.filter(org_id=org_id, pk=delivery_id), database_now())
            self._tell(org_id, delivery.endpoint, by=by, after={"delivery_id": delivery_id})
        return self.find(org_id, delivery_id)

    def replay_since(
        self,
        org_id: uuid.UUID,
        endpoint_id: uuid.UUID,
        since: datetime,
        *,
        by: "Principal | None",
    ) -> int:
        """Send again what was given up of an endpoint's events since a moment, the oldest first.

        At most 10,000 at a time; returns how many. Raises NotFound, EndpointDisabled.
        """
        with transaction.atomic():
            endpoint = self._lock_enabled(org_id, endpoint_id)
            given_up = self.replayable().filter(
                org_id=org_id, endpoint_id=endpoint_id, created_at__gte=since
            )
            chosen = given_up.order_by("created_at", "id").values("pk")[:REPLAY_MAX]
            count = self._begin_again(
                self.filter(org_id=org_id, pk__in=list(chosen.values_list("pk", flat=True))),
                database_now(),
            )
            self._tell(org_id, endpoint, by=by, after={"since": since, "count": count})
        return count

    def anything_due(self, moment: datetime) -> bool:
        """Whether any delivery waits to be tried: one look at an index."""
        return bool(self.due(moment).exists())

    def to_try(self, moment: datetime, *, each: int, limit: int) -> list[Due]:
        """What can be taken now, of enabled endpoints that don't rest; those that work first, then those that fail.

        Args:
            each: at most so many of one endpoint, so that none fills the list.
            limit: at most so many of those that work, and of those that fail.
        """
        with connection.cursor() as cursor:
            cursor.execute(_DUE, {"moment": moment, "each": each, "limit": limit})
            return [Due(*row) for row in cursor.fetchall()]

    def claim(
        self, org_id: uuid.UUID, delivery_id: uuid.UUID, moment: datetime
    ) -> "WebhookDelivery | None":
        """Take a due delivery for one attempt; None when somebody else has, or it isn't due any more.

        The attempt is counted before it is made. Who is killed in the middle of it leaves a claim that ends.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                _CLAIM,
                {"org_id": org_id, "id": delivery_id, "moment": moment, "until": moment + CLAIM},
            )
            taken = cursor.fetchone()
        return self.find(org_id, delivery_id) if taken is not None else None

    def discard(self, endpoint: "WebhookEndpoint") -> int:
        """Give up what waits for an endpoint that the caller has locked, the first 5,000; returns how many."""
        waiting = self.filter(
            org_id=endpoint.org_id, endpoint_id=endpoint.pk, status=DeliveryStatus.PENDING
        )
        chosen = waiting.order_by("next_attempt_at").values("pk")[:DISCARDED_AT_ONCE]
        discarded: int = waiting.filter(pk__in=chosen).update(
            status=DeliveryStatus.DISCARDED, next_attempt_at=None, claimed_until=None
        )
        return discarded

    def discard_stranded(self, *, batches: int = DISCARDING_BATCHES) -> int:
        """Give up what waits for endpoints that aren't enabled, at most so many batches of it; returns how many.

        It was too much to be discarded at once, or its event was told while the endpoint was disabled.
        """
        endpoints: Any = apps.get_model("organizations", "WebhookEndpoint").objects
        waiting = self.filter(
            org_id=OuterRef("org_id"), endpoint_id=OuterRef("pk"), status=DeliveryStatus.PENDING
        )
        stranded = endpoints.exclude(status=EndpointStatus.ENABLED).filter(Exists(waiting))
        discarded = 0
        for row in stranded:
            count = DISCARDED_AT_ONCE
            while count >= DISCARDED_AT_ONCE and batches > 0:
                count = self._discard_of(endpoints, row)
                discarded, batches = discarded + count, batches - 1
        return discarded

    def _discard_of(self, endpoints: Any, row: "WebhookEndpoint") -> int:
        with transaction.atomic():
            rows = endpoints.select_for_update(no_key=True)
            endpoint = rows.filter(org_id=row.org_id, pk=row.pk).get()
            return 0 if endpoint.is_enabled else self.discard(endpoint)

    def purge(self, before: datetime, *, batch: int) -> int:
        """Forget a batch of what was delivered before a moment, with attempts and events; returns how many."""
        old = self.filter(status=DeliveryStatus.DELIVERED, delivered_at__lt=before)
        rows = list(old.order_by("delivered_at").values_list("org_id", "pk", "event_id")[:batch])
        by_org: dict[uuid.UUID, list[tuple[uuid.UUID, uuid.UUID]]] = {}
        for org_id, delivery_id, event_id in rows:
            by_org.setdefault(org_id, []).append((delivery_id, event_id))
        for org_id, pairs in by_org.items():
            ids, event_ids = zip(*pairs, strict=True)
            with transaction.atomic():
                # One that is sent again at this moment stays, with its event.
                mine = self.filter(org_id=org_id, pk__in=ids, status=DeliveryStatus.DELIVERED)
                locked = [row.pk for row in mine.select_for_update(no_key=True, of=("self",))]
                self._forget(org_id, locked, list(event_ids))
        return len(rows)

    @staticmethod
    def _forget(
        org_id: uuid.UUID, delivery_ids: list[uuid.UUID], event_ids: list[uuid.UUID]
    ) -> None:
        with connection.cursor() as cursor:
            for statement, ids in (
                (_FORGET_ATTEMPTS, delivery_ids),
                (_FORGET_DELIVERIES, delivery_ids),
                (_FORGET_EVENTS, event_ids),
            ):
                cursor.execute(statement, {"org_id": org_id, "ids": ids})

    def write(self, delivery: "WebhookDelivery", **values: Any) -> bool:
        """Write what came of the attempt that was claimed.

        False when it was discarded, sent again or taken again meanwhile: each of them ends or changes the claim.
        """
        rows = self.filter(
            org_id=delivery.org_id,
            pk=delivery.pk,
            status=DeliveryStatus.PENDING,
            attempts=delivery.attempts,
            claimed_until=delivery.claimed_until,
        )
        return bool(rows.update(claimed_until=None, **values))

    @staticmethod
    def _begin_again(rows: "WebhookDeliveryQuerySet", moment: datetime) -> int:
        changed: int = rows.update(
            status=DeliveryStatus.PENDING,
            step=0,
            next_attempt_at=moment,
            claimed_until=None,
            delivered_at=None,
        )
        return changed

    @staticmethod
    def _lock_enabled(org_id: uuid.UUID, endpoint_id: uuid.UUID) -> "WebhookEndpoint":
        endpoints: Any = apps.get_model("organizations", "WebhookEndpoint").objects
        endpoint: WebhookEndpoint = endpoints.lock(org_id, endpoint_id)
        if not endpoint.is_enabled:
            raise EndpointDisabled
        return endpoint

    @staticmethod
    def _tell(
        org_id: uuid.UUID,
        endpoint: "WebhookEndpoint",
        *,
        by: "Principal | None",
        after: dict[str, Any],
    ) -> None:
        log: Any = apps.get_model("organizations", "AuditLogEntry").objects
        log.record(
            AuditAction.WEBHOOKS_REPLAYED, by=by, org_id=org_id, subject=endpoint.url, after=after
        )
