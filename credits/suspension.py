"""Suspending an organization: nobody spends, nothing is lost."""

from __future__ import annotations

from uuid import UUID

from credits.models import CreditPool
from organizations.models import Organization
from orgbilling.lib.transactions import run


def suspend(org_id: UUID) -> None:
    """Refuse every charge of the organization from now on (422 ``organization_suspended``)."""

    def work() -> None:
        Organization.objects.suspend(org_id)
        CreditPool.objects.set_suspended(org_id, suspended=True)

    run(work)


def reactivate(org_id: UUID) -> None:
    """Let the organization spend again, as far as its subscription does."""

    def work() -> None:
        Organization.objects.reactivate(org_id)
        CreditPool.objects.set_suspended(org_id, suspended=False)

    run(work)
