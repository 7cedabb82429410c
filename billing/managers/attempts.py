"""Opening attempts to collect a payment, one at a time, and writing what became of them."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import F, Max

from billing.choices import OPEN_ATTEMPTS, AttemptStatus, PaymentStatus
from billing.events import tell_of_failure
from orgbilling.lib.errors import NotFound

if TYPE_CHECKING:
    from billing.models.attempt import PaymentAttempt


class PaymentAttemptQuerySet(models.QuerySet["PaymentAttempt"]):
    """Attempts by what has become of them."""

    def open(self) -> "PaymentAttemptQuerySet":
        """Those of which money may still come."""
        return self.filter(status__in=OPEN_ATTEMPTS)

    def of(self, *, org_id: uuid.UUID, payment_id: uuid.UUID) -> "PaymentAttemptQuerySet":
        """Those of one payment."""
        return self.filter(org_id=org_id, payment_id=payment_id)

    def unanswered(self, *, before: datetime) -> "PaymentAttemptQuerySet":
        """Those to ask the provider about again: no answer since, or settled by other means meanwhile."""
        started = models.Q(status=AttemptStatus.STARTED, updated_at__lt=before)
        overtaken = models.Q(status=AttemptStatus.REQUIRES_ACTION) & ~models.Q(
            payment__status=PaymentStatus.PENDING
        )
        return self.filter(payment__org_id=F("org_id")).filter(started | overtaken)

    def duplicates(self) -> "PaymentAttemptQuerySet":
        """Money that came twice and has not been given back: for a system admin to look at."""
        return self.filter(duplicate=True, refunded_amount__lt=F("amount"))


class PaymentAttemptManager(models.Manager.from_queryset(PaymentAttemptQuerySet)):  # type: ignore[misc]
    """The only door through which attempts are opened and closed."""

    def begin(
        self,
        *,
        org_id: uuid.UUID,
        payment_id: uuid.UUID,
        provider: str,
        customer_id: str,
        method_id: str,
        moment: datetime,
        return_url: str = "",
    ) -> "PaymentAttempt | None":
        """Open the next attempt for a pending payment, in a transaction that ends before the provider is asked.

        None: the payment isn't pending any more, or another attempt is open. Raises NotFound.
        """
        payments: Any = apps.get_model("billing", "Payment").objects
        # Under its lock, so that of two callers the second finds the attempt of the first.
        payment = (
            payments.select_for_update(no_key=True).filter(org_id=org_id, id=payment_id).first()
        )
        if payment is None:
            raise NotFound("There is no payment with this id.")
        mine = self.of(org_id=org_id, payment_id=payment_id)
        if payment.status != PaymentStatus.PENDING or mine.open().exists():
            return None
        last = mine.aggregate(last=Max("number"))["last"] or 0
        attempt: PaymentAttempt = self.create(
            org_id=org_id,
            payment_id=payment_id,
            number=last + 1,
            provider=provider,
            customer_id=customer_id,
            method_id=method_id,
            amount=payment.amount,
            currency=payment.currency,
            return_url=return_url,
            created_at=moment,
            updated_at=moment,
        )
        return attempt

    def lock(self, *, org_id: uuid.UUID, attempt_id: uuid.UUID) -> "PaymentAttempt":
        """Lock an attempt, before the subscription and everything after it. Raises NotFound."""
        found: PaymentAttempt | None = (
            self.select_for_update(no_key=True).filter(org_id=org_id, id=attempt_id).first()
        )
        if found is None:
            raise NotFound("There is no attempt with this id.")
        return found

    def write(self, attempt: "PaymentAttempt", *, moment: datetime, **values: Any) -> None:
        """Change an attempt that the caller has locked; endpoints are told when it failed."""
        fails = attempt.is_open and values.get("status") == AttemptStatus.FAILED
        self.filter(org_id=attempt.org_id, id=attempt.pk).update(updated_at=moment, **values)
        for name, value in {**values, "updated_at": moment}.items():
            setattr(attempt, name, value)
        if fails:
            tell_of_failure(attempt)

    def note_refund(
        self, *, provider: str, reference: str, amount: Decimal, moment: datetime
    ) -> bool:
        """Write how much the provider has given back in all; False: the charge is none of ours."""
        found = self.filter(provider=provider, reference=reference).first()
        if found is not None:
            self.write(found, moment=moment, refunded_amount=amount)
        return found is not None
