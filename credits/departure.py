"""A member leaves: what is unspent goes back to the pool, and the membership ends, together or not at all."""

from __future__ import annotations

from uuid import UUID

from credits.functions import Origin
from credits.models import Allocation, CreditPool
from organizations.access import Principal
from organizations.models import Member
from orgbilling.lib.transactions import run


def remove_member(*, org_id: UUID, user_id: UUID, by: Principal, request_id: str) -> None:
    """End a membership. Usage and journal stay; the allocation is closed.

    Raises:
        NotFound: the user is not a member.
        LastOwner: nobody else owns the organization.
        PermissionRefused: an owner can only be removed by an owner.
    """
    origin = Origin(by.actor, request_id)
    run(lambda: end_membership(org_id=org_id, user_id=user_id, by=by, origin=origin))


def end_membership(*, org_id: UUID, user_id: UUID, by: Principal, origin: Origin) -> int | None:
    """Do the same inside the caller's transaction; the credits that came back, None when there was no allocation.

    Raises:
        NotFound, LastOwner, PermissionRefused: as ``remove_member``.
    """
    # Pool before allocation before membership: the foreign key of an active allocation locks the membership last.
    CreditPool.objects.lock(org_id)
    returned = Allocation.objects.close(
        org_id=org_id, user_id=user_id, origin=origin, notes="Member removed"
    )
    Member.objects.remove(org_id=org_id, user_id=user_id, by=by)
    return returned
