"""Why the ledger refuses; each error is bound to the SQLSTATE that its functions raise."""

from __future__ import annotations

from typing import Any

from organizations.errors import NotAMember, OrganizationSuspended
from orgbilling.lib.errors import NotFound, OrgBillingError
from orgbilling.lib.sqlstate import register


class InsufficientCredits(OrgBillingError):
    """The allocation can't pay. Extra: ``requested``, ``remaining``, ``why``."""

    code = "insufficient_credits"
    title = "Insufficient credits"
    default_detail = "The allocation has fewer credits left than the request needs."
    stored = True


class InsufficientPoolCredits(OrgBillingError):
    """The pool can't give that many. Extra: ``requested``, ``available``."""

    code = "insufficient_pool_credits"
    title = "Insufficient pool credits"
    default_detail = (
        "The organization's pool has fewer credits available than the request needs. "
        "Add credits to the pool first."
    )
    stored = True

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        if detail is None and {"requested", "available"} <= extra.keys():
            short = extra["requested"] - extra["available"]
            detail = (
                f"The pool has {extra['available']} credits available; {extra['requested']} are needed. "
                f"Add at least {short} credits to the pool first."
            )
        super().__init__(detail, **extra)


class NoAllocation(OrgBillingError):
    """The member has never been given credits here."""

    code = "no_allocation"
    title = "No allocation"
    default_detail = "This member has no credits allocated in the organization. An org billing role can allocate some."


class NoCreditPool(OrgBillingError):
    """The organization has no pool."""

    code = "no_credit_pool"
    title = "No credit pool"
    default_detail = "The organization has no credit pool. Adding credits makes one."


class AllocationInactive(OrgBillingError):
    """The member's allocation was closed."""

    code = "allocation_inactive"
    title = "Allocation inactive"
    default_detail = "This member's allocation is not active. Allocating credits again opens it."


class SubscriptionInactive(OrgBillingError):
    """Nothing lets the organization spend now."""

    code = "subscription_inactive"
    title = "Subscription inactive"
    default_detail = (
        "The organization has no subscription that lets it spend credits now. Subscribe to a plan."
    )


class UnknownService(OrgBillingError):
    """The catalogue has no price for the service."""

    code = "unknown_service"
    title = "Unknown service"
    default_detail = (
        "The price catalogue has no service of this name. GET /prices lists them; "
        "or send `credits` instead of `quantity`."
    )


class BalanceLimit(OrgBillingError):
    """A balance would pass what can be stored."""

    code = "account_limit_exceeded"
    title = "Account limit exceeded"
    default_detail = "A balance may not pass 9,000,000,000,000,000,000 credits."


class AmountOutOfRange(OrgBillingError):
    """Credits or a quantity outside 1 to 10^15, or a price of them beyond it."""

    code = "validation_error"
    title = "Invalid request"
    default_detail = "One charge is a whole number of credits from 1 to 1,000,000,000,000,000."


class LedgerMisuse(OrgBillingError):
    """A function was called, or a row written, in a way that no caller of ours should."""

    default_detail = "The ledger refused a change that did not come through its functions."


class KeyClaimed(LedgerMisuse):
    """Another transaction took the idempotency key in this very moment; the locked path knows the answer."""


for _state, _error in {
    "OB001": LedgerMisuse,
    "OB002": AmountOutOfRange,
    "OB003": InsufficientPoolCredits,
    "OB004": NotFound,
    "OB005": NotAMember,
    "OB006": NoAllocation,
    "OB007": AllocationInactive,
    "OB008": SubscriptionInactive,
    "OB009": KeyClaimed,
    "OB010": LedgerMisuse,
    "OB011": BalanceLimit,
    "OB012": OrganizationSuspended,
    "OB013": UnknownService,
    "OB014": NoCreditPool,
    "OB020": LedgerMisuse,
    "OB021": LedgerMisuse,
}.items():
    register(_state, _error)
