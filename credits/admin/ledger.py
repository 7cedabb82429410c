"""The console's pages about pools and closed overage: for reading. What moves credits goes through the managers."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from credits import suspension
from credits.models import CreditPool, OveragePeriod
from organizations.access import MEMBER
from organizations.scoping import ScopedAdmin, principal_of


@admin.register(CreditPool)
class CreditPoolAdmin(ScopedAdmin):
    """Pools, with what is used."""

    roles = MEMBER

    list_display = (
        "org",
        "total_credits",
        "allocated_credits",
        "used",
        "available_credits",
        "spending_until",
        "is_suspended",
    )
    list_select_related = ("org",)
    search_fields = ("org__name", "org__display_name")
    actions = ("suspend", "reactivate")

    @admin.action(
        description="Suspend the organizations: nobody may spend", permissions=["operate"]
    )
    def suspend(self, request: HttpRequest, pools: QuerySet[CreditPool]) -> None:
        """Refuse every charge of the chosen pools' organizations from now on."""
        by = principal_of(request)
        for pool in pools:
            suspension.suspend(pool.org_id, by=by)
        self.message_user(request, f"Suspended: {len(pools)}.")

    @admin.action(description="Reactivate the organizations", permissions=["operate"])
    def reactivate(self, request: HttpRequest, pools: QuerySet[CreditPool]) -> None:
        """Let them spend again, as far as their subscriptions do."""
        by = principal_of(request)
        for pool in pools:
            suspension.reactivate(pool.org_id, by=by)
        self.message_user(request, f"Reactivated: {len(pools)}.")

    def shown(self, rows: QuerySet[CreditPool]) -> QuerySet[CreditPool]:
        """Pools with their totals."""
        return CreditPool.objects.with_totals()

    @admin.display(description="Used")
    def used(self, pool: CreditPool) -> int:
        """What members have used over the organization's lifetime."""
        return pool.used_credits  # type: ignore[attr-defined, no-any-return]


@admin.register(OveragePeriod)
class OveragePeriodAdmin(ScopedAdmin):
    """Overage of closed periods."""

    list_display = ("period_end", "org", "credits", "rate")
    list_select_related = ("org",)
    search_fields = ("org__name",)
    ordering = ("-period_end", "-id")
