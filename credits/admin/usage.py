"""The usage browser: who spent what on which service, when, for which request."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from credits.admin import wording
from credits.admin.listing import LedgerAdmin, LedgerChangeList, ServiceBar, SpenderColumns
from credits.choices import Operation
from credits.models import Usage


class UsageChangeList(LedgerChangeList):
    """Each row leads to its own page, which shows its refunds too."""

    def url_for_result(self, result: Any) -> str:
        """The row's page."""
        return wording.page("org_usage", result.org_id, result.pk)


@admin.register(Usage)
class UsageAdmin(SpenderColumns, LedgerAdmin):
    """What was spent, newest first."""

    person_lookup = "user_id"
    bar_class: ClassVar[type[ServiceBar]] = ServiceBar
    nothing = "No credits were spent yet. The first charge by the API shows up here at once."

    list_display = (
        "when",
        "org",
        "who",
        "service",
        "charged",
        "overage",
        "refunded",
        "remaining",
        "request_id",
    )
    ordering = ("-created_at", "-id")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LedgerChangeList]:
        """The one that leads to our page of a row."""
        return UsageChangeList

    def shown(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """With what was refunded."""
        return Usage.objects.with_refunds()

    def tools(self, request: HttpRequest, cl: LedgerChangeList) -> list[tuple[str, str]]:
        """The rows as a file, filtered as the list is."""
        return [("Export CSV", f"{wording.page('usage_export')}{cl.get_query_string()}")]

    @admin.display(description="Time", ordering="created_at")
    def when(self, row: Usage) -> str:
        """When, in the organization's zone."""
        return wording.moment(row.created_at, row.org)

    @admin.display(description="Member")
    def who(self, row: Usage) -> SafeString:
        """Whose credits."""
        return wording.person(row.user)

    @admin.display(description="Service")
    def service(self, row: Usage) -> SafeString:
        """What for; a refund says so."""
        if row.operation == Operation.REFUND:
            return format_html(
                '{} <span class="ob-badge ob-badge-warn">Refund</span>', row.service_name
            )
        return format_html("{}", row.service_name)

    @admin.display(description="Credits", ordering="credits_used")
    def charged(self, row: Usage) -> SafeString:
        """What was charged; below zero in a refund."""
        return wording.number(row.credits_used)

    @admin.display(description="Overage")
    def overage(self, row: Usage) -> SafeString:
        """The part drawn from overage."""
        return wording.number(row.overage_credits or None)

    @admin.display(description="Refunded")
    def refunded(self, row: Usage) -> SafeString:
        """What of it was given back."""
        return wording.number(row.refunded_credits or None)  # type: ignore[attr-defined]

    @admin.display(description="Left after")
    def remaining(self, row: Usage) -> SafeString:
        """What the member had left afterwards."""
        return wording.number(row.remaining_credits)
