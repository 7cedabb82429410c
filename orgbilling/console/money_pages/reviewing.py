"""Forms about money: nothing is charged that wasn't shown, and never more than was shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, cast

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict

from billing.errors import ChargeRisen
from billing.proration import ZERO
from orgbilling.console.actions import ActionForm, ActionPage, Preview
from orgbilling.lib.errors import OrgBillingError


class ReviewedPage(ActionPage):
    """A form that is reviewed before it is done; one that asks for nothing begins with the review."""

    after = "org_subscription"
    form_class = ActionForm
    #: Of the button that does it.
    button: ClassVar[str] = "ob-button-primary"

    def preview(self, form: Any) -> Preview:
        """What will happen.

        Raises:
            OrgBillingError: what forbids it.
        """
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The empty form, or the review where there is nothing to fill in."""
        form = self.form_class(page=self, initial=self.initial())
        if form.visible_fields():
            return self._show(form)
        return self._show_review(self.form_class(form.initial, page=self))

    def _show_review(self, form: ActionForm) -> HttpResponse:
        form.is_valid()
        try:
            return self._show(form, self.preview(form))
        except OrgBillingError as exc:
            form.add_error(None, detail_of(exc))
            return self._show(form)


class ChargingForm(ActionForm):
    """A form with the amount that was shown."""

    quoted = forms.DecimalField(required=False, widget=forms.HiddenInput)

    @property
    def agreed(self) -> Decimal:
        """The most that may be charged: nothing unless an amount was shown."""
        return cast("Decimal", self.cleaned_data["quoted"] or ZERO)

    def note(self, amount: Decimal) -> None:
        """Let the review carry the amount that it shows."""
        data = cast("QueryDict", self.data).copy()
        data["quoted"] = f"{amount:.2f}"
        self.data = data


class ChargingPage(ReviewedPage):
    """A form that charges: when it has become dearer since it was shown, it is shown again."""

    def _do(self, form: ActionForm) -> HttpResponseBase:
        try:
            return super()._do(form)
        except ChargeRisen as exc:
            shown = self.preview(form)
            again = (
                "The amount has risen since you looked, so nothing was done. "
                f"It is {exc.amount:.2f} now: look again before you confirm."
            )
            return self._show(form, Preview(shown.summary, shown.changes, [again, *shown.warnings]))


def detail_of(exc: OrgBillingError) -> str:
    """What a refusal says, in one text."""
    told = exc.extra.get("errors")
    return " ".join(error["detail"] for error in told) if told else exc.detail
