"""Opening and closing payments, and what is still unpaid."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, Min, OuterRef, Q, Subquery, Sum

from billing.choices import COLLECTING_PROVIDERS, OPEN_ATTEMPTS, EventType, PaymentStatus
from billing.dunning import FINAL_REFUSALS, RETRY_DAYS
from billing.events import tell_of_paid
from orgbilling.lib.errors import InvalidRequest, NotFound
from orgbilling.lib.jobs import defer, defer_once

if TYPE_CHECKING:
    from billing.models.history import BillingEvent
    from billing.models.payment import Payment
    from billing.models.subscription import Subscription

#: The task that issues the invoices of an organization; named here because it stands on this module.
ISSUE_TASK: Final = "billing.issue_invoices"
#: The task that collects a payment; named here and not imported, because it calls what opens payments.
COLLECT_TASK: Final = "billing.collect_payment"


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Payments by what has become of them."""

    def pending(self) -> "PaymentQuerySet":
        """Those that are neither paid nor void."""
        return self.filter(status=PaymentStatus.PENDING)

    def without_invoice(self) -> "PaymentQuerySet":
        """Those that no invoice has been issued for."""
        invoices: Any = apps.get_model("billing", "Invoice")
        mine = invoices.objects.filter(org_id=OuterRef("org_id"), payment_id=OuterRef("pk"))
        return self.filter(~Exists(mine))

    def overdue(self, moment: datetime) -> "PaymentQuerySet":
        """Those of a subscription's charge that are unpaid after the terms of payment."""
        due = moment - timedelta(days=settings.PAYMENT_TERMS_DAYS)
        return self.pending().filter(
            created_at__lte=due, event__org_id=models.F("org_id"), event__subscription__isnull=False
        )

    def to_collect(self, moment: datetime) -> "PaymentQuerySet":
        """Those that a provider is to be asked for by now: never tried, or due to be tried again.

        None with an open attempt; also of organizations that are no provider's customers.
        """
        attempts: Any = apps.get_model("billing", "PaymentAttempt").objects
        mine = attempts.filter(org_id=OuterRef("org_id"), payment_id=OuterRef("pk"))
        due = Q(tried=0)
        for tried, days in enumerate(RETRY_DAYS, start=1):
            due |= Q(tried=tried, first_tried__lte=moment - timedelta(days=days))
        annotations: dict[str, Any] = {
            "tried": Count("attempts"),
            "first_tried": Min("attempts__created_at"),
            "refusal": Subquery(mine.order_by("-number").values("failure_code")[:1]),
        }
        return (
            self.pending()
            .exclude(Exists(mine.filter(status__in=OPEN_ATTEMPTS)))
            .annotate(**annotations)
            .filter(due)
            .filter(Q(refusal__isnull=True) | ~Q(refusal__in=FINAL_REFUSALS))
        )


class PaymentManager(models.Manager.from_queryset(PaymentQuerySet)):  # type: ignore[misc]
    """The only door through which payments are opened, settled and made void."""

    def open(self, event: "BillingEvent", *, status: PaymentStatus, moment: datetime) -> "Payment":
        """Open the payment of an event's amount, in the transaction that wrote the event.

        One that is to be paid is asked for in the same transaction, where a provider collects.
        Its invoice is left to a job: numbers without a gap would make everybody wait who is billed at
        the same moment, under locks that they hold already.
        """
        payment: Payment = self.create(
            org_id=event.org_id,
            event=event,
            amount=event.amount,
            currency=event.currency,
            status=status,
            paid_at=moment if status == PaymentStatus.PAID else None,
            created_at=moment,
            updated_at=moment,
        )
        defer(ISSUE_TASK, org_id=str(event.org_id))
        if status == PaymentStatus.PENDING:
            self.ask_for(payment, moment=moment)
        return payment

    def ask_for(self, payment: "Payment", *, moment: datetime, now: bool = False) -> None:
        """Let a worker collect a payment; nothing happens where no provider collects.

        `now`: although it isn't due, because another card was chosen.
        """
        if settings.PAYMENT_PROVIDER in COLLECTING_PROVIDERS:
            defer_once(
                COLLECT_TASK,
                key=f"{COLLECT_TASK}:{payment.pk}{':now' if now else ''}",
                at=moment,
                org_id=str(payment.org_id),
                payment_id=str(payment.pk),
                now="yes" if now else "",
            )

    def find(self, *, org_id: uuid.UUID, payment_id: uuid.UUID) -> "Payment":
        """Return the payment with its event. Raises NotFound."""
        found: Payment | None = (
            self.select_related("event").filter(org_id=org_id, id=payment_id).first()
        )
        if found is None:
            raise NotFound("There is no payment with this id.")
        return found

    def settle(self, *, org_id: uuid.UUID, payment_id: uuid.UUID, moment: datetime) -> bool:
        """Make a pending payment paid; False when it was paid already.

        Raises NotFound, and InvalidRequest for one that is void.
        """
        settled = self._close(org_id, payment_id, moment, status=PaymentStatus.PAID, paid_at=moment)
        if settled:
            invoices: Any = apps.get_model("billing", "Invoice").objects
            # It may not be issued yet, and nobody waits for that.
            invoice = invoices.filter(org_id=org_id, payment_id=payment_id).first()
            tell_of_paid(invoice, self.find(org_id=org_id, payment_id=payment_id))
        return settled

    def void(self, *, org_id: uuid.UUID, payment_id: uuid.UUID, moment: datetime) -> bool:
        """Give up a pending payment; False when it was void already.

        Raises NotFound, and InvalidRequest for one that is paid.
        """
        return self._close(org_id, payment_id, moment, status=PaymentStatus.VOID)

    def _close(
        self,
        org_id: uuid.UUID,
        payment_id: uuid.UUID,
        moment: datetime,
        *,
        status: PaymentStatus,
        **values: Any,
    ) -> bool:
        # One statement decides: of two at the same moment the second waits for the first, and finds
        # nothing pending.
        row = self.filter(org_id=org_id, id=payment_id)
        if row.pending().update(status=status, updated_at=moment, **values):
            return True
        found = self.find(org_id=org_id, payment_id=payment_id)
        if found.status != status:
            raise InvalidRequest("payment", f"This payment is {found.status} already.")
        return False

    def oldest_pending(self, subscription: "Subscription") -> datetime | None:
        """When the oldest unpaid charge of a subscription was made; None when all are settled.

        To decide by it, the caller holds the subscription's lock: its charges are made and settled
        under it.
        """
        oldest: datetime | None = (
            self.pending()
            .filter(
                org_id=subscription.org_id,
                event__org_id=subscription.org_id,
                event__subscription_id=subscription.pk,
            )
            .aggregate(oldest=Min("created_at"))["oldest"]
        )
        return oldest

    def unpaid_purchases(self, org_id: uuid.UUID) -> Decimal:
        """What the organization owes for credits bought on account.

        To decide by it, the caller holds the pool's lock: purchases on account are made under it.
        """
        owed: Decimal | None = (
            self.pending()
            .filter(
                org_id=org_id,
                event__org_id=org_id,
                event__event_type=EventType.CREDIT_PURCHASE,
            )
            .aggregate(sum=Sum("amount"))["sum"]
        )
        return owed if owed is not None else Decimal("0.00")

    def owes_overage(self, org_id: uuid.UUID) -> bool:
        """Whether the organization has overage to pay for."""
        owed = self.pending().filter(
            org_id=org_id, event__org_id=org_id, event__event_type=EventType.OVERAGE_CHARGE
        )
        return bool(owed.exists())
