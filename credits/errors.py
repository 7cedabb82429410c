"""Why the ledger refuses; each error is bound to the SQLSTATE that its functions raise."""

from __future__ import annotations

from typing import Any

from organizations.errors import NotAMember, OrganizationSuspended
from orgbilling.lib.errors import LimitReached, NotFound, OrgBillingError, PermissionRefused
from orgbilling.lib.sqlstate import register

#: The roles that manage an organization's credits, as a refusal names them.
RAISED_BY = ("owner", "admin", "billing_admin")


class InsufficientCredits(LimitReached):
    """The allocation can't pay. Extra: ``requested``, ``remaining``, ``why``."""

    code = "insufficient_credits"
    title = "Insufficient credits"
    default_detail = "The allocation has fewer credits left than the request needs."
    stored = True
    limits = ("allocation",)
    raised_by = RAISED_BY
    fix = "Ask for fewer credits, at most what remains."

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        if detail is None and {"requested", "remaining"} <= extra.keys():
            detail = f"{extra['remaining']} credits are left; {extra['requested']} are needed."
        super().__init__(detail, **extra)
        for limit in self.extra["why"]["evaluated"]:
            if limit["limit"] == "allocation" and "requested" in self.extra:
                needed, remaining = self.extra["requested"], self.extra["remaining"]
                limit |= {"available": remaining, "needed": needed, "short_by": needed - remaining}


class InsufficientPoolCredits(LimitReached):
    """The pool can't give that many. Extra: ``requested``, ``available``, ``why``."""

    limits = ("organization", "membership", "pool")
    raised_by = RAISED_BY
    fix = "Add credits to the pool, or reclaim some from members."

    code = "insufficient_pool_credits"
    title = "Insufficient pool credits"
    default_detail = (
        "The organization's pool has fewer credits available than the request needs. "
        "Add credits to the pool first."
    )
    stored = True

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        refreshes_at = extra.pop("refreshes_at", None)
        counted = {"requested", "available"} <= extra.keys()
        short = extra["requested"] - extra["available"] if counted else 0
        if detail is None and counted:
            detail = (
                f"The pool has {extra['available']} credits available; {extra['requested']} are needed. "
                f"Add at least {short} credits to the pool first."
            )
        super().__init__(detail, **extra)
        if counted:
            why = self.extra["why"]
            why["resets_at"] = refreshes_at
            why["evaluated"][-1] |= {
                "available": extra["available"],
                "needed": extra["requested"],
                "short_by": short,
            }
            why["fix"] = f"Add at least {short} credits to the pool, or reclaim some from members."


class NoSuchHold(NotFound):
    """The organization has no hold of this id."""

    default_detail = "There is no hold with this id."


class HoldNotPending(OrgBillingError):
    """The hold was settled, or has expired. Extra: ``hold_status``."""

    code = "hold_not_pending"
    title = "Hold not pending"
    default_detail = "This hold was captured or released, or it has expired. Make a new one."

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        if detail is None and "hold_status" in extra:
            detail = f"This hold is {extra['hold_status']}: it is settled for good. Make a new one."
        super().__init__(detail, **extra)


class HoldAmountExceeded(OrgBillingError):
    """More was to be captured than the hold has left. Extra: ``requested``, ``left``."""

    code = "hold_amount_exceeded"
    title = "Hold amount exceeded"
    default_detail = "The hold has fewer credits left than the capture names."

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        if detail is None and {"requested", "left"} <= extra.keys():
            detail = (
                f"The hold has {extra['left']} credits left; {extra['requested']} are to be captured. "
                "Capture what is left and deduct the rest."
            )
        super().__init__(detail, **extra)


class NoSuchUsage(NotFound):
    """The organization has no usage row of this id."""

    default_detail = "There is no usage with this id."


class RefundExceedsUsage(OrgBillingError):
    """The refunds of a usage would pass what it charged. Extra: ``requested``, ``refundable``."""

    code = "refund_exceeds_usage"
    title = "Refund exceeds usage"
    default_detail = "The refunds of a usage can't add up to more than it charged."

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        if detail is None and {"requested", "refundable"} <= extra.keys():
            detail = (
                f"Of this usage {extra['refundable']} credits can still be refunded, "
                f"not {extra['requested']}."
                if extra["refundable"]
                else "Nothing of this usage is left to refund."
            )
        super().__init__(detail, **extra)


class NotYourUsage(PermissionRefused):
    """A key that may only deduct wants to refund what somebody else charged."""

    default_detail = (
        "A key with the scope credits:deduct refunds only what it charged itself; "
        "credits:manage refunds any usage of the organization."
    )


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


class AllocationInactive(LimitReached):
    """The member's allocation was closed."""

    limits = ("organization", "membership", "allocation_active")
    raised_by = RAISED_BY
    fix = "Allocate credits to this member again."

    code = "allocation_inactive"
    title = "Allocation inactive"
    default_detail = "This member's allocation is not active. Allocating credits again opens it."


class SubscriptionInactive(LimitReached):
    """Nothing lets the organization spend now."""

    limits = ("organization", "membership", "allocation_active", "subscription")
    raised_by = RAISED_BY
    fix = "Subscribe to a plan, or settle what paused the subscription: POST /subscriptions."

    code = "subscription_inactive"
    title = "Subscription inactive"
    default_detail = (
        "The organization has no subscription that lets it spend credits now. Subscribe to a plan."
    )


class UnknownService(LimitReached):
    """The catalogue has no price for the service."""

    limits = ("organization", "membership", "allocation_active", "subscription", "price")
    raised_by = ("system_admin",)
    fix = "Use a name of GET /prices, or send `credits` instead of `quantity`."

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

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail, **extra)
        # Amounts are checked where they come in: what gets here is a quantity that costs too much.
        wrong = {"field": "quantity", "code": "max_value", "detail": self.detail}
        self.extra.setdefault("errors", [wrong])


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
    "OB015": InsufficientCredits,
    "OB016": NoSuchHold,
    "OB017": HoldNotPending,
    "OB018": HoldAmountExceeded,
    "OB019": NoSuchUsage,
    "OB020": LedgerMisuse,
    "OB021": LedgerMisuse,
    "OB022": RefundExceedsUsage,
    "OB023": NotYourUsage,
}.items():
    register(_state, _error)
