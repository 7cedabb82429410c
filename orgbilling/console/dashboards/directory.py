"""The list of all organizations, searched by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q

from billing.choices import SubscriptionStatus
from billing.models import Subscription
from credits.models import CreditPool
from organizations.models import Member, Organization
from orgbilling.console.dashboards import cards
from orgbilling.console.pages import SystemPage
from orgbilling.web.paginating import BoundedPaginator
from orgbilling.web.strict_json import storable

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One organization in short; `plan` is empty without a live subscription."""

    org_id: UUID
    name: str
    slug: str
    suspended: bool
    plan: str
    status: str
    badge: str
    members: int
    available: int
    total: int


class OrganizationList(SystemPage):
    """Finds an organization by a part of its name, and leads to its dashboard."""

    title = "All organizations"
    template_name = "console/organization_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With one page of what is found."""
        search = self.request.GET.get("q", "").strip()
        found = Organization.objects.order_by("display_name", "pk")
        if not storable(search):
            found = found.none()
        for word in search.split():
            found = found.filter(Q(display_name__icontains=word) | Q(name__icontains=word))
        paginator = BoundedPaginator(found, PAGE)
        page = paginator.get_page(self.request.GET.get("page"))
        return super().get_context_data(
            search=search,
            page=page,
            count=paginator.count_text,
            rows=rows_of(list(page.object_list)),
            **kwargs,
        )


def rows_of(organizations: list[Organization]) -> list[Row]:
    """The organizations with their plans, pools and members, in their order. Three queries."""
    ids = [organization.pk for organization in organizations]
    live = Subscription.objects.live().select_related("plan").filter(org_id__in=ids)
    plans = {subscription.org_id: subscription for subscription in live}
    pools = {pool.org_id: pool for pool in CreditPool.objects.filter(org_id__in=ids)}
    counted = Member.objects.filter(org_id__in=ids).order_by().values_list("org_id")
    members = dict(counted.annotate(count=Count("pk")))
    rows = []
    for organization in organizations:
        subscription, pool = plans.get(organization.pk), pools.get(organization.pk)
        status = SubscriptionStatus(subscription.status) if subscription is not None else None
        rows.append(
            Row(
                org_id=organization.pk,
                name=organization.display_name,
                slug=organization.name,
                suspended=organization.is_suspended,
                plan=subscription.plan.name if subscription is not None else "",
                status=status.label if status is not None else "",
                badge=cards.BADGES[status] if status is not None else "",
                members=members.get(organization.pk, 0),
                available=pool.available_credits if pool is not None else 0,
                total=pool.total_credits if pool is not None else 0,
            )
        )
    return rows
