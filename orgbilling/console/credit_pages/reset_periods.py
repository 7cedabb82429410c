"""How often a member's allocation is filled up to its budget."""

from __future__ import annotations

from typing import Any

from django import forms

from billing import pool_settings
from credits.choices import ResetPeriod
from credits.functions import Origin
from credits.models import Allocation
from orgbilling.console.actions import Change, Preview
from orgbilling.console.credit_pages.member_pages import MemberAllocationPage, MemberForm
from orgbilling.console.credit_pages.rehearsing import rehearse
from orgbilling.console.credit_pages.wording import EVERY, moment_of


class ResetPeriodForm(MemberForm):
    """The new period."""

    reset_period = forms.ChoiceField(
        label="Fill up to the budget",
        choices=[(period.value, words) for period, words in EVERY.items()],
        widget=forms.RadioSelect,
    )


class ChangeResetPeriod(MemberAllocationPage):
    """Another rhythm for a member's credits."""

    title = "Change the reset period"
    form_class = ResetPeriodForm
    operation = "reset_period"
    verb = "Change"
    introduction = (
        "No credits move now. A reset fills the allocation up to its budget from what the pool has, and starts the "
        "count of used credits again."
    )

    def initial(self) -> dict[str, Any]:
        """The member and the period there is."""
        return {**super().initial(), "reset_period": self.allocation.reset_period}

    def preview(self, form: Any) -> Preview:
        """The period and the next reset, before and after.

        Raises:
            OrgBillingError: what forbids it.
        """
        before = self.allocation
        after = rehearse(lambda: self._change(form, self.origin))
        return Preview(
            f"{self.person}: {_words(after).lower()}.",
            [
                Change("Reset", _words(before), _words(after)),
                Change("Next reset", self._next(before), self._next(after)),
            ],
            [] if before.reset_period != after.reset_period else ["This is what it is now."],
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Change it.

        Raises:
            OrgBillingError: what forbids it.
        """
        after = self._change(form, origin)
        return f"{self.person}: resets {_words(after).lower()}. Next reset: {self._next(after)}."

    def _change(self, form: Any, origin: Origin) -> Allocation:
        return pool_settings.change_reset_period(
            org_id=self.org_id,
            user_id=self.user_id,
            reset_period=form.cleaned_data["reset_period"],
            origin=origin,
        )

    def _next(self, allocation: Allocation) -> str:
        return moment_of(allocation.next_reset_date, self.organization)


def _words(allocation: Allocation) -> str:
    return EVERY[ResetPeriod(allocation.reset_period)]
