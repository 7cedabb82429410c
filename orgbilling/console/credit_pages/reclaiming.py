"""Unspent credits of a member go back to the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms

from credits.functions import Origin
from credits.models import Allocation, CreditPool
from orgbilling.console.actions import Change, Preview
from orgbilling.console.credit_pages.fields import CreditsField, NotesField
from orgbilling.console.credit_pages.member_pages import MemberAllocationPage, MemberForm
from orgbilling.console.credit_pages.rehearsing import rehearse
from orgbilling.console.credit_pages.wording import LARGE, credits_of

ALL, SOME = "all", "some"


class ReclaimForm(MemberForm):
    """All that is unspent, or an amount."""

    what = forms.ChoiceField(
        label="Take back",
        choices=((ALL, "All that is unspent"), (SOME, "An amount")),
        widget=forms.RadioSelect,
        initial=ALL,
    )
    credits = CreditsField(required=False, help_text="Only for an amount.")
    notes = NotesField(help_text="Kept in the journal.")

    def clean(self) -> dict[str, Any]:
        """An amount has a number, all has none."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "credits" not in self.errors:
            named = cleaned.get("credits") is not None
            if cleaned.get("what") == SOME and not named:
                self.add_error("credits", "Say how many credits.")
            if cleaned.get("what") == ALL and named:
                self.add_error("credits", "Choose “An amount”, or empty this.")
        return cleaned


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was taken, and the balances before and after."""

    credits: int
    allocation: Allocation
    available: int


class Reclaim(MemberAllocationPage):
    """Take credits back."""

    title = "Reclaim credits"
    form_class = ReclaimForm
    operation = "reclaim"
    verb = "Reclaim"
    introduction = (
        "Credits that the member has not spent go back to the pool, and the budget that each reset restores gets "
        "smaller by as many. What is held for running work stays held."
    )

    def preview(self, form: Any) -> Preview:
        """The member and the pool, before and after.

        Raises:
            OrgBillingError: what forbids it.
        """
        taken = rehearse(lambda: self._take(form, self.origin))
        left = taken.allocation.current_remaining_credits
        budget = taken.allocation.budget_credits
        warnings = ["Nothing is left to spend afterwards until the next reset."] if not left else []
        if taken.credits > LARGE:
            warnings.append(f"This moves more than {LARGE:,} credits. Check the amount.")
        elif left and taken.credits > left:
            warnings.append("This takes more than half of what the member has left.")
        return Preview(
            f"{credits_of(taken.credits)} from {self.person} back to the pool.",
            [
                Change(f"{self.person}: unspent", left + taken.credits, left),
                Change(f"{self.person}: budget", self.allocation.budget_credits, budget),
                Change("Available in the pool", taken.available - taken.credits, taken.available),
            ],
            warnings,
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Take them back.

        Raises:
            OrgBillingError: what forbids it.
        """
        taken = self._take(form, origin)
        return (
            f"{credits_of(taken.credits)} reclaimed from {self.person}: "
            f"the pool has {taken.available:,} available."
        )

    def _take(self, form: Any, origin: Origin) -> _Taken:
        allocation = Allocation.objects.reclaim(
            org_id=self.org_id,
            user_id=self.user_id,
            credits=form.cleaned_data["credits"],
            origin=origin,
            notes=form.cleaned_data["notes"],
        )
        pool = CreditPool.objects.of(self.org_id)
        moved: int = allocation.reclaimed_credits  # type: ignore[attr-defined]
        return _Taken(moved, allocation, pool.current_available_credits)
