"""Another plan or cycle: the review shows to the cent what the doing will charge."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from billing import plan_change, renewal
from billing.choices import BillingCycle, EventType
from billing.models import BillingEvent, Plan, Subscription
from billing.plan_change import Quote
from billing.proration import ZERO
from credits.functions import Origin
from credits.models import CreditPool
from orgbilling.console.actions import Change, Preview
from orgbilling.console.money_pages import wording
from orgbilling.console.money_pages.live import LivePage
from orgbilling.console.money_pages.reviewing import ChargingForm, ChargingPage
from orgbilling.lib import clock
from orgbilling.lib.errors import InvalidRequest


class ChangeForm(ChargingForm):
    """The plan and the cycle that are wanted."""

    plan = forms.ChoiceField(widget=forms.RadioSelect)
    billing_cycle = forms.ChoiceField(choices=BillingCycle.choices, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plans = cast("forms.ChoiceField", self.fields["plan"])
        plans.choices = [(plan.code, _name(plan)) for plan in Plan.objects.offered()]


class ChangeSubscription(LivePage, ChargingPage):
    """Upgrade, downgrade, or change the cycle."""

    title = "Change the subscription"
    form_class = ChangeForm
    operation = "change-subscription"
    verb = "Confirm"
    introduction = (
        "What costs more begins at once, and is charged for the rest of the period. "
        "What costs less begins with the next period."
    )

    def initial(self) -> dict[str, Any]:
        """What there is now, unless the address asks for something else."""
        now = self.live()
        return {"plan": now.plan_id, "billing_cycle": now.billing_cycle, **super().initial()}

    def preview(self, form: ChangeForm) -> Preview:
        """The change by the very code that does it, at this moment."""
        asked = self.live()
        # The doing begins with what time has done meanwhile, and so does the quote.
        now = renewal.advance(
            org_id=self.org_id, subscription_id=asked.pk, request_id=self.origin.request_id
        )
        quoted = plan_change.quote(now, **_wanted(form), moment=clock.database_now())
        if not quoted.steps:
            raise InvalidRequest("plan", "This is what you have, or what is scheduled already.")
        form.note(quoted.amount)
        return Preview(
            self._summary(now, quoted), self._changes(now, quoted), self._warnings(now, quoted)
        )

    def perform(self, form: ChangeForm, origin: Origin) -> str:
        """Change it; never for more than was shown."""
        before = self.live()
        changed = plan_change.change(
            org_id=self.org_id,
            subscription_id=before.pk,
            **_wanted(form),
            origin=origin,
            at_most=form.agreed,
        )
        charged = BillingEvent.objects.filter(
            org_id=self.org_id,
            subscription_id=changed.pk,
            request_id=origin.request_id,
            created_at=changed.updated_at,
            event_type__in=(EventType.SUBSCRIPTION_UPGRADED, EventType.BILLING_CYCLE_CHANGED),
        )
        amount = sum((event.amount for event in charged), ZERO)
        now = f"{changed.plan.name}, billed {BillingCycle(changed.billing_cycle).label.lower()}"
        if amount:
            return f"The plan is {now}. {wording.money(amount, changed.currency)} was charged."
        if changed.scheduled_plan_id is not None or changed.scheduled_cycle is not None:
            ends = wording.day(changed.current_period_end, self.organization)
            return f"The change is scheduled for {ends}. Nothing was charged."
        return f"The plan is {now}. Nothing was charged."

    def _summary(self, now: Subscription, quoted: Quote) -> str:
        if quoted.waits and not quoted.amount:
            ends = wording.day(now.current_period_end, self.organization)
            return f"The change begins on {ends}, with the next period. Nothing is charged now."
        if now.is_trialing:
            return "The change begins now. Nothing is charged before the trial is over."
        return (
            f"The change begins now, and {wording.money(quoted.amount, now.currency)} is charged "
            "at once. The change never costs more than this amount: were it to rise before you "
            "confirm, you would be asked again."
        )

    def _changes(self, now: Subscription, quoted: Quote) -> list[Change]:
        after = _after(now, quoted)
        ceiling = after.plan.overage_ceiling
        changes = [
            Change("Plan", now.plan.name, after.plan.name),
            Change(
                "Price",
                wording.price(now.period_price, now.currency, now.billing_cycle),
                wording.price(after.period_price, after.currency, after.billing_cycle),
            ),
            Change(
                "Price of a credit",
                wording.money(now.plan.credit_price, now.currency),
                wording.money(after.plan.credit_price, now.currency),
            ),
            Change("Overage ceiling", f"{now.plan.overage_ceiling:,}", f"{ceiling:,}"),
            Change(
                "Period ends",
                wording.day(now.current_period_end, self.organization),
                wording.day(after.current_period_end, self.organization),
            ),
        ]
        kept = [change for change in changes if change.before != change.after]
        return [
            *kept,
            Change("Charged now", "", wording.money(quoted.amount, now.currency)),
        ]

    def _warnings(self, now: Subscription, quoted: Quote) -> list[str]:
        told = []
        pool = CreditPool.objects.of(self.org_id)
        after = _after(now, quoted)
        overage = wording.overage_billed_now(pool, now.currency)
        if quoted.begins_a_period and overage:
            told.append(overage)
        if pool.overage_limit > after.plan.overage_ceiling:
            told.append("Your overage limit is lowered to what the new plan allows.")
        if now.cancel_at_period_end:
            told.append(
                "The subscription still ends with its period: undo that if you want to stay."
            )
        return told


class ClearSchedule(LivePage, ChargingPage):
    """Keep the plan and the cycle that there are."""

    title = "Keep the current plan"
    form_class = ChargingForm
    operation = "clear-schedule"
    verb = "Keep the current plan"

    def preview(self, form: ChargingForm) -> Preview:
        """What won't happen."""
        now = self.live()
        if now.scheduled_plan_id is None and now.scheduled_cycle is None:
            raise InvalidRequest("plan", "No change is scheduled.")
        cycle = BillingCycle(now.scheduled_cycle or now.billing_cycle).label.lower()
        plan = now.scheduled_plan or now.plan
        form.note(ZERO)
        return Preview(
            "The scheduled change doesn't take place. Nothing is charged.",
            [
                Change(
                    "Next period",
                    f"{plan.name}, billed {cycle}",
                    f"{now.plan.name}, billed {BillingCycle(now.billing_cycle).label.lower()}",
                )
            ],
        )

    def perform(self, form: ChargingForm, origin: Origin) -> str:
        """Ask for what there is."""
        now = self.live()
        plan_change.change(
            org_id=self.org_id,
            subscription_id=now.pk,
            plan=now.plan_id,
            billing_cycle=now.billing_cycle,
            origin=origin,
            at_most=form.agreed,
        )
        return f"The scheduled change is cleared: {now.plan.name} goes on."


def _wanted(form: ChangeForm) -> dict[str, str]:
    return {name: form.cleaned_data[name] for name in ("plan", "billing_cycle")}


def _after(now: Subscription, quoted: Quote) -> Subscription:
    """The subscription as it will be, with what waits; unsaved."""
    values = {field.attname: getattr(now, field.attname) for field in now._meta.concrete_fields}
    for step in quoted.steps:
        values |= step.values
    if (code := values.pop("scheduled_plan_id")) is not None:
        values |= Plan.objects.get(code=code).terms
    if (cycle := values.pop("scheduled_cycle")) is not None:
        values["billing_cycle"] = cycle
    return Subscription(**values)


def _name(plan: Plan) -> str:
    price = wording.price(plan.monthly_price, plan.currency, BillingCycle.MONTHLY)
    return f"{plan.name}, {price}"
