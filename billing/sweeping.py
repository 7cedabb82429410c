"""The safety net below the alarms: what has come to be done is found, and done."""

import uuid
from typing import Final

import structlog

from billing import overage, renewal
from billing.models import Subscription
from orgbilling.lib import clock, jobs

logger = structlog.stdlib.get_logger(__name__)

REQUEST_ID: Final = "sweep"


def advance_due(limit: int = 500) -> int:
    """Bring up to `limit` subscriptions up to now, the longest waiting first; returns how many.

    One transaction each, so that it may be killed anywhere. One that is locked is skipped: whoever
    has it does the same or comes later. One that fails is logged and doesn't stop the others; what is
    due is found again by the next sweep.
    """
    due = Subscription.objects.due(clock.database_now()).values_list("org_id", "id")[:limit]
    return sum(_advance(org_id, subscription_id) for org_id, subscription_id in due)


def _advance(org_id: uuid.UUID, subscription_id: uuid.UUID) -> bool:
    def work() -> bool:
        subscription = Subscription.objects.lock_if_free(
            org_id=org_id, subscription_id=subscription_id
        )
        if subscription is None:
            return False
        moment = clock.database_now()
        turns = renewal.bring_up(subscription, moment, request_id=REQUEST_ID)
        # A pause takes no turn at the period's end, but what was drawn until then is owed.
        billed = overage.bill(subscription, moment, REQUEST_ID) if subscription.is_live else 0
        return turns + billed > 0

    try:
        return jobs.run(work)
    except Exception:
        logger.exception("subscription.not_advanced", subscription_id=subscription_id)
        return False
