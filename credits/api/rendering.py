"""The ledger's rows as the documents of the API. Plain functions: a serializer costs more than the SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from credits.choices import HoldStatus
from credits.deducting import Receipt
from credits.history import PoolBalances
from credits.holding import Captured, Placed
from credits.models import Allocation, CreditPool, Hold, Price, Refusal, Usage
from credits.models.refusal import OTHER_SERVICES, OTHERS
from orgbilling.web.responses import money, rfc3339


def render_pool(pool: CreditPool) -> dict[str, Any]:
    """A pool from ``CreditPool.objects.with_totals()`` with its organization; expired holds count as released."""
    return {
        "id": pool.pk,
        "org_id": pool.org_id,
        "org_name": pool.org.display_name,
        "total_credits": pool.total_credits,
        "allocated_credits": pool.current_allocated_credits,
        "used_credits": pool.used_credits,  # type: ignore[attr-defined]
        "held_credits": pool.held_credits,  # type: ignore[attr-defined]
        "available_credits": pool.current_available_credits,
        "monthly_refresh_amount": pool.monthly_refresh_amount,
        "last_refresh_date": rfc3339(pool.last_refresh_date),
        "next_refresh_date": rfc3339(pool.next_refresh_date),
        "allow_overage": pool.allow_overage,
        "overage_limit": pool.overage_limit,
        "overage_rate": money(pool.overage_rate),
        "overage_used": pool.current_overage_used,
        "overage_used_period": pool.current_overage_used_period,
        "lifetime_purchased_credits": pool.lifetime_purchased_credits,
        "lifetime_spent_amount": money(pool.lifetime_spent_amount),
        "updated_at": rfc3339(pool.updated_at),
    }


def render_pool_at(pool: CreditPool, balances: PoolBalances) -> dict[str, Any]:
    """A pool with its balances of a past instant; of what keeps no history, the settings, it has today's."""
    return {
        **render_pool(pool),
        "total_credits": balances.total_credits,
        "allocated_credits": balances.allocated_credits,
        "used_credits": balances.used_credits,
        "held_credits": balances.held_credits,
        "available_credits": balances.available_credits,
        "overage_used": balances.overage_used,
    }


def render_allocation(allocation: Allocation) -> dict[str, Any]:
    """An allocation from ``Allocation.objects.for_display()``; expired holds count as released."""
    return {
        "id": allocation.pk,
        "org_id": allocation.org_id,
        "org_name": allocation.org.display_name,
        "user_id": allocation.user_id,
        "user_email": allocation.user.email,
        "user_name": allocation.user.name,
        "allocated_credits": allocation.current_allocated_credits,
        "used_credits": allocation.used_credits,
        "held_credits": allocation.current_held_credits,
        "remaining_credits": allocation.current_remaining_credits,
        "budget_credits": allocation.budget_credits,
        "lifetime_used_credits": allocation.lifetime_used_credits,
        "reset_period": allocation.reset_period,
        "last_reset_date": rfc3339(allocation.last_reset_date),
        "next_reset_date": rfc3339(allocation.next_reset_date),
        "is_active": allocation.is_active,
        "allocated_by": allocation.allocated_by,
        "notes": allocation.notes,
        "created_at": rfc3339(allocation.created_at),
        "updated_at": rfc3339(allocation.updated_at),
    }


def render_usage(usage: Usage) -> dict[str, Any]:
    """A usage row from ``Usage.objects.with_refunds()``."""
    return {
        "id": usage.pk,
        "org_id": usage.org_id,
        "user_id": usage.user_id,
        "allocation_id": usage.allocation_id,
        "credits_used": usage.credits_used,
        "overage_credits": usage.overage_credits,
        "service_type": usage.service_type,
        "service_name": usage.service_name,
        "unit_price": usage.unit_price,
        "quantity": usage.quantity,
        "price_version": usage.price_version,
        "request_id": usage.request_id,
        "metadata": usage.metadata,
        "refunded_credits": usage.refunded_credits,  # type: ignore[attr-defined]
        "refund_of": usage.refund_of_id,
        "hold_id": usage.hold_id,
        "remaining_credits": usage.remaining_credits,
        "created_at": rfc3339(usage.created_at),
    }


def render_receipt(receipt: Receipt) -> dict[str, Any]:
    """The usage row of a charge, as it was when the charge was made: a replay shows no later refund."""
    charge, charged = receipt.charge, receipt.charged
    return {
        "id": charged.usage_id,
        "org_id": charge.org_id,
        "user_id": charge.user_id,
        "allocation_id": charged.allocation_id,
        "credits_used": charged.credits_used,
        "overage_credits": charged.overage_credits,
        "service_type": charge.service_type,
        "service_name": charge.service_name,
        "unit_price": charged.unit_price,
        "quantity": charge.quantity,
        "price_version": charged.price_version,
        "request_id": charged.request_id,
        "metadata": charge.metadata,
        "refunded_credits": 0,
        "refund_of": None,
        "hold_id": None,
        "remaining_credits": charged.remaining_credits,
        "created_at": rfc3339(charged.created_at),
    }


def render_hold(hold: Hold, moment: datetime) -> dict[str, Any]:
    """A hold with the status that counts at a moment of the database's clock."""
    return {
        "id": hold.pk,
        "org_id": hold.org_id,
        "user_id": hold.user_id,
        "allocation_id": hold.allocation_id,
        "credits": hold.credits,
        "captured_credits": hold.captured_credits,
        "status": hold.status_at(moment),
        "service_name": hold.service_name,
        "expires_at": rfc3339(hold.expires_at),
        "created_at": rfc3339(hold.created_at),
    }


def render_placed(placed: Placed) -> dict[str, Any]:
    """A hold as it was when it was made."""
    charge, held = placed.charge, placed.held
    return {
        "id": held.hold_id,
        "org_id": charge.org_id,
        "user_id": charge.user_id,
        "allocation_id": held.allocation_id,
        "credits": held.credits,
        "captured_credits": 0,
        "status": HoldStatus.PENDING.value,
        "service_name": charge.service_name,
        "expires_at": rfc3339(held.expires_at),
        "created_at": rfc3339(held.created_at),
    }


def render_captured(captured: Captured) -> dict[str, Any]:
    """A hold and the usage row of a capture, as they were when captured: a replay shows no later refund."""
    state, part = captured.state, captured.part
    hold = {
        "id": captured.hold_id,
        "org_id": captured.org_id,
        "user_id": state.user_id,
        "allocation_id": state.allocation_id,
        "credits": state.credits,
        "captured_credits": state.captured_credits,
        "status": state.status,
        "service_name": state.service_name,
        "expires_at": rfc3339(state.expires_at),
        "created_at": rfc3339(state.created_at),
    }
    usage = {
        "id": part.usage_id,
        "org_id": captured.org_id,
        "user_id": state.user_id,
        "allocation_id": state.allocation_id,
        "credits_used": part.credits_used,
        "overage_credits": part.overage_credits,
        "service_type": part.service_type,
        "service_name": state.service_name,
        "unit_price": part.unit_price,
        "quantity": part.quantity,
        "price_version": part.price_version,
        "request_id": part.request_id,
        "metadata": part.metadata,
        "refunded_credits": 0,
        "refund_of": None,
        "hold_id": captured.hold_id,
        "remaining_credits": part.remaining_credits,
        "created_at": rfc3339(part.created_at),
    }
    return {"hold": hold, "usage": usage}


def render_refusal(refusal: Refusal) -> dict[str, Any]:
    """A day's refusals of one kind; null stands for everybody, or every service, not kept apart."""
    return {
        "id": refusal.pk,
        "org_id": refusal.org_id,
        "day": refusal.day,
        "user_id": None if refusal.user_id == OTHERS else refusal.user_id,
        "service_name": None if refusal.service_name == OTHER_SERVICES else refusal.service_name,
        "code": refusal.code,
        "refused_by": refusal.refused_by,
        "count": refusal.count,
        "requested_credits": refusal.requested_credits,
        "remaining_credits": refusal.remaining_credits,
        "request_id": refusal.request_id,
        "actor": refusal.actor,
        "first_at": rfc3339(refusal.first_at),
        "last_at": rfc3339(refusal.last_at),
    }


def render_price(price: Price) -> dict[str, Any]:
    """A version of a service's price, with what one costs under each plan."""
    return {
        "service_name": price.service.name,
        "title": price.service.title,
        "unit": price.service.unit,
        "credits": {
            "platform": price.platform_credits,
            "byok": price.byok_credits,
            "hybrid": price.hybrid_credits,
        },
        "version": price.version,
        "effective_from": rfc3339(price.effective_from),
    }
