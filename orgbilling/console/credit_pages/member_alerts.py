"""When a member's credits are low, so that they and the billing roles are told."""

from __future__ import annotations

from typing import Any

from django import forms

from billing import pool_settings
from credits.functions import Origin
from credits.models import Allocation
from orgbilling.console.actions import Change, Preview
from orgbilling.console.credit_pages.fields import CreditsField
from orgbilling.console.credit_pages.member_pages import MemberAllocationPage, MemberForm
from orgbilling.console.credit_pages.rehearsing import rehearse


class MemberAlertForm(MemberForm):
    """The thresholds."""

    percent = forms.IntegerField(
        label="Alert at percent",
        required=False,
        min_value=0,
        max_value=100,
        help_text="Of what is allocated to the member in this period. Empty: no such alert.",
    )
    least = CreditsField(
        label="Alert at credits",
        required=False,
        min_value=0,
        help_text="Credits left. Empty: no such alert.",
    )


class ChangeMemberAlert(MemberAllocationPage):
    """Other thresholds for a member's credits."""

    title = "Change the member's alert"
    form_class = MemberAlertForm
    operation = "member_alert"
    verb = "Save"
    introduction = (
        "The member and the billing roles are told once when what is left comes down to a threshold, and again only "
        "after it was above it. That nothing is left at all is always told."
    )

    def initial(self) -> dict[str, Any]:
        """The member and the thresholds there are."""
        return {
            **super().initial(),
            "percent": self.allocation.alert_threshold_percent,
            "least": self.allocation.alert_threshold_credits,
        }

    def preview(self, form: Any) -> Preview:
        """The thresholds before and after.

        Raises:
            OrgBillingError: what forbids it.
        """
        before = self.allocation
        after = rehearse(lambda: self._change(form, self.origin))
        same = _words(before) == _words(after)
        return Preview(
            f"{self.person}: an alert at {_words(after)}.",
            [Change("Alert at", _words(before), _words(after))],
            ["This is what it is now."] if same else _at_once(before, after),
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Change it.

        Raises:
            OrgBillingError: what forbids it.
        """
        return f"{self.person}: an alert at {_words(self._change(form, origin))}."

    def _change(self, form: Any, origin: Origin) -> Allocation:
        return pool_settings.change_member_alert(
            org_id=self.org_id,
            user_id=self.user_id,
            percent=form.cleaned_data["percent"],
            least=form.cleaned_data["least"],
            origin=origin,
        )


def _words(allocation: Allocation) -> str:
    percent, least = allocation.alert_threshold_percent, allocation.alert_threshold_credits
    said = [] if percent is None else [f"{percent} %"]
    said += [] if least is None else [f"{least:,} credits"]
    return " or ".join(said) or "nothing left"


def _at_once(before: Allocation, after: Allocation) -> list[str]:
    crossed = after.alert_level.is_low and not before.alert_level.is_low
    return ["So little is left already: they are told within a minute."] if crossed else []
