"""Reading pools, allocations and usage; moving credits to members."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from credits.api import examples
from credits.api.keys import answer_once
from credits.api.rendering import (
    render_allocation,
    render_pool,
    render_pool_at,
    render_price,
)
from credits.api.serializers import (
    AllocatedSerializer,
    AllocateSerializer,
    AllocationSerializer,
    PoolQuerySerializer,
    PoolSerializer,
    PriceSerializer,
    UserAllocationsSerializer,
)
from credits.api.spending import sees_only_own
from credits.functions import Origin
from credits.history import pool_at
from credits.models import Allocation, CreditPool, Price
from organizations.access import BILLING, MEMBER, Rule
from organizations.api.base import OrgView
from organizations.choices import BILLING_ROLES, Scope
from organizations.models import Member, User
from orgbilling.lib.clock import now
from orgbilling.lib.errors import NotFound, PermissionRefused
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.request_id import current_request_id
from orgbilling.web.responses import json_response
from orgbilling.web.views import ApiView

READ = Rule(MEMBER, Scope.CREDITS_READ)


class PoolView(OrgView):
    """The pool."""

    rules = {"GET": READ}

    @operation(
        summary="Read an organization's credit pool",
        description="With `at`, a past instant, the total, allocated, used, held and available credits and the "
        "overage are those of then, worked out from the rows that moved them; settings and the other counters keep "
        "no history and are today's.",
        query=PoolQuerySerializer,
        responses={200: (PoolSerializer, examples.POOL)},
        errors=("no_credit_pool",),
        tags=["credits"],
    )
    def get(self, request: Request, org_id: Any) -> HttpResponse:
        """The pool with what is used, held and available."""
        self.organization()
        at = self.query(request, PoolQuerySerializer).get("at")
        pool = CreditPool.objects.of(org_id)
        if at is None:
            return json_response(render_pool(pool))
        return json_response(render_pool_at(pool, pool_at(org_id, at)))


class AllocateView(OrgView):
    """Credits from the pool to a member."""

    rules = {"POST": Rule(BILLING, Scope.CREDITS_MANAGE)}

    @operation(
        summary="Allocate credits to a member",
        description="Credits add to what the member has. Unless `recurring` is false they raise the budget "
        "that each reset restores. Without `reset_period` an allocation keeps its period; a new one is monthly.",
        request=AllocateSerializer,
        request_example=examples.ALLOCATE,
        responses={
            201: (AllocatedSerializer, {"allocation": examples.ALLOCATION, "pool": examples.POOL}),
            200: (AllocatedSerializer, {"allocation": examples.ALLOCATION, "pool": examples.POOL}),
        },
        errors=(
            "insufficient_pool_credits",
            "account_limit_exceeded",
            "no_credit_pool",
            "not_a_member",
        ),
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request, org_id: Any) -> HttpResponse:
        """201 for a member's first allocation, 200 for a top-up."""
        self.organization()
        wanted = self.validated(request, AllocateSerializer)

        def work(key: str | None, body_hash: bytes) -> tuple[int, Any]:
            allocation, created = Allocation.objects.allocate(
                org_id=org_id,
                user_id=wanted["user_id"],
                credits=wanted["credits"],
                reset_period=wanted.get("reset_period"),
                recurring=wanted["recurring"],
                notes=wanted["notes"],
                origin=Origin(self.principal.actor, current_request_id(), key, body_hash),
            )
            pool = CreditPool.objects.of(org_id)
            return 201 if created else 200, {
                "allocation": render_allocation(allocation),
                "pool": render_pool(pool),
            }

        return answer_once(
            request,
            org_id=org_id,
            operation="allocate",
            path_ids={"org_id": org_id},
            body=self.body(request),
            work=work,
        )


class AllocationsView(OrgView):
    """The allocations of an organization."""

    rules = {"GET": READ}

    @operation(
        summary="List an organization's allocations",
        description="Org billing roles and keys see all; a member sees their own.",
        responses={200: (page(AllocationSerializer), page_example(examples.ALLOCATION))},
        paginated=True,
        tags=["credits"],
    )
    def get(self, request: Request, org_id: Any) -> HttpResponse:
        """A page, newest first."""
        self.organization()
        rows = Allocation.objects.for_display().filter(org_id=org_id)
        if sees_only_own(self.principal, org_id):
            rows = rows.filter(user=self.principal.user)
        return json_response(paginate(request, rows, render_allocation))


class UserAllocationsView(OrgView):
    """One person's allocations across organizations."""

    rules = {"GET": READ}

    def authorize(self, request: Request) -> None:
        """Oneself, or whoever shares an organization in which they manage credits.

        Raises:
            PermissionRefused: there is none in common.
        """
        caller, user_id = self.principal, self.kwargs["user_id"]
        self.visible_org_ids = None
        if caller.is_service:
            caller.require(READ, caller.key.org_id if caller.key else None)
        if caller.actor_user_id == user_id:
            return
        visible = caller.org_ids()
        if visible is None:
            return
        if not caller.is_service:
            visible = {org_id for org_id in visible if caller.role_in(org_id) in BILLING_ROLES}
        shared = set(
            Member.objects.filter(user_id=user_id, org_id__in=visible).values_list(
                "org_id", flat=True
            )
        ) | set(
            Allocation.objects.filter(user_id=user_id, org_id__in=visible).values_list(
                "org_id", flat=True
            )
        )
        if not shared:
            raise PermissionRefused("This user is in no organization whose credits you may see.")
        self.visible_org_ids = shared

    @operation(
        summary="Read one person's allocations",
        description="The person sees all of them; an org billing role or a bound key those of its organizations.",
        responses={
            200: (
                UserAllocationsSerializer,
                {"user_id": examples.ALLOCATION["user_id"], "allocations": [examples.ALLOCATION]},
            )
        },
        tags=["credits"],
    )
    def get(self, request: Request, user_id: Any) -> HttpResponse:
        """All of the visible ones, by organization."""
        if not User.objects.filter(pk=user_id).exists():
            raise NotFound("There is no user with this id.")
        rows = Allocation.objects.for_display().filter(user_id=user_id)
        if self.visible_org_ids is not None:
            rows = rows.filter(org_id__in=self.visible_org_ids)
        allocations = [render_allocation(row) for row in rows.order_by("org__name", "pk")]
        return json_response({"user_id": user_id, "allocations": allocations})


class PricesView(ApiView):
    """The price catalogue."""

    @operation(
        summary="List the price catalogue",
        description="What one of each service costs now, in credits, under each plan.",
        responses={200: (page(PriceSerializer), page_example(examples.PRICE))},
        paginated=True,
        tags=["catalogue"],
    )
    def get(self, request: Request) -> HttpResponse:
        """A page, by service name."""
        rows = Price.objects.current(now())
        return json_response(paginate(request, rows, render_price, ordering=("service_id",)))
