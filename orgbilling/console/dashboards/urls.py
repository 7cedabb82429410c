"""The first pages: of an organization, of the system, of somebody who belongs nowhere; and the audit."""

from __future__ import annotations

from typing import Final

from orgbilling.console.dashboards.audit import (
    OrgAudit,
    OrgAuditEntry,
    SystemAudit,
    SystemAuditEntry,
)
from orgbilling.console.dashboards.directory import OrganizationList
from orgbilling.console.dashboards.organization import OrgDashboard
from orgbilling.console.dashboards.system import CheckLedger, SystemDashboard
from orgbilling.console.dashboards.welcome import Welcome
from orgbilling.console.pages import Page

ORG: Final = "org/<uuid:org_id>/"

#: Route below ``/admin/``, view, name.
PAGES: Final[tuple[tuple[str, type[Page], str], ...]] = (
    (ORG, OrgDashboard, "org_dashboard"),
    (f"{ORG}audit/", OrgAudit, "org_audit"),
    (f"{ORG}audit/<uuid:entry_id>/", OrgAuditEntry, "org_audit_entry"),
    ("system/", SystemDashboard, "system_dashboard"),
    ("system/organizations/", OrganizationList, "system_organizations"),
    ("system/audit/", SystemAudit, "system_audit"),
    ("system/audit/<uuid:entry_id>/", SystemAuditEntry, "system_audit_entry"),
    ("system/ledger-check/", CheckLedger, "system_check_ledger"),
    ("welcome/", Welcome, "welcome"),
)
