"""Suspending an organization: nobody spends, nothing is lost."""

from __future__ import annotations

from uuid import UUID

from credits.models import CreditPool
from organizations.access import Principal
from organizations.models import Organization
from orgbilling.lib.transactions import run


def suspend(org_id: UUID, *, by: Principal | None, reason: str = "") -> None:
    """Refuse every charge of the organization from now on (422 ``organization_suspended``).

    Args:
        by: who does it; None: the operator at the command line.
        reason: for the audit log.
    """

    def work() -> None:
        Organization.objects.suspend(org_id, by=by, reason=reason)
        CreditPool.objects.set_suspended(org_id, suspended=True)

    run(work)


def reactivate(org_id: UUID, *, by: Principal | None, reason: str = "") -> None:
    """Let the organization spend again, as far as its subscription does."""

    def work() -> None:
        Organization.objects.reactivate(org_id, by=by, reason=reason)
        CreditPool.objects.set_suspended(org_id, suspended=False)

    run(work)
