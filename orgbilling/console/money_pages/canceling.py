"""The end of a subscription: with its period, taken back, or at once."""

from __future__ import annotations

from django import forms

from billing import cancellation
from credits.functions import Origin
from credits.models import CreditPool
from orgbilling.console.actions import ActionForm, Change, Preview
from orgbilling.console.money_pages import wording
from orgbilling.console.money_pages.live import LivePage
from orgbilling.console.money_pages.reviewing import ReviewedPage
from orgbilling.lib.errors import InvalidRequest


class CancelAtPeriodEnd(LivePage, ReviewedPage):
    """Let it end with its period."""

    title = "Cancel at the period's end"
    operation = "cancel-at-period-end"
    verb = "Cancel at the period's end"
    button = "ob-button-danger"

    def preview(self, form: ActionForm) -> Preview:
        """Until when everything stays as it is."""
        now = self.live()
        if now.cancel_at_period_end:
            raise InvalidRequest("subscription", "It ends with its period already.")
        ends = wording.day(now.current_period_end, self.organization)
        return Preview(
            f"{now.plan.name} goes on until {ends}, then it ends. You can undo this until then.",
            [Change("After the period", "Renews", "Ends"), Change("Charged now", "", "Nothing")],
            [f"From {ends} on no credits can be spent. They stay in the pool."],
        )

    def perform(self, form: ActionForm, origin: Origin) -> str:
        """Schedule the end."""
        now = self.live()
        changed = cancellation.set_at_period_end(
            org_id=self.org_id, subscription_id=now.pk, ends=True, origin=origin
        )
        ends = wording.day(changed.current_period_end, self.organization)
        return f"The subscription ends on {ends}."


class KeepSubscription(LivePage, ReviewedPage):
    """Take the scheduled end back."""

    title = "Keep the subscription"
    operation = "keep-subscription"
    verb = "Keep the subscription"

    def preview(self, form: ActionForm) -> Preview:
        """That it goes on."""
        now = self.live()
        if not now.cancel_at_period_end:
            raise InvalidRequest("subscription", "No end is scheduled.")
        ends = wording.day(now.current_period_end, self.organization)
        return Preview(
            f"{now.plan.name} renews on {ends} and goes on. Nothing is charged now.",
            [Change("After the period", "Ends", "Renews")],
        )

    def perform(self, form: ActionForm, origin: Origin) -> str:
        """Undo it."""
        now = self.live()
        cancellation.set_at_period_end(
            org_id=self.org_id, subscription_id=now.pk, ends=False, origin=origin
        )
        return "The subscription goes on."


class CancelNowForm(ActionForm):
    """Asks for a word, so that nobody ends it by a slip."""

    confirmation = forms.CharField(
        label="Type the organization's name to confirm",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_confirmation(self) -> str:
        """The name, as it is shown."""
        name = self.page.organization.display_name
        given: str = self.cleaned_data["confirmation"]
        if given.casefold() != name.casefold():
            raise forms.ValidationError(f"Type “{name}”, as it is written at the top.")
        return given


class CancelNow(LivePage, ReviewedPage):
    """End it at once."""

    title = "Cancel at once"
    form_class = CancelNowForm
    operation = "cancel-now"
    verb = "Cancel the subscription now"
    button = "ob-button-danger"
    introduction = (
        "The subscription ends now. Nobody can spend from then on, and what is left of the paid "
        "period is not given back."
    )

    def preview(self, form: CancelNowForm) -> Preview:
        """What is lost."""
        now = self.live()
        pool = CreditPool.objects.of(self.org_id)
        warnings = ["This can't be undone: you would have to subscribe anew."]
        if overage := wording.overage_billed_now(pool, now.currency):
            warnings.append(overage)
        ends = wording.day(now.current_period_end, self.organization)
        return Preview(
            f"{now.plan.name} ends now instead of running until {ends}.",
            [
                Change("Subscription", wording.SUBSCRIPTION_BADGES[now.status].label, "Canceled"),
                Change("Spending", "As allocated", "Refused"),
            ],
            warnings,
        )

    def perform(self, form: CancelNowForm, origin: Origin) -> str:
        """Cancel it."""
        cancellation.cancel(org_id=self.org_id, subscription_id=self.live().pk, origin=origin)
        return "The subscription is canceled. The credits stay in the pool."
