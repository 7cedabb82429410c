"""The pages on which credits move."""

from __future__ import annotations

from typing import Final

from orgbilling.console.credit_pages.adding import AddCredits
from orgbilling.console.credit_pages.allocating import Allocate
from orgbilling.console.credit_pages.member_alerts import ChangeMemberAlert
from orgbilling.console.credit_pages.members import AddMember, ChangeRole, Members, RemoveMember
from orgbilling.console.credit_pages.pool_settings import PoolSettings
from orgbilling.console.credit_pages.reclaiming import Reclaim
from orgbilling.console.credit_pages.releasing import ReleaseHold
from orgbilling.console.credit_pages.reset_periods import ChangeResetPeriod
from orgbilling.console.credit_pages.usage_file import UsageFile
from orgbilling.console.credit_pages.usage_rows import RefundUsage, UsageRow
from orgbilling.console.pages import Page

ORG: Final = "org/<uuid:org_id>"
USAGE: Final = f"{ORG}/usage/<uuid:usage_id>"
MEMBERS: Final = f"{ORG}/members"

#: Route below ``/admin/``, view, name.
PAGES: Final[tuple[tuple[str, type[Page], str], ...]] = (
    (f"{ORG}/credits/add/", AddCredits, "org_add_credits"),
    (f"{ORG}/credits/allocate/", Allocate, "org_allocate"),
    (f"{ORG}/credits/reclaim/", Reclaim, "org_reclaim"),
    (f"{ORG}/credits/reset-period/", ChangeResetPeriod, "org_reset_period"),
    (f"{ORG}/credits/alert/", ChangeMemberAlert, "org_member_alert"),
    ("usage/export/", UsageFile, "usage_export"),
    (f"{USAGE}/", UsageRow, "org_usage"),
    (f"{USAGE}/refund/", RefundUsage, "org_refund"),
    (f"{ORG}/holds/<uuid:hold_id>/release/", ReleaseHold, "org_release"),
    (f"{ORG}/settings/", PoolSettings, "org_settings"),
    (f"{MEMBERS}/", Members, "org_members"),
    (f"{MEMBERS}/add/", AddMember, "org_add_member"),
    (f"{MEMBERS}/<uuid:user_id>/role/", ChangeRole, "org_change_role"),
    (f"{MEMBERS}/<uuid:user_id>/remove/", RemoveMember, "org_remove_member"),
)
