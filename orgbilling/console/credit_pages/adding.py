"""Credits are added to the pool: bought on account, or given or sold by whoever runs the service."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django import forms

from billing.errors import AccountLimitExceeded, ChargeRisen
from billing.models import Payment, Subscription
from billing.purchase import Parcel, add_at_named_price, buy_on_account, credit_price
from credits.choices import MAX_AMOUNT
from credits.functions import Origin
from credits.models import CreditPool
from orgbilling.console.actions import ActionPage, Change, Preview
from orgbilling.console.credit_pages.fields import AmountField, CreditsField, NotesField
from orgbilling.console.credit_pages.rehearsing import rehearse
from orgbilling.console.credit_pages.wording import LARGE, credits_of, money_of
from orgbilling.console.money_pages.reviewing import ChargingForm, ChargingPage

GRANT, PURCHASE = "grant", "purchase"


class AddCreditsForm(ChargingForm):
    """How many, and for whoever runs the service at which price."""

    kind = forms.ChoiceField(
        label="How",
        choices=((GRANT, "Grant: free of charge"), (PURCHASE, "Purchase: paid already")),
        widget=forms.RadioSelect,
        initial=GRANT,
    )
    credits = CreditsField(label="Credits")
    amount = AmountField(
        label="Price",
        required=False,
        help_text="What all of them cost together. Only for a purchase.",
    )
    reference = forms.CharField(
        max_length=200, required=False, help_text="Your order or invoice number, for the history."
    )
    notes = NotesField(help_text="Kept in the journal and the billing history.")

    def __init__(self, *args: Any, page: ActionPage, **kwargs: Any) -> None:
        super().__init__(*args, page=page, **kwargs)
        if not page.principal.is_system_admin:
            del self.fields["kind"], self.fields["amount"]

    def clean(self) -> dict[str, Any]:
        """A purchase has a price, a grant has none."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "amount" in self.fields and "amount" not in self.errors:
            amount = cleaned.get("amount") or Decimal(0)
            if cleaned.get("kind") == PURCHASE and amount == 0:
                self.add_error(
                    "amount", "A purchase has a price. Choose a grant to give them free."
                )
            if cleaned.get("kind") == GRANT and amount > 0:
                self.add_error("amount", "A grant has no price. Choose a purchase, or empty this.")
        return cleaned


@dataclass(frozen=True, slots=True)
class _Added:
    """What the pool has and what is owed, before or after."""

    available: int
    unpaid: Decimal
    amount: Decimal


class AddCredits(ChargingPage):
    """More credits for the pool, at the catalogue's price never for more than was shown."""

    title = "Add credits"
    template_name = "console/credits/add.html"
    form_class = AddCreditsForm
    operation = "add_credits"
    verb = "Add credits"
    after = "org_dashboard"

    @property
    def names_price(self) -> bool:
        """Whether the person decides what credits cost, or the catalogue does."""
        return self.principal.is_system_admin

    def preview(self, form: Any) -> Preview:
        """What it costs, and what the pool will have.

        Raises:
            OrgBillingError: what forbids it.
        """
        before = self._now()
        after = rehearse(lambda: self._add(form, self.origin))
        form.note(after.amount)
        wanted = form.cleaned_data["credits"]
        changes = [Change("Available in the pool", before.available, after.available)]
        if self.names_price:
            price = money_of(after.amount) if after.amount else "no charge"
            summary = f"{credits_of(wanted)} for {self.organization.display_name}, {price}."
        else:
            summary = f"{credits_of(wanted)} for {money_of(after.amount)}, to be paid on account."
            owed = Change("Owed on account", money_of(before.unpaid), money_of(after.unpaid))
            changes.append(owed)
        warnings = [f"These are more than {LARGE:,} credits."] if wanted > LARGE else []
        if before.available and wanted > 2 * before.available:
            warnings.append("This is more than twice what the pool has available now.")
        return Preview(summary, changes, warnings)

    def perform(self, form: Any, origin: Origin) -> str:
        """Add them.

        Raises:
            ChargeRisen: they cost more than was shown.
            OrgBillingError: what else forbids it.
        """
        done = self._add(form, origin)
        if not self.names_price and done.amount > form.agreed:
            raise ChargeRisen(done.amount, form.agreed)
        added = f"{credits_of(form.cleaned_data['credits'])} added"
        cost = f" for {money_of(done.amount)}" if done.amount else ""
        return f"{added}{cost}: the pool has {done.available:,} available."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the price and what may still be owed."""
        pool = CreditPool.objects.of(self.org_id)
        price = credit_price(self.org_id)
        unpaid = Payment.objects.unpaid_purchases(self.org_id)
        live = Subscription.objects.live().select_related("plan").filter(org_id=self.org_id).first()
        return super().get_context_data(
            pool=pool,
            price=money_of(price),
            plan=live.plan.name if live is not None else None,
            unpaid=money_of(unpaid),
            limit=money_of(pool.account_limit),
            affordable=affordable(price, pool.account_limit - unpaid),
            names_price=self.names_price,
            **kwargs,
        )

    def _now(self) -> _Added:
        pool = CreditPool.objects.of(self.org_id)
        unpaid = Payment.objects.unpaid_purchases(self.org_id)
        return _Added(pool.current_available_credits, unpaid, Decimal(0))

    def _add(self, form: Any, origin: Origin) -> _Added:
        fields = form.cleaned_data
        parcel = Parcel(
            credits=fields["credits"],
            amount=fields.get("amount"),
            reference=fields["reference"],
            notes=fields["notes"],
        )
        if self.names_price:
            pool, event = add_at_named_price(org_id=self.org_id, parcel=parcel, origin=origin)
        else:
            try:
                pool, event = buy_on_account(
                    organization=self.organization, parcel=parcel, origin=origin
                )
            except AccountLimitExceeded as exc:
                raise AccountLimitExceeded(f"{exc.detail} {self._way_out()}", **exc.extra) from exc
        unpaid = Payment.objects.unpaid_purchases(self.org_id)
        return _Added(pool.current_available_credits, unpaid, event.amount)

    def _way_out(self) -> str:
        pool = CreditPool.objects.of(self.org_id)
        unpaid = Payment.objects.unpaid_purchases(self.org_id)
        most = affordable(credit_price(self.org_id), pool.account_limit - unpaid)
        fewer = f"Buy at most {credits_of(most)} now, or pay" if most else "Pay"
        return f"{fewer} what is owed first. Whoever runs the service can raise the limit."


def affordable(price: Decimal, left: Decimal) -> int:
    """How many credits cost no more than what is left of the limit."""
    if left <= 0:
        return 0
    if price <= 0:
        return MAX_AMOUNT
    return min(MAX_AMOUNT, int((left / price).to_integral_value(ROUND_FLOOR)))
