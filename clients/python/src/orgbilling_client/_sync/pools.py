"""Pools, allocations and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from orgbilling_client._sync.sender import Sender
from orgbilling_client.calls import Id
from orgbilling_client.models.billing import CreditsAdded
from orgbilling_client.models.pools import (
    Allocated,
    Allocation,
    Pool,
    PoolSettings,
    Refusal,
    UserAllocations,
)
from orgbilling_client.paging import PAGE_SIZE
from orgbilling_client.requests import billing, pools
from orgbilling_client.requests.billing import UNCHANGED, Money, Unchanged
from orgbilling_client.requests.pools import ResetPeriod


class Pools(Sender):
    """The credits that an organization has, and who may spend them."""

    def pool(self, org_id: Id | None = None, *, at: datetime | None = None) -> Pool:
        """Look at an organization's pool.

        Args:
            at: a moment in the past, with its time zone; without it, now.

        Raises:
            NoCreditPool: it has none.
        """
        return self._send(pools.pool(self._org(org_id), at))

    def add_credits(
        self,
        credits: int,
        *,
        purchase_amount: Money | None = None,
        currency: str | None = None,
        reference: str | None = None,
        notes: str | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> CreditsAdded:
        """Add credits to the pool: granted or paid by a key of all organizations, else bought on account.

        Args:
            credits: 1 to 10^15.
            purchase_amount: what was paid; without it, a grant or the plan catalogue's price.
            currency: ISO 4217, of the amount.
            reference: the payment's, up to 200 characters.

        Raises:
            AccountLimitExceeded: the unpaid purchases would pass the organization's limit.
            PermissionDenied: the key may not add, or not name a price.
        """
        call = billing.add_credits(
            self._org(org_id),
            credits,
            purchase_amount=purchase_amount,
            currency=currency,
            reference=reference,
            notes=notes,
            key=idempotency_key,
        )
        return self._send(call)

    def allocate(
        self,
        user_id: Id,
        credits: int,
        *,
        reset_period: ResetPeriod | None = None,
        recurring: bool | None = None,
        notes: str | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Allocated:
        """Move credits from the pool to a member, on top of what the member has.

        Args:
            credits: 1 to 10^15.
            reset_period: when the budget is restored; ``monthly`` unless told otherwise.
            recurring: whether the budget grows by the same; it does unless told otherwise.

        Raises:
            InsufficientPoolCredits: the pool has fewer available.
            NotAMember: the user isn't a member.
        """
        call = pools.allocate(
            self._org(org_id),
            user_id,
            credits,
            reset_period=reset_period,
            recurring=recurring,
            notes=notes,
            key=idempotency_key,
        )
        return self._send(call)

    def reclaim(
        self,
        user_id: Id,
        credits: int | None = None,
        *,
        notes: str | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Allocated:
        """Move unspent credits from a member back to the pool, and lower the budget by the same.

        Args:
            credits: how many; without it, all that are unspent.

        Raises:
            NoAllocation: the member has none.
            InsufficientCredits: fewer are unspent.
        """
        call = pools.reclaim(self._org(org_id), user_id, credits, notes=notes, key=idempotency_key)
        return self._send(call)

    def allocations(
        self, *, org_id: Id | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[Allocation]:
        """Go through an organization's allocations."""
        return self._pages(pools.allocations(self._org(org_id), page_size))

    def user_credits(self, user_id: Id) -> UserAllocations:
        """Look at a person's allocations in the organizations that the key may see."""
        return self._send(pools.user_credits(user_id))

    def refusals(
        self, *, org_id: Id | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[Refusal]:
        """Go through what was refused, counted by day, person, service and reason; newest first."""
        return self._pages(pools.refusals(self._org(org_id), page_size))

    def change_settings(
        self,
        *,
        allow_overage: bool | Unchanged = UNCHANGED,
        overage_limit: int | Unchanged = UNCHANGED,
        alert_threshold_percent: int | Unchanged | None = UNCHANGED,
        alert_threshold_credits: int | Unchanged | None = UNCHANGED,
        monthly_refresh_amount: int | Unchanged = UNCHANGED,
        overage_rate: Money | Unchanged = UNCHANGED,
        account_limit: Money | Unchanged = UNCHANGED,
        org_id: Id | None = None,
    ) -> PoolSettings:
        """Change a pool's settings; what isn't named stays as it is.

        Args:
            overage_limit: credits, up to the plan's ceiling.
            alert_threshold_percent: 0 to 100; None switches this alert off.
            alert_threshold_credits: None switches this alert off.
            monthly_refresh_amount: credits; this and the next two are a system administrator's.

        Raises:
            PermissionDenied: a setting isn't the caller's to change.
        """
        changes: dict[str, object] = {
            "allow_overage": allow_overage,
            "overage_limit": overage_limit,
            "alert_threshold_percent": alert_threshold_percent,
            "alert_threshold_credits": alert_threshold_credits,
            "monthly_refresh_amount": monthly_refresh_amount,
            "overage_rate": billing.price(overage_rate),
            "account_limit": billing.price(account_limit),
        }
        return self._send(billing.change_settings(self._org(org_id), changes))
