"""The console's tables about money: for reading. What moves money goes through the console's pages or the API."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from billing.choices import PaymentStatus, SubscriptionStatus
from billing.invoices.wording import money
from billing.models import BillingEvent, BillingSummary, Payment, Plan, Subscription
from organizations.access import MEMBER
from organizations.choices import AuditAction
from organizations.models import AuditLogEntry
from organizations.scoping import ScopedAdmin, principal_of
from orgbilling.web.console import ForgivingAdmin

#: State -> colour of its label.
SUBSCRIPTION_COLORS = {
    SubscriptionStatus.TRIALING.label: "info",
    SubscriptionStatus.ACTIVE.label: "success",
    SubscriptionStatus.PAST_DUE.label: "danger",
    SubscriptionStatus.PAUSED.label: "warning",
}
PAYMENT_COLORS = {
    PaymentStatus.PENDING.label: "warning",
    PaymentStatus.PAID.label: "success",
}


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

    def save_model(
        self,
        request: HttpRequest,
        obj: Plan,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Save, and tell the audit log what was changed."""
        edit = AuditLogEntry.objects.edit(
            AuditAction.PLAN_EDITED,
            obj,
            fields=(
                "name",
                "description",
                "monthly_price",
                "yearly_months",
                "credit_price",
                "overage_ceiling",
                "is_active",
            ),
            by=principal_of(request),
        )
        with edit:
            super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a plan needs prices of services too, and so a migration."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        """Refuse: subscriptions name their plan for ever; one that isn't offered is made inactive."""
        return False


@admin.register(Subscription)
class SubscriptionAdmin(ScopedAdmin):
    """Subscriptions."""

    roles = MEMBER

    list_display = (
        "org",
        "plan",
        "state",
        "price",
        "current_period_end",
        "upcoming",
        "past_due_since",
        "created_at",
    )
    list_filter = ("status", "plan", "billing_cycle", "cancel_at_period_end")
    list_select_related = ("org", "plan", "scheduled_plan")
    search_fields = ("org__name", "org__display_name")
    ordering = ("-created_at", "-id")

    @display(description="Status", ordering="status", label=SUBSCRIPTION_COLORS)  # type: ignore[untyped-decorator]
    def state(self, subscription: Subscription) -> str:
        """In words."""
        return subscription.get_status_display()

    @admin.display(description="Price", ordering="monthly_price")
    def price(self, subscription: Subscription) -> str:
        """Of a period."""
        cycle = subscription.get_billing_cycle_display().lower()
        return f"{money(subscription.period_price, subscription.currency)} {cycle}"

    @admin.display(description="At the period's end")
    def upcoming(self, subscription: Subscription) -> str:
        """What was scheduled."""
        if subscription.cancel_at_period_end:
            return "Ends"
        words = []
        if subscription.scheduled_plan is not None:
            words.append(subscription.scheduled_plan.name)
        if subscription.scheduled_cycle is not None:
            words.append(str(subscription.get_scheduled_cycle_display()))
        return ", ".join(words)


@admin.register(BillingEvent)
class BillingEventAdmin(ScopedAdmin):
    """The history."""

    list_display = (
        "created_at",
        "org",
        "event_type",
        "price",
        "payment_status",
        "credits",
        "actor",
    )
    list_filter = ("event_type",)
    list_select_related = ("org",)
    search_fields = ("org__name", "org__display_name", "actor", "request_id")
    ordering = ("-created_at", "-id")
    date_hierarchy = "created_at"

    def shown(self, rows: QuerySet[BillingEvent]) -> QuerySet[BillingEvent]:
        """With the state of each payment."""
        events: Any = rows
        found: QuerySet[BillingEvent] = events.with_payment_status()
        return found

    @admin.display(description="Amount", ordering="amount")
    def price(self, event: BillingEvent) -> str:
        """What was billed with it, if anything."""
        return money(event.amount, event.currency) if event.amount else ""

    @display(description="Payment", label=PAYMENT_COLORS)  # type: ignore[untyped-decorator]
    def payment_status(self, event: BillingEvent) -> str | None:
        """Whether the amount has been paid, in words."""
        return PaymentStatus(event.payment_status).label if event.payment_status else None


@admin.register(Payment)
class PaymentAdmin(ScopedAdmin):
    """Payments."""

    list_display = ("created_at", "org", "reason", "price", "state", "paid_at")
    list_filter = ("status", "event__event_type")
    list_select_related = ("org", "event")
    search_fields = ("org__name", "org__display_name")
    ordering = ("-created_at", "-id")
    date_hierarchy = "created_at"

    @admin.display(description="For", ordering="event__event_type")
    def reason(self, payment: Payment) -> str:
        """The event that was billed."""
        return payment.event.get_event_type_display()

    @admin.display(description="Amount", ordering="amount")
    def price(self, payment: Payment) -> str:
        """With its currency."""
        return money(payment.amount, payment.currency)

    @display(description="Status", ordering="status", label=PAYMENT_COLORS)  # type: ignore[untyped-decorator]
    def state(self, payment: Payment) -> str:
        """In words."""
        return payment.get_status_display()


@admin.register(BillingSummary)
class BillingSummaryAdmin(ScopedAdmin):
    """One line an organization: subscription, credits, and what was billed."""

    list_display = (
        "org_name",
        "plan",
        "state",
        "monthly",
        "available_credits",
        "used_credits",
        "billed_amount",
        "paid_amount",
        "pending_amount",
        "last_event_at",
    )
    list_filter = ("subscription_plan", "subscription_status", "billing_cycle")
    search_fields = ("org_name",)
    ordering = ("org_name", "org_id")

    @admin.display(description="Plan", ordering="subscription_plan")
    def plan(self, summary: BillingSummary) -> str:
        """The live subscription's, by its code."""
        return summary.subscription_plan or "None"

    @display(description="Subscription", ordering="subscription_status", label=SUBSCRIPTION_COLORS)  # type: ignore[untyped-decorator]
    def state(self, summary: BillingSummary) -> str | None:
        """The live subscription's, in words."""
        status = summary.subscription_status
        return SubscriptionStatus(status).label if status else None

    @admin.display(description="A month", ordering="monthly_revenue")
    def monthly(self, summary: BillingSummary) -> str:
        """What it brings a month, to the cent."""
        return f"{summary.monthly_revenue:,.2f}"
