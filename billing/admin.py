"""The console's pages about money: for reading. What moves money goes through the API."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from billing.models import BillingEvent, BillingSummary, Payment, Plan, Subscription
from orgbilling.web.console import ForgivingAdmin, ReadOnlyAdmin


@admin.register(Plan)
class PlanAdmin(ForgivingAdmin):
    """The catalogue; a changed price is for new subscriptions, the others keep theirs."""

    list_display = ("name", "code", "monthly_price", "currency", "credit_price", "is_active")
    readonly_fields = ("code", "currency", "created_at", "updated_at")
    fields = (
        "code",
        "name",
        "description",
        "monthly_price",
        "yearly_months",
        "credit_price",
        "currency",
        "overage_ceiling",
        "is_active",
        "created_at",
        "updated_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a plan needs prices of services too, and so a migration."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        """Refuse: subscriptions name their plan for ever; one that isn't offered is made inactive."""
        return False


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Subscriptions."""

    list_display = (
        "org",
        "plan",
        "status",
        "billing_cycle",
        "monthly_price",
        "current_period_end",
        "cancel_at_period_end",
    )
    list_filter = ("status", "plan", "billing_cycle")
    list_select_related = ("org", "plan")
    search_fields = ("org__name", "org__display_name")
    ordering = ("-created_at", "-id")


@admin.register(BillingEvent)
class BillingEventAdmin(ReadOnlyAdmin):
    """The history."""

    list_display = (
        "created_at",
        "org",
        "event_type",
        "amount",
        "currency",
        "payment_status",
        "credits",
        "actor",
    )
    list_filter = ("event_type",)
    list_select_related = ("org",)
    search_fields = ("org__name", "org__display_name", "actor", "request_id")
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[BillingEvent]":
        """With the state of each payment."""
        del request
        events: models.QuerySet[BillingEvent] = BillingEvent.objects.with_payment_status()
        return events

    @admin.display(description="Payment")
    def payment_status(self, event: BillingEvent) -> str | None:
        """Whether the amount has been paid."""
        return event.payment_status


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Payments."""

    list_display = ("created_at", "org", "amount", "currency", "status", "paid_at")
    list_filter = ("status",)
    list_select_related = ("org",)
    search_fields = ("org__name", "org__display_name")
    ordering = ("-created_at", "-id")


@admin.register(BillingSummary)
class BillingSummaryAdmin(ReadOnlyAdmin):
    """One line an organization: subscription, credits, and what was billed."""

    list_display = (
        "org_name",
        "subscription_plan",
        "subscription_status",
        "monthly_revenue",
        "available_credits",
        "used_credits",
        "billed_amount",
        "paid_amount",
        "pending_amount",
    )
    list_filter = ("subscription_plan", "subscription_status")
    search_fields = ("org_name",)
    ordering = ("org_name", "org_id")
