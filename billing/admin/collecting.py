"""The console's pages about collecting: what was tried by card, and what the provider told us."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from billing.choices import AttemptStatus, InboxStatus
from billing.invoices.wording import money
from billing.models import PaymentAttempt, WebhookEvent
from organizations.scoping import ScopedAdmin
from orgbilling.lib.clock import database_now
from orgbilling.web.console import ReadOnlyAdmin

ATTEMPT_COLORS = {
    AttemptStatus.SUCCEEDED.label: "success",
    AttemptStatus.FAILED.label: "danger",
    AttemptStatus.REQUIRES_ACTION.label: "warning",
}
INBOX_COLORS = {InboxStatus.PROCESSED.label: "success", InboxStatus.FAILED.label: "danger"}


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(ScopedAdmin):
    """Attempts to collect payments. A duplicate is money that has to be given back."""

    list_display = (
        "created_at",
        "org",
        "price",
        "number",
        "state",
        "failure_message",
        "duplicate",
        "refunded_amount",
        "reference",
    )
    list_filter = ("status", "duplicate", "provider")
    list_select_related = ("org",)
    search_fields = ("reference", "org__name", "org__display_name")
    ordering = ("-created_at", "-id")

    @admin.display(description="Amount", ordering="amount")
    def price(self, attempt: PaymentAttempt) -> str:
        """With its currency."""
        return money(attempt.amount, attempt.currency)

    @display(description="Status", ordering="status", label=ATTEMPT_COLORS)  # type: ignore[untyped-decorator]
    def state(self, attempt: PaymentAttempt) -> str:
        """In words."""
        return AttemptStatus(attempt.status).label


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """The inbox of the payment provider's events, for system admins."""

    list_display = ("received_at", "event_type", "event_id", "state", "attempts", "error")
    list_filter = ("status", "event_type")
    search_fields = ("event_id", "event_type")
    ordering = ("-received_at", "-id")
    fields = (
        "provider",
        "event_id",
        "event_type",
        "status",
        "attempts",
        "error",
        "received_at",
        "processed_at",
        "text",
    )
    readonly_fields = ("text",)
    show_full_result_count = False
    actions = ("process_again",)

    @display(description="Status", ordering="status", label=INBOX_COLORS)  # type: ignore[untyped-decorator]
    def state(self, event: WebhookEvent) -> str:
        """In words."""
        return InboxStatus(event.status).label

    @admin.display(description="Body, as it came")
    def text(self, event: WebhookEvent) -> str:
        """What the provider sent."""
        return bytes(event.body).decode(errors="replace")

    @admin.action(description="Process again what has failed", permissions=["view"])
    def process_again(self, request: HttpRequest, events: QuerySet[Any]) -> None:
        """Ask for the chosen failed events to be processed anew; others stay as they are."""
        count = WebhookEvent.objects.reopen(events, moment=database_now())
        self.message_user(request, f"To be processed again: {count}.", messages.SUCCESS)
