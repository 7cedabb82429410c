"""The documents that the OpenAPI description shows: the seed's scenario in numbers."""

from __future__ import annotations

from typing import Any, Final

ORG_ID: Final = "0193b1a0-0000-7000-8000-000000000001"
USER_ID: Final = "0193b1a0-0000-7000-8000-000000000002"
MOMENT: Final = "2026-11-22T16:00:00Z"

POOL: Final[dict[str, Any]] = {
    "id": "0193b1a0-0000-7000-8000-000000000003",
    "org_id": ORG_ID,
    "org_name": "Test Org Alpha",
    "total_credits": 10000,
    "allocated_credits": 1000,
    "used_credits": 50,
    "held_credits": 0,
    "available_credits": 9000,
    "monthly_refresh_amount": 0,
    "last_refresh_date": None,
    "next_refresh_date": None,
    "allow_overage": False,
    "overage_limit": 0,
    "overage_rate": "0.01",
    "overage_used": 0,
    "overage_used_period": 0,
    "lifetime_purchased_credits": 10000,
    "lifetime_spent_amount": "100.00",
    "updated_at": MOMENT,
}

ALLOCATE: Final[dict[str, Any]] = {"user_id": USER_ID, "credits": 1000, "reset_period": "monthly"}

ALLOCATION: Final[dict[str, Any]] = {
    "id": "0193b1a0-0000-7000-8000-000000000004",
    "org_id": ORG_ID,
    "org_name": "Test Org Alpha",
    "user_id": USER_ID,
    "user_email": "alice@alpha.example",
    "user_name": "Alice",
    "allocated_credits": 1000,
    "used_credits": 50,
    "held_credits": 0,
    "remaining_credits": 950,
    "budget_credits": 1000,
    "lifetime_used_credits": 50,
    "reset_period": "monthly",
    "last_reset_date": None,
    "next_reset_date": "2026-12-22T00:00:00Z",
    "is_active": True,
    "allocated_by": "user:0193b1a0-0000-7000-8000-000000000005",
    "notes": "",
    "created_at": MOMENT,
    "updated_at": MOMENT,
}

DEDUCT: Final[dict[str, Any]] = {
    "org_id": ORG_ID,
    "user_id": USER_ID,
    "service_name": "company_enrichment",
    "credits": 50,
    "request_id": "enrich-acme-1",
    "metadata": {"company": "acme.example"},
}

USAGE: Final[dict[str, Any]] = {
    "id": "0193b1a0-0000-7000-8000-000000000006",
    "org_id": ORG_ID,
    "user_id": USER_ID,
    "allocation_id": ALLOCATION["id"],
    "credits_used": 50,
    "overage_credits": 0,
    "service_type": None,
    "service_name": "company_enrichment",
    "unit_price": None,
    "quantity": None,
    "price_version": None,
    "request_id": "enrich-acme-1",
    "metadata": {"company": "acme.example"},
    "refunded_credits": 0,
    "refund_of": None,
    "hold_id": None,
    "remaining_credits": 950,
    "created_at": MOMENT,
}

PRICE: Final[dict[str, Any]] = {
    "service_name": "company_enrichment",
    "title": "Company enrichment",
    "unit": "call",
    "credits": {"platform": 50, "byok": 0, "hybrid": 50},
    "version": 1,
    "effective_from": "2026-01-01T00:00:00Z",
}
