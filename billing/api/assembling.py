"""What the three dashboards show, put together from every app in a fixed number of queries."""

from decimal import Decimal
from typing import Any, Final

from django.db.models import QuerySet
from rest_framework.request import Request

from billing.api.rendering import render_event, render_revenue, render_subscription
from billing.choices import CURRENCY
from billing.models import BillingEvent, Plan, Subscription
from billing.proration import to_cents
from credits import reports
from credits.api.rendering import render_allocation, render_pool
from credits.models import Allocation, CreditPool
from organizations.access import Principal
from organizations.api.rendering import render_organization
from organizations.models import Member, Organization, User
from orgbilling.web.pagination import PAGE_SIZE_MAX, paginate
from orgbilling.web.responses import money

RECENT_EVENTS: Final = 10
TOP_ORGANIZATIONS: Final = 10


def user_dashboard(user: User) -> dict[str, Any]:
    """Return a person's organizations, what they may spend there, and what they have used."""
    memberships = list(
        Member.objects.filter(user_id=user.id).select_related("org").order_by("org__name")
    )
    org_ids = [membership.org_id for membership in memberships]
    plans = dict(
        Subscription.objects.live().filter(org_id__in=org_ids).values_list("org_id", "plan_id")
    )
    allocations = {
        row.org_id: row
        for row in Allocation.objects.for_display().filter(user_id=user.id, org_id__in=org_ids)
    }
    return {
        "user_id": user.id,
        "email": user.email,
        "organizations": [
            {
                "org_id": membership.org_id,
                "org_name": membership.org.display_name,
                "role": membership.role,
                "subscription_plan": plans.get(membership.org_id),
                "allocation": _allocation(allocations.get(membership.org_id)),
            }
            for membership in memberships
        ],
        "usage_30_days": reports.usage_30_days(org_ids=org_ids, user_id=user.id),
    }


def org_dashboard(organization: Organization, caller: Principal) -> dict[str, Any]:
    """Return an organization's subscription, credits, members' allocations, usage and newest events."""
    org_id = organization.id
    subscription = Subscription.objects.live().with_names().filter(org_id=org_id).first()
    pool = CreditPool.objects.with_totals().select_related("org").filter(org_id=org_id).first()
    events = BillingEvent.objects.with_payment_status().filter(org_id=org_id)
    return {
        "organization": render_organization(
            organization,
            caller.role_in(org_id),
            Member.objects.filter(org_id=org_id).count(),
        ),
        "subscription": render_subscription(subscription) if subscription is not None else None,
        "credit_pool": render_pool(pool) if pool is not None else None,
        "allocations": [render_allocation(row) for row in _largest_users(org_id)],
        "usage_30_days": reports.usage_30_days(org_id=org_id, by_user=True),
        "recent_events": [
            render_event(row) for row in events.order_by("-created_at", "-id")[:RECENT_EVENTS]
        ],
    }


def system_dashboard(request: Request, caller: Principal) -> dict[str, Any]:
    """Return a page of the organizations, the recurring revenue and the credits of all of them."""
    organizations = Organization.objects.with_member_count().with_role_of(caller.user)
    by_plan = Subscription.objects.revenue_by_plan()
    mrr = to_cents(sum((revenue for _, revenue in by_plan.values()), Decimal(0)))
    nothing = (0, Decimal(0))
    return {
        "organizations": paginate(request, organizations, _annotated),
        "revenue": {
            "mrr": money(mrr),
            "arr": money(12 * mrr),
            "active_subscriptions": sum(count for count, _ in by_plan.values()),
            "currency": CURRENCY,
        },
        "plans": [
            render_revenue(code, count, to_cents(revenue))
            for code, (count, revenue) in (
                (code, by_plan.get(code, nothing))
                for code in Plan.objects.order_by("code").values_list("code", flat=True)
            )
        ],
        "top_organizations": reports.top_organizations(TOP_ORGANIZATIONS),
        "credits": reports.system_totals(),
        "usage_by_day": reports.system_usage_by_day(),
    }


def _allocation(row: Allocation | None) -> dict[str, Any] | None:
    return render_allocation(row) if row is not None else None


def _annotated(organization: Any) -> dict[str, Any]:
    return render_organization(organization, organization.role, organization.member_count)


def _largest_users(org_id: Any) -> "QuerySet[Allocation]":
    """The active allocations by what was used of them; GET /credits/{org_id}/allocations pages all."""
    active = Allocation.objects.for_display().filter(org_id=org_id, is_active=True)
    return active.order_by("-used_credits", "-remaining_credits", "id")[:PAGE_SIZE_MAX]
