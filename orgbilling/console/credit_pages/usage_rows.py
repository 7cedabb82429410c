"""One usage row: everything about it, and its refund."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from credits import refunding
from credits.choices import Operation
from credits.functions import Origin
from credits.models import Allocation, CreditPool, Usage
from organizations.access import Rule
from orgbilling.console.actions import ActionForm, ActionPage, Change, Preview
from orgbilling.console.credit_pages.fields import CreditsField
from orgbilling.console.credit_pages.rehearsing import rehearse
from orgbilling.console.credit_pages.wording import LARGE, credits_of, moment_of, person_of
from orgbilling.console.pages import OPEN, OrgPage
from orgbilling.web.responses import encode

#: Refunds of one charge that its page lists; the sum counts all.
REFUNDS_SHOWN = 50


def row_of(org_id: UUID, usage_id: UUID) -> Usage:
    """The organization's row with its refunds' sum.

    Raises:
        Http404: it has none of this id.
    """
    rows = Usage.objects.with_refunds().select_related("user", "org")
    found = rows.filter(org_id=org_id, pk=usage_id).first()
    if found is None:
        raise Http404
    return found


def refundable(row: Usage) -> int:
    """What is left of the charge to give back; 0 for a refund."""
    if row.operation == Operation.REFUND:
        return 0
    return int(row.credits_used - row.refunded_credits)  # type: ignore[attr-defined]


class UsageRow(OrgPage):
    """What was charged, to whom, for which request, and what was given back of it."""

    rule: ClassVar[Rule] = OPEN
    template_name = "console/credits/usage_row.html"
    row: Usage

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The row.

        Raises:
            Http404: the organization has none of this id.
            PermissionDenied: it is somebody else's, and the person has no billing role.
        """
        self.row = row_of(self.org_id, kwargs["usage_id"])
        if not self.manages and self.row.user_id != self.principal.actor_user_id:
            raise PermissionDenied
        return super().get(request, *args, **kwargs)

    def page_title(self) -> str:
        """Refund or usage, and of what."""
        kind = "Refund" if self.row.operation == Operation.REFUND else "Usage"
        return f"{kind}: {self.row.service_name}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the refunds and what is left to refund."""
        row = self.row
        refunds = Usage.objects.filter(org_id=self.org_id, refund_of=row.pk).order_by("created_at")
        shown = list(refunds[:REFUNDS_SHOWN])
        return super().get_context_data(
            row=row,
            person=person_of(row.user),
            moment=moment_of(row.created_at, self.organization),
            metadata=encode(row.metadata).decode() if row.metadata else "",
            refunds=[
                {
                    "id": refund.pk,
                    "moment": moment_of(refund.created_at, self.organization),
                    "credits": -refund.credits_used,
                    "reason": (refund.metadata or {}).get("reason", ""),
                }
                for refund in shown
            ],
            refundable=refundable(row),
            **kwargs,
        )


class RefundForm(ActionForm):
    """How many credits, and why."""

    credits = CreditsField(help_text="At most what has not been refunded yet.")
    reason = forms.CharField(
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept with the refund for ever, and shown to the member.",
    )


class RefundUsage(ActionPage):
    """Give credits of a charge back."""

    title = "Refund usage"
    template_name = "console/credits/refund.html"
    form_class = RefundForm
    operation = "refund"
    verb = "Refund"

    @property
    def row(self) -> Usage:
        """The charge, as it is now."""
        return row_of(self.org_id, self.kwargs["usage_id"])

    def initial(self) -> dict[str, Any]:
        """All that is left."""
        return {"credits": refundable(self.row) or None}

    def after_url(self) -> str:
        """The row's page."""
        return reverse("admin:org_usage", args=[self.org_id, self.kwargs["usage_id"]])

    def preview(self, form: Any) -> Preview:
        """The charge, the member or the pool, before and after.

        Raises:
            OrgBillingError: what forbids it.
        """
        row = self.row
        before = self._balances(row)
        credits = form.cleaned_data["credits"]

        def refunded() -> tuple[int, dict[str, int]]:
            self._refund(form, self.origin)
            return refundable(self.row), self._balances(row)

        left, after = rehearse(refunded)
        changes = [Change("Left to refund of this charge", refundable(row), left)]
        changes += [Change(label, before[label], after[label]) for label in before]
        warnings = [f"These are more than {LARGE:,} credits."] if credits > LARGE else []
        return Preview(
            f"{credits_of(credits)} back to {person_of(row.user)} for {row.service_name}.",
            changes,
            warnings,
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Give them back.

        Raises:
            OrgBillingError: what forbids it.
        """
        self._refund(form, origin)
        return f"{credits_of(form.cleaned_data['credits'])} refunded."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the charge."""
        row = self.row
        return super().get_context_data(
            row=row,
            person=person_of(row.user),
            moment=moment_of(row.created_at, self.organization),
            refundable=refundable(row),
            **kwargs,
        )

    def _refund(self, form: Any, origin: Origin) -> None:
        refunding.refund(
            org_id=self.org_id,
            usage_id=self.kwargs["usage_id"],
            credits=form.cleaned_data["credits"],
            reason=form.cleaned_data["reason"],
            origin=origin,
        )

    def _balances(self, row: Usage) -> dict[str, int]:
        allocation = Allocation.objects.for_display().get(org_id=self.org_id, pk=row.allocation_id)
        pool = CreditPool.objects.of(self.org_id)
        unspent = f"{person_of(row.user)}: unspent"
        balances = {unspent: allocation.current_remaining_credits}
        if not allocation.is_active:
            # Of a former member everything goes to the pool.
            balances = {"Available in the pool": pool.current_available_credits}
        if row.overage_credits:
            balances["Overage of this period"] = pool.current_overage_used_period
        return balances
