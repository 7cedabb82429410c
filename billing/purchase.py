"""Credits are put into a pool: given, sold at a price somebody may name, or bought on account."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.choices import CURRENCY, EventType, Operation, PaymentStatus
from billing.errors import AccountLimitExceeded
from billing.models import BillingEvent, Payment, Plan, Subscription
from billing.proration import to_cents
from credits.choices import JournalKind
from credits.functions import Origin
from credits.models import CreditPool
from organizations.errors import OrganizationSuspended
from organizations.models import Organization
from orgbilling.lib import clock
from orgbilling.lib.errors import PermissionRefused


@dataclass(frozen=True, slots=True)
class Parcel:
    """How many credits are added, and what is noted beside them.

    `amount`: the price that the caller names, None when it names none.
    """

    credits: int
    amount: Decimal | None = None
    reference: str = ""
    notes: str = ""


Result = tuple[CreditPool, BillingEvent]


@transaction.atomic
def add_at_named_price(*, org_id: uuid.UUID, parcel: Parcel, origin: Origin) -> Result:
    """Add credits at the caller's own price, paid already; at 0.00, or none, they are a grant.

    For callers who may name a price only.
    """
    amount = parcel.amount or Decimal("0.00")
    if amount > 0:
        return _add(org_id, parcel, JournalKind.PURCHASE, amount, PaymentStatus.PAID, origin)
    return _add(org_id, parcel, JournalKind.GRANT, amount, None, origin)


@transaction.atomic
def buy_on_account(*, organization: Organization, parcel: Parcel, origin: Origin) -> Result:
    """Add credits at the catalogue's price, to be paid later.

    The unpaid sum is decided under the pool's lock, so that purchases at the same moment can't pass
    the limit together. Raises PermissionRefused when another price is named, OrganizationSuspended,
    NoCreditPool, and AccountLimitExceeded.
    """
    org_id = organization.id
    amount = to_cents(credit_price(org_id) * parcel.credits)
    if parcel.amount is not None and parcel.amount != amount:
        raise PermissionRefused(
            f"The price of {parcel.credits} credits is {amount:.2f} {CURRENCY}: "
            "only a system admin or a key bound to all organizations may name another."
        )
    if organization.is_suspended:
        raise OrganizationSuspended("This organization is suspended: it can't buy on account.")
    limit = CreditPool.objects.lock(org_id).account_limit
    unpaid = Payment.objects.unpaid_purchases(org_id)
    if unpaid + amount > limit:
        raise AccountLimitExceeded(
            f"{unpaid:.2f} {CURRENCY} is unpaid and this purchase costs {amount:.2f}: "
            f"together more than the {limit:.2f} that may be owed.",
            unpaid_amount=f"{unpaid:.2f}",
            purchase_amount=f"{amount:.2f}",
            account_limit=f"{limit:.2f}",
            currency=CURRENCY,
        )
    return _add(org_id, parcel, JournalKind.PURCHASE, amount, PaymentStatus.PENDING, origin)


def credit_price(org_id: uuid.UUID) -> Decimal:
    """What one credit costs the organization: its plan's price; without one, the highest."""
    live = Subscription.objects.live().select_related("plan").filter(org_id=org_id).first()
    return live.plan.credit_price if live is not None else Plan.objects.list_credit_price()


def _add(
    org_id: uuid.UUID,
    parcel: Parcel,
    kind: JournalKind,
    amount: Decimal,
    payment: PaymentStatus | None,
    origin: Origin,
) -> Result:
    pool = CreditPool.objects.add(
        org_id=org_id,
        credits=parcel.credits,
        kind=kind,
        purchase_amount=amount,
        actor=origin.actor,
        request_id=origin.request_id,
        idempotency_key=origin.idempotency_key,
        body_hash=origin.body_hash,
        notes=parcel.notes,
    )
    metadata: dict[str, Any] = {"reference": parcel.reference} if parcel.reference else {}
    is_purchase = kind == JournalKind.PURCHASE
    event = BillingEvent.objects.record(
        org_id=org_id,
        origin=origin,
        moment=clock.database_now(),
        operation=Operation.ADD_CREDITS,
        payment=payment,
        event_type=EventType.CREDIT_PURCHASE if is_purchase else EventType.CREDIT_GRANT,
        amount=amount,
        credits=parcel.credits,
        notes=parcel.notes,
        metadata=metadata,
    )
    return pool, event
