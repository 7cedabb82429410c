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

HOLD_ORDER: Final[dict[str, Any]] = {
    "org_id": ORG_ID,
    "user_id": USER_ID,
    "service_name": "company_enrichment",
    "credits": 200,
    "request_id": "enrich-batch-7",
    "ttl_seconds": 600,
}

HOLD: Final[dict[str, Any]] = {
    "id": "0193b1a0-0000-7000-8000-000000000007",
    "org_id": ORG_ID,
    "user_id": USER_ID,
    "allocation_id": ALLOCATION["id"],
    "credits": 200,
    "captured_credits": 0,
    "status": "pending",
    "service_name": "company_enrichment",
    "expires_at": "2026-11-22T16:10:00Z",
    "created_at": MOMENT,
}

CAPTURE: Final[dict[str, Any]] = {"org_id": ORG_ID, "credits": 150}

CAPTURED: Final[dict[str, Any]] = {
    "hold": {**HOLD, "captured_credits": 150, "status": "captured"},
    "usage": {
        **USAGE,
        "credits_used": 150,
        "request_id": "enrich-batch-7",
        "metadata": {},
        "hold_id": HOLD["id"],
        "remaining_credits": 800,
    },
}

RELEASE: Final[dict[str, Any]] = {"org_id": ORG_ID}

RELEASED: Final[dict[str, Any]] = {**HOLD, "status": "released"}

REFUND: Final[dict[str, Any]] = {
    "org_id": ORG_ID,
    "credits": 20,
    "reason": "The provider had no answer.",
}

REFUNDED: Final[dict[str, Any]] = {
    **USAGE,
    "id": "0193b1a0-0000-7000-8000-000000000008",
    "credits_used": -20,
    "request_id": "0193f2a4c1de7b0f8a53c2d4e6f70819",
    "metadata": {},
    "refund_of": USAGE["id"],
    "remaining_credits": 970,
}

CHECK: Final[dict[str, Any]] = {
    "org_id": ORG_ID,
    "user_id": USER_ID,
    "service_name": "company_enrichment",
    "quantity": 3,
}

VERDICT: Final[dict[str, Any]] = {
    "sufficient": True,
    "credits": 150,
    "remaining_credits": 950,
    "why": {
        "evaluated": [{"limit": "allocation", "passed": True, "available": 950, "needed": 150}],
        "refused_by": None,
    },
}

RECLAIM: Final[dict[str, Any]] = {"user_id": USER_ID, "credits": 100}

BATCH: Final[dict[str, Any]] = {"items": [DEDUCT], "atomic": False}

BATCH_RESULTS: Final[dict[str, Any]] = {
    "results": [
        {"status": 201, "usage": USAGE},
        {
            "status": 422,
            "error": {
                "type": "https://billing.example.com/problems/not_a_member",
                "title": "Not a member",
                "status": 422,
                "code": "not_a_member",
                "detail": "The user named is not an active member of the organization.",
                "request_id": "0193f2a4c1de7b0f8a53c2d4e6f70819",
            },
        },
    ],
    "deducted": 1,
    "failed": 1,
}

SUMMARY: Final[dict[str, Any]] = {
    "group_by": "service",
    "start": "2026-10-23T16:00:00Z",
    "end": MOMENT,
    "credits_used": 50,
    "request_count": 1,
    "groups": [{"service_name": "company_enrichment", "credits_used": 50, "request_count": 1}],
}

REFUSAL: Final[dict[str, Any]] = {
    "id": "0193b1a0-0000-7000-8000-000000000009",
    "org_id": ORG_ID,
    "day": "2026-11-22",
    "user_id": USER_ID,
    "service_name": "company_enrichment",
    "code": "insufficient_credits",
    "refused_by": "allocation",
    "count": 3,
    "requested_credits": 50,
    "remaining_credits": 40,
    "request_id": "enrich-acme-9",
    "actor": "key:0193b1a0-0000-7000-8000-00000000000a",
    "first_at": "2026-11-22T09:30:00Z",
    "last_at": MOMENT,
}
