"""The console's pages about the ledger: for reading. What moves credits goes through the managers."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from credits import suspension
from credits.models import Allocation, CreditPool, JournalEntry, Price, Usage
from orgbilling.web.console import ReadOnlyAdmin


@admin.register(CreditPool)
class CreditPoolAdmin(ReadOnlyAdmin):
    """Pools, with what is used."""

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

    @admin.action(description="Suspend the organizations: nobody may spend")
    def suspend(self, request: HttpRequest, pools: QuerySet[CreditPool]) -> None:
        """Refuse every charge of the chosen pools' organizations from now on."""
        for pool in pools:
            suspension.suspend(pool.org_id)
        self.message_user(request, f"Suspended: {len(pools)}.")

    @admin.action(description="Reactivate the organizations")
    def reactivate(self, request: HttpRequest, pools: QuerySet[CreditPool]) -> None:
        """Let them spend again, as far as their subscriptions do."""
        for pool in pools:
            suspension.reactivate(pool.org_id)
        self.message_user(request, f"Reactivated: {len(pools)}.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CreditPool]:
        """Pools with their totals."""
        return CreditPool.objects.with_totals()

    @admin.display(description="Used")
    def used(self, pool: CreditPool) -> int:
        """What members have used over the organization's lifetime."""
        return pool.used_credits  # type: ignore[attr-defined, no-any-return]


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    """What members may spend."""

    list_display = (
        "user",
        "org",
        "budget_credits",
        "used_credits",
        "held_credits",
        "remaining_credits",
        "reset_period",
        "next_reset_date",
        "is_active",
    )
    list_filter = ("reset_period", "is_active")
    list_select_related = ("org", "user")
    search_fields = ("user__email", "user__name", "org__name", "org__display_name")


@admin.register(Usage)
class UsageAdmin(ReadOnlyAdmin):
    """What was spent, newest first."""

    list_display = (
        "created_at",
        "org",
        "user",
        "service_name",
        "credits_used",
        "remaining_credits",
        "request_id",
    )
    list_filter = ("operation", "service_name")
    list_select_related = ("org", "user")
    search_fields = ("request_id", "user__email")
    date_hierarchy = "created_at"
    show_full_result_count = False


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """What moved otherwise, newest first."""

    list_display = (
        "created_at",
        "org",
        "kind",
        "credits",
        "available_after",
        "remaining_after",
        "actor",
    )
    list_filter = ("kind",)
    list_select_related = ("org",)
    search_fields = ("request_id", "actor", "org__name")
    date_hierarchy = "created_at"
    show_full_result_count = False


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    """The catalogue and its history."""

    list_display = (
        "service",
        "version",
        "platform_credits",
        "byok_credits",
        "hybrid_credits",
        "effective_from",
    )
    list_filter = ("service",)
