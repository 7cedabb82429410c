"""How the pool behaves: overage, alerts, and for whoever runs the service refreshes, rate and limit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final, cast

from django import forms
from django.http import HttpResponseBase, QueryDict

from billing import pool_settings
from billing.models import Subscription
from credits.functions import Origin
from credits.models import CreditPool
from orgbilling.console.actions import ActionForm, ActionPage, Change, Preview
from orgbilling.console.credit_pages.fields import AmountField, CreditsField
from orgbilling.console.credit_pages.rehearsing import rehearse
from orgbilling.console.credit_pages.wording import money_of
from orgbilling.lib.errors import InvalidRequest

#: Of one credit, as the API has it.
RATE_MAX: Final = Decimal("1000000.00")
MONEY: Final = frozenset({"overage_rate", "account_limit"})


def _count(label: str, text: str, *, required: bool) -> CreditsField:
    return CreditsField(label=label, help_text=text, min_value=0, required=required)


class PoolSettingsForm(ActionForm):
    """The settings that the person may change, and what they were when the change was shown."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    allow_overage = forms.BooleanField(
        label="Allow overage",
        required=False,
        help_text="Members go on when their credits are used up, until the limit. Overage is billed with the period.",
    )
    overage_limit = _count(
        "Overage limit", "Credits a period, at most what the plan allows.", required=True
    )
    alert_threshold_percent = forms.IntegerField(
        label="Alert below percent",
        required=False,
        min_value=0,
        max_value=100,
        help_text="Warn when less than this part of the pool is available. Empty: no warning.",
    )
    alert_threshold_credits = _count(
        "Alert below credits",
        "Warn when fewer credits are available. Empty: no warning.",
        required=False,
    )
    monthly_refresh_amount = _count(
        "Monthly refresh", "Credits granted to the pool every month. 0: none.", required=True
    )
    overage_rate = AmountField(
        label="Overage rate", max_value=RATE_MAX, help_text="Price of one credit of overage."
    )
    account_limit = AmountField(
        label="On-account limit",
        help_text="How much may be owed for credits before purchases are refused.",
    )

    def __init__(self, *args: Any, page: ActionPage, **kwargs: Any) -> None:
        super().__init__(*args, page=page, **kwargs)
        if not page.principal.is_system_admin:
            for name in pool_settings.OPERATOR_SETTINGS:
                del self.fields[name]

    @property
    def values(self) -> dict[str, Any]:
        """The settings as they shall be."""
        return {name: self.cleaned_data[name] for name in self.fields if name in SETTINGS}

    def note(self, pool: CreditPool) -> None:
        """Let the review carry the settings that it compares with."""
        data = cast("QueryDict", self.data).copy()
        data["seen"] = self.settings_of(pool)
        self.data = data

    def settings_of(self, pool: CreditPool) -> str:
        """The settings of the form as the pool has them."""
        return json.dumps([str(getattr(pool, name)) for name in self.fields if name in SETTINGS])


#: What the form sets: the names of the pool's columns.
SETTINGS: Final = tuple(
    name for name in PoolSettingsForm.base_fields if name not in {"key", "seen"}
)


class SettingsMoved(InvalidRequest):
    """Somebody else has changed the settings since the change was shown."""

    told = (
        "Somebody else has changed the settings since you looked, so nothing was done. "
        "Look again before you confirm."
    )

    def __init__(self) -> None:
        super().__init__("__all__", self.told, "moved")


class PoolSettings(ActionPage):
    """Change settings of the pool."""

    title = "Pool settings"
    template_name = "console/credits/settings.html"
    form_class = PoolSettingsForm
    operation = "pool_settings"
    verb = "Save changes"
    after = "org_settings"

    def initial(self) -> dict[str, Any]:
        """The settings as they are."""
        pool = CreditPool.objects.of(self.org_id)
        return {name: getattr(pool, name) for name in SETTINGS}

    def preview(self, form: Any) -> Preview:
        """What changes, before and after.

        Raises:
            InvalidRequest: nothing does, or a setting can't be.
            OrgBillingError: what else forbids it.
        """
        before = CreditPool.objects.of(self.org_id)
        changed = self._changed(form, before)
        if not changed:
            detail = "Nothing is changed yet."
            raise InvalidRequest("__all__", detail)
        form.note(before)
        after = rehearse(lambda: self._change(changed, self.origin))
        return Preview(
            "These settings of the pool will change.",
            [
                Change(
                    form.fields[name].label,
                    _shown(name, getattr(before, name)),
                    _shown(name, getattr(after, name)),
                )
                for name in changed
            ],
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Change what was shown.

        Raises:
            SettingsMoved: it would change something else.
            OrgBillingError: what else forbids it.
        """
        # Until it is done nobody else changes them; in the order in which the change locks.
        Subscription.objects.lock_live(self.org_id)
        pool = CreditPool.objects.lock(self.org_id)
        if form.cleaned_data["seen"] not in {"", form.settings_of(pool)}:
            raise SettingsMoved
        changed = self._changed(form, pool)
        self._change(changed, origin)
        names = ", ".join(str(form.fields[name].label).lower() for name in changed)
        return f"Saved: {names}." if changed else "Nothing was left to change."

    def _do(self, form: ActionForm) -> HttpResponseBase:
        try:
            return super()._do(form)
        except SettingsMoved as exc:
            shown = self.preview(form)
            warned = Preview(shown.summary, shown.changes, [exc.told, *shown.warnings])
            return self._show(form, warned)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the pool and the ceiling of the plan."""
        live = Subscription.objects.live().select_related("plan").filter(org_id=self.org_id).first()
        return super().get_context_data(
            pool=CreditPool.objects.of(self.org_id),
            ceiling=live.plan.overage_ceiling if live is not None else 0,
            live=live,
            **kwargs,
        )

    @staticmethod
    def _changed(form: Any, pool: CreditPool) -> dict[str, Any]:
        return {name: value for name, value in form.values.items() if getattr(pool, name) != value}

    def _change(self, values: dict[str, Any], origin: Origin) -> CreditPool:
        return pool_settings.change(org_id=self.org_id, values=values, origin=origin)


def _shown(name: str, value: Any) -> Any:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return money_of(value) if name in MONEY else value
