"""Refusals are kept: the answer for whoever retries, a count for whoever wants to know who is refused."""

from __future__ import annotations

import json
from typing import Any

import structlog
from django.db import DatabaseError, transaction

from credits import functions
from credits.errors import InsufficientCredits, KeyClaimed
from credits.functions import Charge
from credits.idempotency import Answer, replay
from credits.models import StoredAnswer
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import call
from orgbilling.web.errors import problem_of
from orgbilling.web.responses import encode

logger = structlog.stdlib.get_logger(__name__)

#: What is worth an admin's notice: each says that somebody who wanted to spend could not.
COUNTED = {
    "organization_suspended": "organization",
    "not_a_member": "membership",
    "no_allocation": "allocation",
    "allocation_inactive": "allocation_active",
    "subscription_inactive": "subscription",
    "unknown_service": "price",
}


def refuse(operation: str, charge: Charge, error: InsufficientCredits) -> Answer:
    """Store and count a 402 in the transaction that decided it, so that it is final for its key."""
    status, document = problem_of(error)
    body = encode(document)
    origin = charge.origin
    functions.record_refusal(
        org_id=charge.org_id,
        user_id=charge.user_id,
        service_name=charge.service_name,
        code=error.code,
        refused_by=error.extra["why"]["refused_by"],
        requested=error.extra["requested"],
        remaining=error.extra["remaining"],
        origin=origin,
    )
    _tell(charge, error.code, error.extra["requested"], error.extra["remaining"])
    if origin.idempotency_key is not None and origin.body_hash is not None:
        owner: dict[str, Any] = {
            "org_id": charge.org_id,
            "operation": operation,
            "key": origin.idempotency_key,
        }
        # In a batch the others go on when this one can't have its key.
        with transaction.atomic():
            StoredAnswer.objects.claim(**owner, body_hash=origin.body_hash)
            StoredAnswer.objects.settle(**owner, status=status, body=body.decode(), final=False)
    return Answer(status, body)


def repeated(operation: str, charge: Charge) -> Answer:
    """The stored 402 of the charge's key.

    Raises:
        IdempotencyKeyReused: it answers another request.
        KeyClaimed: its seven days have passed since it was looked at: look again.
    """
    origin = charge.origin
    stored = StoredAnswer.objects.filter(
        org_id=charge.org_id, operation=operation, key=origin.idempotency_key
    ).first()
    if stored is None:
        raise KeyClaimed
    return replay(stored, origin.body_hash or b"")


def count(charge: Charge, refusal: OrgBillingError | Answer) -> None:
    """Count a refusal that nothing was stored for; a failure to count changes nothing of the answer."""
    if isinstance(refusal, Answer):
        document = json.loads(refusal.body)
        numbers = (document["requested"], document["remaining"])
        _count(charge, document["code"], document["why"]["refused_by"], *numbers)
    elif refusal.code in COUNTED:
        _count(charge, refusal.code, COUNTED[refusal.code], charge.credits, None)


def _count(
    charge: Charge, code: str, refused_by: str, requested: int | None, remaining: int | None
) -> None:
    _tell(charge, code, requested, remaining)
    try:
        call(
            lambda: functions.record_refusal(
                org_id=charge.org_id,
                user_id=charge.user_id,
                service_name=charge.service_name,
                code=code,
                refused_by=refused_by,
                requested=requested,
                remaining=remaining,
                origin=charge.origin,
            )
        )
    except (OrgBillingError, DatabaseError):
        logger.warning(
            "credits.refusal_not_counted", org_id=charge.org_id, code=code, exc_info=True
        )


def _tell(charge: Charge, code: str, requested: int | None, remaining: int | None) -> None:
    after_commit(
        logger.info,
        "credits.refused",
        org_id=charge.org_id,
        user_id=charge.user_id,
        service_name=charge.service_name,
        code=code,
        requested=requested,
        remaining=remaining,
    )
