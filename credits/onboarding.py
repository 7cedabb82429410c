"""Opening an organization: it and its pool come into being together."""

from __future__ import annotations

from django.db import transaction

from credits.models import CreditPool
from organizations.access import Principal
from organizations.models import Organization, User


def open_organization(
    *,
    name: str,
    display_name: str = "",
    timezone: str = "UTC",
    owner: User | None = None,
    by: Principal | None = None,
) -> Organization:
    """Make an organization, its empty pool and, when given, its owner's membership, in one transaction.

    Args:
        name: the slug, unique.
        display_name: what people read; the slug when empty.
        timezone: an IANA zone; allocations reset by its calendar.
        by: who asks for it; None: the operator at the command line.

    Raises:
        OrgBillingError: the name is taken or malformed, or the zone unknown.
    """
    with transaction.atomic():
        organization = Organization.objects.create_with_owner(
            name=name, display_name=display_name, timezone=timezone, owner=owner, by=by
        )
        CreditPool.objects.open(organization.pk)
        return organization
