"""A person's place in an organization."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from organizations.choices import Role
from organizations.managers.members import MemberManager
from organizations.models.organization import Organization
from organizations.models.user import User
from orgbilling.lib.ids import uuid7


class Member(models.Model):
    """One person in one organization, once, with one role."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="members", db_index=False
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[MemberManager] = MemberManager()

    class Meta:
        """Table and constraints; the unique one begins with org_id and serves as its index."""

        db_table = "organization_members"
        ordering = ("joined_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("org", "user"),
                name="organization_members_org_id_user_id_key",
                violation_error_message="This person is a member already.",
            ),
            models.CheckConstraint(
                name="organization_members_role_check", condition=models.Q(role__in=Role.values)
            ),
        )
        indexes = (
            models.Index(fields=("org", "joined_at", "id"), name="organization_members_page_idx"),
        )

    def __str__(self) -> str:
        return f"{self.user} · {self.org} · {self.get_role_display()}"
