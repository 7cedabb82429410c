"""What the view's caller is told when it is not let in."""

import math
from dataclasses import dataclass
from typing import Any, Final

from orgbilling_client.errors import (
    AllocationInactive,
    ApiError,
    IdempotencyKeyReused,
    NoAllocation,
    NotAMember,
    OrganizationSuspended,
    OrgBillingError,
    PaymentRequired,
    SubscriptionInactive,
)
from orgbilling_client.journal.attempt import undelivered

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5
#: Refusals that the caller can do something about; the others are the service's own fault.
CALLERS_OWN: Final = (
    PaymentRequired,
    NoAllocation,
    NotAMember,
    SubscriptionInactive,
    AllocationInactive,
    OrganizationSuspended,
    IdempotencyKeyReused,
)


@dataclass(frozen=True, slots=True)
class NotLetIn:
    """An answer of problem+json."""

    status: int
    document: dict[str, Any]
    headers: dict[str, str]


def answer_to(error: OrgBillingError) -> NotLetIn | None:
    """The answer; None where the error is for the service's own log: a wrong key, an unknown service."""
    if isinstance(error, ApiError) and isinstance(error, CALLERS_OWN):
        document = {
            **error.extra,
            "type": "about:blank",
            "title": error.title,
            "status": error.status,
            "code": error.code,
            "detail": error.detail,
            "request_id": error.request_id,
        }
        return NotLetIn(error.status, document, {})
    if undelivered(error):
        asked = getattr(error, "retry_after", None) or RETRY_AFTER_SECONDS
        document = {
            "type": "about:blank",
            "title": "Billing unavailable",
            "status": 503,
            "code": "billing_unavailable",
            "detail": "This can't be charged at the moment, so nothing was done. Try again a little later.",
            "request_id": error.request_id,
        }
        return NotLetIn(503, document, {"Retry-After": str(math.ceil(asked))})
    return None
