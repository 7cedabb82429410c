"""Unspent credits of a member back to the pool."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from credits.api import examples
from credits.api.keys import answer_once
from credits.api.rendering import render_allocation, render_pool
from credits.api.serializers import AllocatedSerializer, ReclaimSerializer
from credits.functions import Origin
from credits.models import Allocation, CreditPool
from organizations.access import BILLING, Rule
from organizations.api.base import OrgView
from organizations.choices import Scope
from orgbilling.web.openapi import operation
from orgbilling.web.request_id import current_request_id


class ReclaimView(OrgView):
    """Credits from a member to the pool."""

    rules: ClassVar[dict[str, Rule]] = {"POST": Rule(BILLING, Scope.CREDITS_MANAGE)}

    @operation(
        summary="Reclaim credits from a member",
        description="Moves `credits` of what the member has left, all of it when they are not named, back to the "
        "pool, and lowers the budget that each reset restores by the same. What is held stays held.",
        request=ReclaimSerializer,
        request_example=examples.RECLAIM,
        responses={
            200: (AllocatedSerializer, {"allocation": examples.ALLOCATION, "pool": examples.POOL})
        },
        errors=(
            "insufficient_credits",
            "no_allocation",
            "no_credit_pool",
            "allocation_inactive",
        ),
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request, org_id: UUID) -> HttpResponse:
        """200 with the allocation and the pool."""
        self.organization()
        wanted = self.validated(request, ReclaimSerializer)

        def work(key: str | None, body_hash: bytes) -> tuple[int, Any]:
            allocation = Allocation.objects.reclaim(
                org_id=org_id,
                user_id=wanted["user_id"],
                credits=wanted.get("credits"),
                origin=Origin(self.principal.actor, current_request_id(), key, body_hash),
                notes=wanted["notes"],
            )
            return 200, {
                "allocation": render_allocation(allocation),
                "pool": render_pool(CreditPool.objects.of(org_id)),
            }

        return answer_once(
            request,
            org_id=org_id,
            operation="reclaim",
            path_ids={"org_id": org_id},
            body=self.body(request),
            work=work,
        )
