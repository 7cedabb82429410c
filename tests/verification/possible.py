"""One right row of every kind that the ledger's tables hold, each by the name that the wrong rows begin with."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, models

from billing.invoicing import issue_missing
from billing.models import (
    BackupRun,
    BillingDetails,
    BillingEvent,
    Invoice,
    LedgerCheck,
    Payment,
    PaymentAttempt,
    PaymentCustomer,
    Plan,
    Subscription,
    WebhookEvent,
)
from billing.purchase import Parcel, buy_on_account
from billing.subscribing import Order, subscribe
from credits.models import (
    CreditPool,
    Hold,
    JournalEntry,
    LowCreditEpisode,
    OveragePeriod,
    Price,
    Refusal,
    Service,
    ServiceCell,
    StoredAnswer,
    Usage,
    UserCell,
)
from organizations.models import Organization, User
from orgbilling.lib.clock import now
from tests.ledger import ORIGIN, fund, give
from tests.verification.guards import disable_triggers

TABLES = (
    "organization_credit_pools",
    "user_credit_allocations",
    "credit_usage_attribution",
    "credit_journal",
    "credit_holds",
    "overage_periods",
    "org_billing_history",
    "payments",
    "invoices",
    "service_prices",
    "audit_log",
)


def rows(org: Organization, user: User) -> dict[str, models.Model]:
    """Write them all, past the triggers and not past the constraints."""
    subscription = subscribe(organization=org, order=Order(plan="platform"), origin=ORIGIN)
    buy_on_account(organization=org, parcel=Parcel(100), origin=ORIGIN)
    issue_missing(org.pk)
    details = BillingDetails.objects.change(org_id=org.pk, actor="system", legal_name="Alpha Ltd")
    fund(org, 1_000)
    allocation = give(org, user, 500, reset_period="daily")
    disable_triggers(*TABLES)
    made = {
        "pool": CreditPool.objects.get(org=org),
        "allocation": allocation,
        "subscription": Subscription.objects.get(pk=getattr(subscription, "pk", subscription)),
        "bought": BillingEvent.objects.get(org=org, event_type="credit_purchase"),
        "event": BillingEvent.objects.filter(org=org, credits__isnull=True).first(),
        "payment": Payment.objects.filter(org=org, status="pending").first(),
        "invoice": Invoice.objects.filter(org=org).first(),
        "details": details,
        "plan": Plan.objects.get(pk="platform"),
        "grant": JournalEntry.objects.get(org=org, kind="grant"),
        "given": JournalEntry.objects.get(org=org, kind="allocation"),
        "service": Service.objects.first(),
        "price": Price.objects.first(),
    }
    owner = {"org": org, "user": user, "allocation": allocation}
    said = {"service_name": "x", "request_id": "r", "actor": "system", "created_at": now()}
    journal = {"org": org, "available_before": 100, "request_id": "r", "actor": "system"}
    journal["created_at"] = now()
    made |= {
        "reset": JournalEntry(
            allocation=allocation,
            kind="reset",
            from_bucket="available",
            to_bucket="remaining",
            credits=10,
            available_after=90,
            remaining_before=0,
            remaining_after=10,
            period_start=now(),
            period_used_credits=0,
            **journal,
        ),
        "reclaim": JournalEntry(
            allocation=allocation,
            kind="reclaim",
            from_bucket="remaining",
            to_bucket="available",
            credits=10,
            available_after=110,
            remaining_before=10,
            remaining_after=0,
            **journal,
        ),
        "refresh": JournalEntry(
            kind="refresh",
            from_bucket="outside",
            to_bucket="available",
            credits=10,
            available_after=110,
            period_start=now(),
            **journal,
        ),
        "pending": Hold(
            credits=50,
            remaining_credits=9,
            expires_at=later(),
            updated_at=now(),
            **owner,
            **said,
        ),
        "settled": Hold(
            credits=50,
            captured_credits=20,
            released_credits=30,
            status="captured",
            settled_at=now(),
            updated_at=now(),
            remaining_credits=9,
            expires_at=later(),
            **owner,
            **said,
        ),
        "charge": Usage(credits_used=20, remaining_credits=9, **owner, **said),
        "overage": OveragePeriod(
            org=org,
            period_start=now(),
            period_end=later(),
            credits=5,
            rate=Decimal("0.01"),
            created_at=now(),
        ),
        "refusal": Refusal(
            org=org,
            day=now().date(),
            user_id=user.pk,
            code="insufficient_credits",
            refused_by="allocation",
            count=1,
            request_id="r",
            actor="system",
            first_at=now(),
            last_at=now(),
        ),
        "run": LedgerCheck(
            started_at=now(), finished_at=later(), as_of=now(), asked_by="system", checked=39
        ),
        "backup": BackupRun(
            kind="backup",
            started_at=now(),
            finished_at=later(),
            outcome="succeeded",
            file_name="orgbilling.dump",
            bytes=1,
            sha256="0" * 64,
        ),
        "answer": StoredAnswer(
            org=org, operation="deduct", key="k", body_hash=b"h", status=402, created_at=now()
        ),
    }
    made["episode"] = LowCreditEpisode(
        org=org,
        allocation=allocation,
        level="low",
        left_credits=1,
        whole_credits=10,
        began_at=now(),
    )
    cell = {"org": org, "grain": "hour", "starts_at": now(), "credits": 5, "requests": 1}
    made["service_cell"] = ServiceCell(service_name="x", **cell)
    made["user_cell"] = UserCell(user_id=user.pk, **cell)
    made["customer"] = PaymentCustomer(
        org=org, provider="stripe", customer_id="cus_1", created_at=now()
    )
    made["attempt"] = PaymentAttempt(
        org=org,
        payment=made["payment"],
        number=1,
        provider="stripe",
        customer_id="cus_1",
        method_id="pm_1",
        amount=Decimal("5.00"),
        currency="USD",
        created_at=now(),
        updated_at=now(),
    )
    made["webhook"] = WebhookEvent(
        provider="stripe", event_id="evt_1", event_type="t", body=b"{}", received_at=now()
    )
    made["capture"] = Usage(
        operation="capture",
        credits_used=20,
        hold_id=made["settled"].pk,
        remaining_credits=9,
        **owner,
        **said,
    )
    made["refund"] = Usage(
        operation="refund",
        credits_used=-5,
        refund_of=made["charge"],
        remaining_credits=9,
        **owner,
        **said,
    )
    for row in made.values():
        if row._state.adding:
            row.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return made


def later() -> Any:
    return now() + timedelta(hours=1)
