"""What the console's dashboards read that concerns money and the ledger as a whole."""

from billing.reports.alerts import Alert, Severity, organization_alerts
from billing.reports.audit import audit_entries
from billing.reports.backups import BackupHealth, backup_health
from billing.reports.health import LedgerHealth, ledger_health
from billing.reports.system import (
    CreditTotals,
    PastDue,
    Revenue,
    SignUps,
    SystemReport,
    past_due,
    revenue,
    sign_ups,
    subscriptions_by_plan_and_status,
    system_credits,
    system_report,
)

__all__ = [
    "Alert",
    "BackupHealth",
    "CreditTotals",
    "LedgerHealth",
    "PastDue",
    "Revenue",
    "Severity",
    "SignUps",
    "SystemReport",
    "audit_entries",
    "backup_health",
    "ledger_health",
    "organization_alerts",
    "past_due",
    "revenue",
    "sign_ups",
    "subscriptions_by_plan_and_status",
    "system_credits",
    "system_report",
]
