"""Tables and views of the billing app."""

from billing.models.attempt import PaymentAttempt
from billing.models.audit import AuditEntry
from billing.models.backup_run import BackupRun
from billing.models.customer import PaymentCustomer
from billing.models.details import BillingDetails
from billing.models.history import BillingEvent
from billing.models.inbox import WebhookEvent
from billing.models.invoice import Invoice
from billing.models.ledger_check import LedgerCheck
from billing.models.payment import Payment
from billing.models.plan import Plan
from billing.models.reports import BillingSummary
from billing.models.subscription import Subscription

__all__ = [
    "AuditEntry",
    "BackupRun",
    "BillingDetails",
    "BillingEvent",
    "BillingSummary",
    "Invoice",
    "LedgerCheck",
    "Payment",
    "PaymentAttempt",
    "PaymentCustomer",
    "Plan",
    "Subscription",
    "WebhookEvent",
]
