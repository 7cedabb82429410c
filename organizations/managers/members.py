"""Who belongs to an organization, and as what; there is always an owner."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import IntegrityError, models, transaction
from psycopg.errors import UniqueViolation

from organizations.choices import AuditAction, Role
from organizations.errors import AlreadyMember, LastOwner
from organizations.events import emit
from orgbilling.lib.errors import NotFound, PermissionRefused

if TYPE_CHECKING:
    from organizations.access import Principal
    from organizations.models.member import Member
    from organizations.models.organization import Organization
    from organizations.models.user import User


class MemberManager(models.Manager["Member"]):
    """The only door to memberships.

    Permission to manage members is checked by the caller; that only an owner (or a system admin,
    or a key of all organizations) makes or unmakes an owner is checked here, under the lock.
    """

    def add(
        self, org: "Organization", user: "User", *, role: Role = Role.MEMBER, by: "Principal"
    ) -> "Member":
        """Add a person. Raises AlreadyMember, PermissionRefused."""
        if role == Role.OWNER:
            self._require_owner_maker(by, org.id)
        try:
            with transaction.atomic():
                member = self.create(org=org, user=user, role=role)
                self._tell(AuditAction.MEMBER_ADDED, member, by=by, after={"role": str(role)})
                emit(org.pk, "member.added", _facts(member, by) | {"role": str(role)})
                return member
        except IntegrityError as exc:
            if not isinstance(exc.__cause__, UniqueViolation):
                raise
            raise AlreadyMember from exc

    def bring_in(
        self, org: "Organization", user: "User", *, role: Role, joined_at: datetime
    ) -> "Member":
        """Add a member of an organization that comes from another system; the import keeps the record of it."""
        return self.create(org=org, user=user, role=role, joined_at=joined_at)

    def change_role(
        self, org_id: uuid.UUID, user_id: uuid.UUID, role: Role, *, by: "Principal"
    ) -> "Member":
        """Give a member another role. Raises NotFound, LastOwner, PermissionRefused."""
        with transaction.atomic():
            member = self._lock(org_id, user_id, leaves_ownership=role != Role.OWNER, by=by)
            if member.role != role:
                if role == Role.OWNER:
                    self._require_owner_maker(by, org_id)
                before, member.role = member.role, role
                member.save(update_fields=["role"])
                self._tell(
                    AuditAction.MEMBER_ROLE_CHANGED,
                    member,
                    by=by,
                    before={"role": before},
                    after={"role": str(role)},
                )
                emit(
                    org_id,
                    "member.role_changed",
                    _facts(member, by) | {"role": str(role), "former_role": str(before)},
                )
            return member

    def remove(self, org_id: uuid.UUID, user_id: uuid.UUID, *, by: "Principal") -> "Member":
        """Remove a member, whose credits the caller has taken back before.

        Raises NotFound, LastOwner, PermissionRefused.
        """
        with transaction.atomic():
            member = self._lock(org_id, user_id, leaves_ownership=True, by=by)
            self.filter(pk=member.pk, org_id=org_id).delete()
            self._tell(AuditAction.MEMBER_REMOVED, member, by=by, before={"role": member.role})
            emit(org_id, "member.removed", _facts(member, by))
            return member

    def _lock(
        self, org_id: uuid.UUID, user_id: uuid.UUID, *, leaves_ownership: bool, by: "Principal"
    ) -> "Member":
        """Lock the member and every owner, by id; an owner who waits sees what the other left."""
        rows = list(
            self.select_for_update(of=("self",), no_key=True)
            .select_related("user")
            .filter(models.Q(role=Role.OWNER) | models.Q(user_id=user_id), org_id=org_id)
            .order_by("id")
        )
        member = next((row for row in rows if row.user_id == user_id), None)
        if member is None:
            raise NotFound("This user is not a member of the organization.")
        if leaves_ownership and member.role == Role.OWNER:
            self._require_owner_maker(by, org_id)
            if not any(row.role == Role.OWNER and row.pk != member.pk for row in rows):
                raise LastOwner
        return member

    @staticmethod
    def _tell(action: AuditAction, member: "Member", *, by: "Principal", **change: Any) -> None:
        log: Any = apps.get_model("organizations", "AuditLogEntry").objects
        log.record(
            action,
            by=by,
            org_id=member.org_id,
            subject_user_id=member.user_id,
            subject=member.user.email,
            **change,
        )

    @staticmethod
    def _require_owner_maker(by: "Principal", org_id: uuid.UUID) -> None:
        if not by.may_make_owner(org_id):
            raise PermissionRefused("Only an owner makes or unmakes an owner.")


def _facts(member: "Member", by: "Principal") -> dict[str, Any]:
    return {"user_id": member.user_id, "email": member.user.email, "actor": by.actor}
