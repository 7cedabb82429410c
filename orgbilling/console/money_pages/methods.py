"""How the organization pays: on account, or by the cards that its provider keeps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from billing import payment_methods, providers
from billing.choices import CURRENCY, AttemptStatus, PaymentStatus
from billing.models import BillingDetails, Payment, PaymentAttempt
from billing.providers import PaymentMethod
from credits.models import CreditPool
from orgbilling.console.actions import ActionForm, Change, Preview
from orgbilling.console.money_pages import wording
from orgbilling.console.money_pages.elsewhere import ElsewherePage
from orgbilling.console.money_pages.paying import label_of, reason_of
from orgbilling.console.pages import OrgPage
from orgbilling.lib.errors import NotFound, OrgBillingError


class PaymentMethods(OrgPage):
    """What is owed, and what it is paid by; billing roles see it."""

    title = "Payment methods"
    template_name = "console/money/methods.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the cards, as far as the provider answers."""
        cards, trouble = self._cards()
        pool = CreditPool.objects.of(self.org_id)
        owed = (
            Payment.objects.pending()
            .filter(org_id=self.org_id)
            .aggregate(sum=Sum("amount"), count=Count("pk"))
        )
        on_account = Payment.objects.unpaid_purchases(self.org_id)
        return super().get_context_data(
            by_card=providers.current().collects,
            cards=[(card, label_of(card)) for card in cards],
            trouble=trouble,
            owed=wording.money(owed["sum"] or Decimal(0), CURRENCY),
            unpaid=owed["count"],
            on_account=wording.money(on_account, CURRENCY),
            limit=wording.money(pool.account_limit, CURRENCY),
            failed=self._last_failed(),
            **kwargs,
        )

    def _cards(self) -> tuple[list[PaymentMethod], str]:
        try:
            return payment_methods.methods(self.org_id), ""
        except OrgBillingError as exc:
            return [], exc.detail

    def _last_failed(self) -> dict[str, Any] | None:
        """The newest attempt at a pending payment, when it brought no money."""
        attempts = PaymentAttempt.objects.filter(
            org_id=self.org_id,
            payment__org_id=self.org_id,
            payment__status=PaymentStatus.PENDING,
        )
        last = attempts.order_by("-created_at", "-id").first()
        if last is None or last.status not in {AttemptStatus.FAILED, AttemptStatus.REQUIRES_ACTION}:
            return None
        return {
            "attempt": last,
            "amount": wording.money(last.amount, last.currency),
            "reason": reason_of(last),
        }


class AddCard(ElsewherePage):
    """Leads to the provider's own page: the card's number never comes here."""

    title = "Add a card"
    verb = "Go on to the provider"

    def preview(self, form: ActionForm) -> Preview:
        """Where it leads."""
        return Preview(
            "You enter the card on the payment provider's own page, and come back here.",
            warnings=[] if payment_methods.methods(self.org_id) else [FIRST],
        )

    def act(self, form: ActionForm) -> HttpResponseBase:
        """Begin there."""
        details = BillingDetails.objects.of(self.org_id)
        person = self.principal.user
        mine = person.email if person is not None else ""
        url = payment_methods.start_hosted_setup(
            self.organization,
            success_url=self._absolute("org_card_added"),
            cancel_url=self._absolute("org_payment_methods"),
            email=details.email if details is not None and details.email else mine,
        )
        return self.leave(url, "the payment provider's page")

    def _absolute(self, name: str) -> str:
        return self.absolute(reverse(f"admin:{name}", args=[self.org_id]))


FIRST = "The first card becomes the default, and unpaid invoices are charged to it."


class CardAdded(OrgPage):
    """Where the provider's page leads back to."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take the card in, if its webhook hasn't yet."""
        try:
            payment_methods.take_in(self.org_id, request.GET.get("setup", ""))
            if payment_methods.methods(self.org_id):
                messages.success(request, "The card is added.")
        except OrgBillingError as exc:
            messages.warning(request, exc.detail)
        return redirect("admin:org_payment_methods", org_id=self.org_id)


class CardPage(ElsewherePage):
    """What is done with one card, named in the address."""

    def card(self) -> PaymentMethod:
        """The card.

        Raises:
            NotFound: the organization has none with this id.
        """
        for card in payment_methods.methods(self.org_id):
            if card.id == self.kwargs["method_id"]:
                return card
        raise NotFound("There is no card with this id: it may have been removed.")


class MakeDefault(CardPage):
    """Charge another card."""

    title = "Make it the default card"
    verb = "Make it the default"

    def preview(self, form: ActionForm) -> Preview:
        """What is charged to it."""
        card = self.card()
        pending = Payment.objects.pending().filter(org_id=self.org_id).count()
        warning = f"It is charged for what is unpaid now: {pending} invoice{'s' * (pending != 1)}."
        return Preview(
            f"{label_of(card)} is charged from now on.",
            [Change("Default card", "Yes" if card.is_default else "No", "Yes")],
            [warning] if pending else [],
        )

    def act(self, form: ActionForm) -> HttpResponseBase:
        """Say so to the provider."""
        card = self.card()
        payment_methods.set_default(org_id=self.org_id, method_id=card.id)
        messages.success(self.request, f"{label_of(card)} is the default card.")
        return redirect(self.after_url())


class RemoveCard(CardPage):
    """Let the provider forget a card."""

    title = "Remove the card"
    verb = "Remove the card"
    button = "ob-button-danger"

    def preview(self, form: ActionForm) -> Preview:
        """What it would be missing for."""
        card = self.card()
        without = "Without a default card nothing is paid by itself: choose another one afterwards."
        return Preview(
            f"{label_of(card)} is forgotten, here and at the provider.",
            [Change("Card", label_of(card), "None")],
            [without] if card.is_default else [],
        )

    def act(self, form: ActionForm) -> HttpResponseBase:
        """Say so to the provider."""
        card = self.card()
        payment_methods.detach(org_id=self.org_id, method_id=card.id)
        messages.success(self.request, f"{label_of(card)} is removed.")
        return redirect(self.after_url())
