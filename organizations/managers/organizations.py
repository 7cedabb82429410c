"""Making, listing and suspending organizations."""

import uuid
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone as clock
from psycopg.errors import UniqueViolation

from organizations.choices import AuditAction, OrganizationStatus, Role
from orgbilling.lib.errors import InvalidRequest

if TYPE_CHECKING:
    from organizations.access import Principal
    from organizations.models.organization import Organization
    from organizations.models.user import User


class OrganizationQuerySet(models.QuerySet["Organization"]):
    """Organizations as callers see them."""

    def with_member_count(self) -> "OrganizationQuerySet":
        """Annotate `member_count`."""
        itself = self.model.objects.filter(pk=models.OuterRef("pk")).order_by().values("pk")
        counted = itself.annotate(n=models.Count("members")).values("n")
        return self.annotate(member_count=models.Subquery(counted))

    def with_role_of(self, user: "User | None") -> "OrganizationQuerySet":
        """Annotate `role`: the person's role there, None for strangers and for services."""
        if user is None:
            return self.annotate(role=models.Value(None, output_field=models.CharField()))
        role = user.memberships.filter(org_id=models.OuterRef("pk")).order_by().values("role")
        return self.annotate(role=models.Subquery(role))

    def visible_in(self, org_ids: set[uuid.UUID] | None) -> "OrganizationQuerySet":
        """Keep the organizations of the set; None keeps all."""
        return self if org_ids is None else self.filter(id__in=org_ids)


_OrganizationManager = models.Manager.from_queryset(OrganizationQuerySet)


class OrganizationManager(_OrganizationManager["Organization"]):
    """The only door through which organizations are made and suspended."""

    def create_with_owner(
        self,
        *,
        name: str,
        display_name: str = "",
        timezone: str = "UTC",
        owner: "User | None" = None,
        by: "Principal | None" = None,
    ) -> "Organization":
        """Make an organization and its first owner; the caller makes its pool beside it.

        `by`: who asks for it; None: the operator.
        `display_name` defaults to `name`. Raises InvalidRequest with the field: `name` when it is
        taken (rule `unique`) or no slug, `timezone` when IANA doesn't know it.
        """
        organization = self.model(name=name, display_name=display_name or name, timezone=timezone)
        try:
            organization.clean_fields()
        except ValidationError as exc:
            field, problems = next(iter(exc.error_dict.items()))
            raise InvalidRequest(
                field, problems[0].messages[0], problems[0].code or "invalid"
            ) from exc
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
                if owner is not None:
                    organization.members.create(user=owner, role=Role.OWNER)
                self._tell_opened(organization, owner, by)
        except IntegrityError as exc:
            if not isinstance(exc.__cause__, UniqueViolation):
                raise
            msg = "An organization with this name exists already."
            raise InvalidRequest("name", msg, "unique") from exc
        return organization

    def bring_in(self, **values: Any) -> "Organization":
        """Insert an organization of another system, with its id, status and age; the import keeps the record of it.

        Raises IntegrityError for what the table's constraints refuse.
        """
        return self.create(**values)

    @transaction.atomic
    def suspend(self, org_id: uuid.UUID, *, by: "Principal | None", reason: str = "") -> bool:
        """Stop an organization's spending; False when it was suspended already, or isn't there.

        `by` None is the operator at the command line.
        """
        done = self._move(org_id, OrganizationStatus.ACTIVE, OrganizationStatus.SUSPENDED)
        if done:
            action = AuditAction.ORGANIZATION_SUSPENDED
            _log().record(action, by=by, org_id=org_id, reason=reason)
        return done

    @transaction.atomic
    def reactivate(self, org_id: uuid.UUID, *, by: "Principal | None", reason: str = "") -> bool:
        """Let an organization spend again; False when it was active already, or isn't there."""
        done = self._move(org_id, OrganizationStatus.SUSPENDED, OrganizationStatus.ACTIVE)
        if done:
            action = AuditAction.ORGANIZATION_REACTIVATED
            _log().record(action, by=by, org_id=org_id, reason=reason)
        return done

    def _move(
        self, org_id: uuid.UUID, before: OrganizationStatus, after: OrganizationStatus
    ) -> bool:
        rows = self.filter(id=org_id, status=before).update(status=after, updated_at=clock.now())
        return rows == 1

    @staticmethod
    def _tell_opened(
        organization: "Organization", owner: "User | None", by: "Principal | None"
    ) -> None:
        _log().record(
            AuditAction.ORGANIZATION_OPENED,
            by=by,
            org_id=organization.pk,
            subject_user_id=owner.pk if owner is not None else None,
            subject=organization.name,
            after={
                "display_name": organization.display_name,
                "timezone": organization.timezone,
                "owner": owner.email if owner is not None else None,
            },
        )


def _log() -> Any:
    return apps.get_model("organizations", "AuditLogEntry").objects
