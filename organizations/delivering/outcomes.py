"""What a delivery carries, and what is written of an attempt.

The order of locks is endpoint, then delivery: as it is for whoever disables an endpoint or replays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from organizations import metrics
from organizations.choices import DeliveryStatus, DisabledReason
from organizations.delivering import trouble
from organizations.managers.webhook_deliveries import Due
from organizations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from organizations.webhooks.posting import Answer
from organizations.webhooks.schedule import FAILING_FOR, SCHEDULE, pause_after
from organizations.webhooks.secrets import SecretUnreadable, decrypted
from organizations.webhooks.signing import body_of, headers_of
from orgbilling.lib import jobs
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import NotFound

logger = structlog.stdlib.get_logger(__name__)

_GONE = 410


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one attempt sends. `headers` None: its secret can't be read, and nothing is sent."""

    delivery: WebhookDelivery
    url: str
    body: bytes
    headers: dict[str, str] | None


def take(due: Due) -> Parcel | None:
    """Claim a delivery and make what is to be sent of it; None when somebody else has it."""
    moment = database_now()
    delivery = jobs.run(lambda: WebhookDelivery.objects.claim(due.org_id, due.delivery_id, moment))
    if delivery is None:
        return None
    event, endpoint = delivery.event, delivery.endpoint
    body = body_of(event.type, event.created_at, event.data)
    try:
        secrets = _secrets_of(endpoint, moment)
    except SecretUnreadable:
        return Parcel(delivery, endpoint.url, body, None)
    return Parcel(delivery, endpoint.url, body, headers_of(event.pk, body, secrets, moment))


def settle(parcel: Parcel, answer: Answer) -> None:
    """Write what came of an attempt. What was discarded or sent again meanwhile keeps what it has become."""
    jobs.run(lambda: _settle(parcel.delivery, answer))


def _settle(delivery: WebhookDelivery, answer: Answer) -> None:
    moment = database_now()
    if answer.interrupted:
        # The next worker begins it anew, at once.
        WebhookDelivery.objects.write(
            delivery, step=delivery.step - 1, next_attempt_at=moment, last_error=answer.error
        )
    elif answer.is_success:
        _succeed(delivery, answer, moment)
    else:
        _fail(delivery, answer, moment)
    began = delivery.last_attempt_at or moment
    WebhookAttempt.objects.create(
        org_id=delivery.org_id,
        delivery_id=delivery.pk,
        number=delivery.attempts,
        started_at=began,
        ended_at=began + timedelta(seconds=answer.seconds),
        status_code=answer.status,
        error=answer.error,
        response=answer.excerpt,
    )


def _succeed(delivery: WebhookDelivery, answer: Answer, moment: datetime) -> None:
    WebhookEndpoint.objects.note_success(delivery.org_id, delivery.endpoint_id, moment)
    WebhookDelivery.objects.write(
        delivery,
        status=DeliveryStatus.DELIVERED,
        next_attempt_at=None,
        delivered_at=moment,
        last_status=answer.status,
        last_error="",
    )
    after_commit(metrics.DELIVERED.inc)
    after_commit(
        logger.info,
        "webhook.delivered",
        org_id=delivery.org_id,
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        attempt=delivery.attempts,
        status=answer.status,
        duration_ms=round(1000 * answer.seconds, 1),
    )


def _fail(delivery: WebhookDelivery, answer: Answer, moment: datetime) -> None:
    try:
        endpoint = WebhookEndpoint.objects.lock(delivery.org_id, delivery.endpoint_id)
    except NotFound:
        return
    if not endpoint.is_enabled:
        return
    WebhookEndpoint.objects.note_failure(endpoint, moment, asked=answer.retry_after)
    if not _is_readable(endpoint):
        trouble.tell_of_secret(endpoint)
    pause = pause_after(delivery.step, asked=answer.retry_after)
    is_last = pause is None or answer.status == _GONE
    after: dict[str, Any] = {"status": DeliveryStatus.FAILED, "next_attempt_at": None}
    if pause is not None and not is_last:
        after = {"next_attempt_at": moment + pause}
    WebhookDelivery.objects.write(
        delivery, last_status=answer.status, last_error=answer.error, **after
    )
    after_commit((metrics.GIVEN_UP if is_last else metrics.FAILED).inc)
    after_commit(
        logger.warning,
        "webhook.attempt_failed",
        org_id=delivery.org_id,
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        attempt=delivery.attempts,
        status=answer.status,
        duration_ms=round(1000 * answer.seconds, 1),
        reason=answer.error,
        given_up=is_last,
    )
    if answer.refused:
        after_commit(
            logger.warning,
            "webhook.address_refused",
            org_id=delivery.org_id,
            endpoint_id=delivery.endpoint_id,
            address=answer.refused,
        )
    reason = _end_of(endpoint, answer, moment)
    if reason is not None:
        disabled = WebhookEndpoint.objects.disable(
            endpoint.org_id, endpoint.pk, reason=reason, by=None
        )
        trouble.tell_of_disabled(disabled, reason)


def _end_of(endpoint: WebhookEndpoint, answer: Answer, moment: datetime) -> DisabledReason | None:
    """Why nothing is to be sent to it any more; None: it goes on."""
    if answer.status == _GONE:
        return DisabledReason.GONE
    since = endpoint.failing_since
    too_long = since is not None and since <= moment - FAILING_FOR
    # A single event after a long silence is no proof: as many failures as a whole schedule has.
    return (
        DisabledReason.FAILING
        if too_long and endpoint.consecutive_failures >= len(SCHEDULE)
        else None
    )


def _is_readable(endpoint: WebhookEndpoint) -> bool:
    try:
        decrypted(endpoint.secret)
    except SecretUnreadable:
        return False
    return True


def _secrets_of(endpoint: WebhookEndpoint, moment: datetime) -> list[str]:
    """What signs now: the current secret, and the former one while its time lasts. Raises SecretUnreadable."""
    secrets = [decrypted(endpoint.secret)]
    until = endpoint.previous_secret_until
    if until is not None and until > moment:
        try:
            secrets.append(decrypted(endpoint.previous_secret))
        except SecretUnreadable:
            logger.warning(
                "webhook.former_secret_unreadable",
                org_id=endpoint.org_id,
                endpoint_id=endpoint.pk,
            )
    return secrets
