"""When a payment that was declined is tried again by itself."""

from datetime import datetime, timedelta
from typing import Final

#: Days after the first attempt; all of them before PAYMENT_TERMS_DAYS have passed, by its default.
RETRY_DAYS: Final = (1, 3, 5, 7)
#: What no second attempt by the same card changes; for some of it the networks forbid to ask again.
FINAL_REFUSALS: Final = frozenset(
    {
        "amount_too_small",
        "authentication_required",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
    }
)


def next_attempt_at(first: datetime, *, tried: int, refusal: str) -> datetime | None:
    """When it is tried again; None: never, until somebody asks for it or another card is chosen.

    Args:
        first: when it was first tried.
        tried: how often it was, at least once.
        refusal: the code of the last refusal.
    """
    if tried > len(RETRY_DAYS) or refusal in FINAL_REFUSALS:
        return None
    return first + timedelta(days=RETRY_DAYS[tried - 1])
