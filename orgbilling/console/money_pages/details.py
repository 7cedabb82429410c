"""What the organization wants to read on its invoices about itself."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.models import BillingDetails
from credits.functions import Origin
from orgbilling.console.actions import ActionForm, ActionPage


def _text(name: str, widget: forms.Widget | None = None, **attrs: str) -> forms.CharField:
    """A field of the form as the table has it; the table's manager decides what it may hold."""
    column: Any = BillingDetails._meta.get_field(name)
    shown = widget or forms.TextInput()
    shown.attrs |= attrs
    return forms.CharField(
        max_length=column.max_length,
        required=False,
        help_text=column.help_text,
        label=str(column.verbose_name).capitalize(),
        widget=shown,
    )


class DetailsForm(ActionForm):
    """The buyer's part of an invoice."""

    legal_name = _text("legal_name", autocomplete="organization")
    email = _text("email", forms.EmailInput(), autocomplete="email")
    address = _text("address", forms.Textarea(attrs={"rows": 4}), autocomplete="street-address")
    country = _text("country", autocomplete="country-name")
    tax_id = _text("tax_id")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "legal_name"
        ].help_text = f"Without one your invoices name {self.page.organization.display_name}."


class EditBillingDetails(ActionPage):
    """Billing roles change them; nothing to review, since it can be changed again."""

    title = "Billing details"
    form_class = DetailsForm
    template_name = "console/money/details.html"
    operation = "billing-details"
    verb = "Save"
    introduction = (
        "Printed on the invoices that are issued from now on. Those issued before stay as they are."
    )
    after = "org_invoices"

    def initial(self) -> dict[str, Any]:
        """What there is now."""
        details = BillingDetails.objects.of(self.org_id) or BillingDetails()
        return {name: getattr(details, name) for name in BillingDetails.objects.FIELDS}

    def perform(self, form: DetailsForm, origin: Origin) -> str:
        """Write them."""
        values = {name: form.cleaned_data[name] for name in BillingDetails.objects.FIELDS}
        BillingDetails.objects.change(org_id=self.org_id, actor=origin.actor, **values)
        return "The billing details are saved."
