"""Subscribing to a plan."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, cast

from django import forms

from billing.api.serializers import TRIAL_DAYS_MAX
from billing.choices import BillingCycle
from billing.errors import ChargeRisen, SubscriptionExists
from billing.models import Plan, Subscription
from billing.periods import first_period, whole_second
from billing.proration import ZERO, period_price
from billing.subscribing import Order, subscribe
from credits.functions import Origin
from organizations.errors import OrganizationSuspended
from orgbilling.console.actions import Change, Preview
from orgbilling.console.money_pages import wording
from orgbilling.console.money_pages.reviewing import ChargingForm, ChargingPage
from orgbilling.lib import clock

#: What a plan may cost at most a month, as the API's amounts.
PRICE_DIGITS: Final = 12


class SubscribeForm(ChargingForm):
    """The plan and the cycle; whoever runs the service may give a trial and name a price."""

    plan = forms.ChoiceField(widget=forms.RadioSelect)
    billing_cycle = forms.ChoiceField(
        choices=BillingCycle.choices, initial=BillingCycle.MONTHLY, widget=forms.RadioSelect
    )
    trial_days = forms.IntegerField(
        min_value=0,
        max_value=TRIAL_DAYS_MAX,
        required=False,
        help_text="Nothing is charged before the trial is over. Leave it out to begin a paid period now.",
    )
    monthly_price = forms.DecimalField(
        min_value=0,
        max_digits=PRICE_DIGITS,
        decimal_places=2,
        required=False,
        label="Price a month",
        help_text="Leave it out for the catalogue's price.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plans = cast("forms.ChoiceField", self.fields["plan"])
        plans.choices = [(plan.code, plan.name) for plan in Plan.objects.offered()]
        if not self.page.principal.is_system_admin:
            del self.fields["trial_days"], self.fields["monthly_price"]

    def order(self) -> Order:
        """What was asked for."""
        return Order(
            plan=self.cleaned_data["plan"],
            billing_cycle=self.cleaned_data["billing_cycle"],
            trial_days=self.cleaned_data.get("trial_days") or 0,
            monthly_price=self.cleaned_data.get("monthly_price"),
        )


class Subscribe(ChargingPage):
    """Begin a subscription."""

    title = "Subscribe"
    form_class = SubscribeForm
    operation = "subscribe"
    verb = "Subscribe"

    def preview(self, form: SubscribeForm) -> Preview:
        """What is charged, and for which period."""
        if self.organization.is_suspended:
            raise OrganizationSuspended("This organization is suspended: it can't subscribe.")
        if Subscription.objects.live().filter(org_id=self.org_id).exists():
            raise SubscriptionExists
        order = form.order()
        plan = Plan.objects.choose(order.plan)
        charge = _charge(plan, order)
        form.note(charge)
        begins = whole_second(clock.database_now())
        ends = begins + timedelta(days=order.trial_days)
        if not order.trial_days:
            ends = first_period(begins, order.billing_cycle)[1]
        return Preview(
            f"{self.organization.display_name} subscribes to {plan.name}, billed "
            f"{BillingCycle(order.billing_cycle).label.lower()}.",
            [
                Change("Plan", "None", plan.name),
                Change("Charged now", "", wording.money(charge, plan.currency)),
                Change("Trial" if order.trial_days else "First period", "", self._until(ends)),
                Change("Then", "", _then(plan, order)),
            ],
            self._warnings(order, charge),
        )

    def perform(self, form: SubscribeForm, origin: Origin) -> str:
        """Subscribe; never for more than was shown."""
        order = form.order()
        made = subscribe(organization=self.organization, order=order, origin=origin)
        charged = ZERO if made.is_trialing else made.period_price
        if charged > form.agreed:
            raise ChargeRisen(charged, form.agreed)
        return f"Subscribed to {made.plan.name}. {_charged(charged, made.currency)}"

    def _until(self, ends: Any) -> str:
        return f"Until {wording.day(ends, self.organization)}"

    def _warnings(self, order: Order, charge: Decimal) -> list[str]:
        if order.trial_days:
            return ["Overage is switched off in a trial."]
        return [] if charge == ZERO else ["An invoice is issued at once."]


def _charge(plan: Plan, order: Order) -> Decimal:
    if order.trial_days:
        return ZERO
    return _period_price(plan, order)


def _period_price(plan: Plan, order: Order) -> Decimal:
    monthly = plan.monthly_price if order.monthly_price is None else order.monthly_price
    return period_price(monthly, order.billing_cycle, plan.yearly_months)


def _then(plan: Plan, order: Order) -> str:
    return wording.price(_period_price(plan, order), plan.currency, order.billing_cycle)


def _charged(amount: Decimal, currency: str) -> str:
    return f"{wording.money(amount, currency)} was charged." if amount else "Nothing was charged."
