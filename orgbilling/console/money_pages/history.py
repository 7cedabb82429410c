"""The billing history: what happened to the organization's money, and whether it was paid."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet

from billing.choices import EventType, PaymentStatus
from billing.models import BillingEvent, Plan
from orgbilling.console.money_pages import wording
from orgbilling.console.pages import OrgPage
from orgbilling.web.paginating import BoundedPaginator

PER_PAGE: Final = 50
DATE: Final = {"type": "date"}
#: Days that have a midnight in every time zone, and a next day.
CALENDAR: Final = (
    MinValueValidator(date(1900, 1, 1)),
    MaxValueValidator(date(9000, 1, 1)),
)


class HistoryFilter(forms.Form):
    """What of the history is shown; nothing given: all of it."""

    event_type = forms.ChoiceField(
        label="What happened", choices=[("", "Everything"), *EventType.choices], required=False
    )
    status = forms.ChoiceField(
        label="Payment",
        choices=[
            ("", "All"),
            *((status, wording.PAYMENT_BADGES[status].label) for status in PaymentStatus.values),
        ],
        required=False,
    )
    start = forms.DateField(
        label="From",
        required=False,
        validators=CALENDAR,
        widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d"),
    )
    end = forms.DateField(
        label="To",
        required=False,
        validators=CALENDAR,
        widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d"),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        given = super().clean() or {}
        start, end = given.get("start"), given.get("end")
        if start and end and end < start:
            self.add_error("end", "This is before the first day.")
        return given

    def lookups(self, zone: ZoneInfo) -> dict[str, Any]:
        """The filters of what was asked for; days are those of the zone, both included."""
        given = self.cleaned_data
        found: dict[str, Any] = {}
        if given.get("event_type"):
            found["event_type"] = given["event_type"]
        if given.get("status"):
            found["payment_status"] = given["status"]
        if given.get("start"):
            found["created_at__gte"] = _midnight(given["start"], zone)
        if given.get("end"):
            found["created_at__lt"] = _midnight(given["end"] + timedelta(days=1), zone)
        return found


class BillingHistory(OrgPage):
    """The events, newest first; billing roles see them."""

    title = "Billing history"
    template_name = "console/money/history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the page of events that is asked for."""
        form = HistoryFilter(self.request.GET)
        page = BoundedPaginator(self._events(form), PER_PAGE).get_page(self.request.GET.get("page"))
        plans = dict(Plan.objects.values_list("code", "name"))
        query = self.request.GET.copy()
        query.pop("page", None)
        return super().get_context_data(
            form=form,
            page=page,
            rows=[row_of(event, plans) for event in page],
            query=query.urlencode(),
            filtered=any(query.values()),
            **kwargs,
        )

    def _events(self, form: HistoryFilter) -> QuerySet[BillingEvent]:
        events: QuerySet[BillingEvent] = BillingEvent.objects.with_payment_status().filter(
            org_id=self.org_id
        )
        if form.is_valid():
            events = events.filter(**form.lookups(ZoneInfo(self.organization.timezone)))
        return events.order_by("-created_at", "-id")


def row_of(event: BillingEvent, plans: dict[str, str]) -> dict[str, Any]:
    """An event as the table shows it."""
    return {
        "event": event,
        "detail": _detail(event, plans),
        "amount": wording.money(event.amount, event.currency) if event.amount else "",
        "badge": wording.PAYMENT_BADGES.get(event.payment_status),
    }


def _detail(event: BillingEvent, plans: dict[str, str]) -> str:
    """What the event says beyond its kind."""
    told = event.metadata if isinstance(event.metadata, dict) else {}
    words = []
    if event.credits is not None:
        words.append(f"{event.credits:,} credits")
    if "overage_credits" in told:
        words.append(f"{told['overage_credits']:,} credits over the pool")
    before, after = _terms(told.get("from"), plans), _terms(told.get("to", told), plans)
    if before and after:
        words.append(f"{before} → {after}")
    elif after:
        words.append(after)
    if "payment_id" in told and "amount" in told:
        words.append(f"{event.currency} {told['amount']}")
    words += [str(told.get("reference", "")), event.notes]
    return " · ".join(word for word in words if word)


def _terms(told: Any, plans: dict[str, str]) -> str:
    if not isinstance(told, dict):
        return ""
    plan, cycle = told.get("plan"), told.get("billing_cycle")
    words = [plans.get(plan, plan) if plan else "", cycle or ""]
    return ", ".join(word for word in words if word)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)
