"""What leads where in the console: only to what the person may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from organizations.access import BILLING, MANAGERS, MEMBER
from organizations.scoping import current_org_id, reach_of


@dataclass(frozen=True, slots=True)
class Item:
    """One link. `icon`: a name of Material Symbols."""

    title: str
    url: str
    icon: str
    active: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Links under one heading."""

    title: str
    items: list[Item]


#: Title, name of the address, icon, and the roles in the organization that it is for.
ORGANIZATION: Final = (
    ("Dashboard", "org_dashboard", "space_dashboard", MEMBER),
    ("Audit", "org_audit", "policy", BILLING),
    ("Pool settings", "org_settings", "tune", BILLING),
)
CREDITS: Final = (
    ("Add credits", "org_add_credits", "add_card", BILLING),
    ("Allocations", "credits_allocation_changelist", "group", MEMBER),
    ("Usage", "credits_usage_changelist", "query_stats", MEMBER),
    ("Holds", "credits_hold_changelist", "lock_clock", MEMBER),
    ("Refusals", "credits_refusal_changelist", "block", MEMBER),
    ("Journal", "credits_journalentry_changelist", "swap_horiz", BILLING),
)
MONEY: Final = (
    ("Subscription", "org_subscription", "autorenew", MEMBER),
    ("Invoices", "org_invoices", "receipt_long", BILLING),
    ("Payment methods", "org_payment_methods", "credit_card", BILLING),
    ("Billing history", "org_billing_history", "history", BILLING),
    ("Billing details", "org_billing_details", "contact_mail", BILLING),
)
PEOPLE: Final = (
    ("Members", "org_members", "badge", BILLING),
    ("API keys", "organizations_apikey_changelist", "key", MANAGERS),
    ("Webhooks", "org_webhooks", "webhook", MANAGERS),
)
GROUPS: Final = (
    ("Organization", ORGANIZATION),
    ("Credits", CREDITS),
    ("Billing", MONEY),
    ("People", PEOPLE),
)
SYSTEM: Final = (
    ("System dashboard", "system_dashboard", "monitoring"),
    ("Audit", "system_audit", "policy"),
    ("Organizations", "organizations_organization_changelist", "domain"),
    ("People", "organizations_user_changelist", "person"),
    ("Pools", "credits_creditpool_changelist", "savings"),
    ("Subscriptions", "billing_subscription_changelist", "autorenew"),
    ("Payments", "billing_payment_changelist", "payments"),
    ("Card attempts", "billing_paymentattempt_changelist", "credit_score"),
    ("Webhook inbox", "billing_webhookevent_changelist", "inbox"),
    ("Notices told", "organizations_notice_changelist", "notifications"),
    ("Billing history", "billing_billingevent_changelist", "history"),
    ("Plans", "billing_plan_changelist", "sell"),
    ("Prices", "credits_price_changelist", "price_change"),
    ("Ledger checks", "billing_ledgercheck_changelist", "fact_check"),
    ("Backups", "billing_backuprun_changelist", "backup"),
    ("Jobs", "procrastinate_procrastinatejob_changelist", "schedule"),
)

DASHBOARDS: Final = ("org_dashboard", "system_dashboard")


def navigation_of(request: HttpRequest) -> list[Group]:
    """The groups of links for the request's person and the organization they look at."""
    reach = reach_of(request)
    org_id = current_org_id(request)
    groups = []
    if org_id is not None:
        role = reach.roles.get(org_id)
        for heading, rows in GROUPS:
            items = [
                _item(request, title, name, icon, org_id)
                for title, name, icon, roles in rows
                if reach.everything or role in roles
            ]
            groups.append(Group(heading, items))
    if reach.everything:
        groups.append(Group("System", [_item(request, *row) for row in SYSTEM]))
    return [group for group in groups if group.items]


def _item(
    request: HttpRequest, title: str, name: str, icon: str, org_id: UUID | None = None
) -> Item:
    url = reverse(f"admin:{name}", args=[org_id] if name.startswith("org_") else [])
    # A dashboard's address is the beginning of others.
    active = request.path == url if name in DASHBOARDS else request.path.startswith(url)
    return Item(title, url, icon, active)
