"""The dashboard of whoever runs the service, and the button that has the ledger proved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import proving
from billing.choices import PlanCode, SubscriptionStatus
from billing.reports import SystemReport, backup_health, system_report
from orgbilling.console.charts import Part, bar
from orgbilling.console.credit_pages.wording import money_of
from orgbilling.console.dashboards import cards
from orgbilling.console.pages import SystemPage
from orgbilling.lib.clock import now
from orgbilling.lib.replica import from_replica


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs that could be done now and aren't yet, that are being done, and that failed for good."""

    waiting: int
    doing: int
    failed: int


class SystemDashboard(SystemPage):
    """The whole business."""

    title = "System dashboard"
    template_name = "console/system_dashboard.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the report, the jobs, and whether the ledger is sound."""
        report = from_replica(system_report)()
        return super().get_context_data(
            report=report,
            chart=cards.usage_chart(report.usage),
            plans=_plans(report),
            states=[state.label for state in SubscriptionStatus],
            credits_bar=_credits_bar(report),
            jobs=jobs(),
            backups=backup_health(),
            **kwargs,
        )


class CheckLedger(SystemPage):
    """Asks for a proof of the ledger; a worker does it."""

    title = "Check the ledger"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead to the dashboard, where the button is."""
        return redirect("admin:system_dashboard")

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask, unless one waits already, and lead back."""
        with transaction.atomic():
            proving.ask(asked_by=self.principal.actor)
        messages.success(
            request,
            "The ledger is being checked. The result is here when it is done: reload the page.",
        )
        return redirect("admin:system_dashboard")


def jobs() -> Jobs:
    """How many jobs there are; what is asked for later doesn't count. One query."""
    due = Q(status="todo") & (Q(scheduled_at__isnull=True) | Q(scheduled_at__lte=now()))
    counted = ProcrastinateJob.objects.aggregate(
        waiting=Count("pk", filter=due),
        doing=Count("pk", filter=Q(status="doing")),
        failed=Count("pk", filter=Q(status="failed")),
    )
    return Jobs(**counted)


def _plans(report: SystemReport) -> list[dict[str, Any]]:
    """A row each plan: its subscriptions by state, and what they bring a month."""
    return [
        {
            "name": PlanCode(plan).label,
            "counts": list(counts.values()),
            "revenue": money_of(report.revenue.by_plan[plan][1], report.revenue.currency)
            if plan in report.revenue.by_plan
            else "",
        }
        for plan, counts in report.subscriptions.items()
    ]


def _credits_bar(report: SystemReport) -> tuple[Part, ...]:
    credits = report.credits
    return bar(
        (
            ("ob-fill-used", "Used", credits.used - credits.overage),
            ("ob-fill-held", "Held", credits.held),
            ("ob-fill-allocated", "With members, unspent", credits.remaining),
            ("ob-fill-available", "Available", credits.available),
        )
    )
