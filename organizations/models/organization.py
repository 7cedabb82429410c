"""A customer: the tenant that every credit and every invoice belongs to."""

import datetime
from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.lookups import IsNull
from django.utils import timezone as clock

from organizations.choices import OrganizationStatus
from organizations.managers.organizations import OrganizationManager
from organizations.timezones import validate_timezone
from orgbilling.lib.ids import uuid7

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{1,62}$"
# Python's "$" would let a line feed follow; PostgreSQL's doesn't.
validate_name = RegexValidator(
    NAME_PATTERN.replace("$", r"\Z"),
    "A name has 2 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit.",
    "slug",
)


class Organization(models.Model):
    """An organization; it is suspended, never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField("slug", max_length=63, validators=(validate_name,))
    display_name = models.CharField(max_length=200)
    status = models.CharField(
        max_length=16, choices=OrganizationStatus.choices, default=OrganizationStatus.ACTIVE
    )
    timezone = models.CharField(
        "time zone", max_length=64, default="UTC", validators=(validate_timezone,)
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar[OrganizationManager] = OrganizationManager()

    class Meta:
        """Table and constraints."""

        db_table = "organizations"
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("name",), name="organizations_name_key"),
            models.CheckConstraint(
                name="organizations_name_slug_check", condition=models.Q(name__regex=NAME_PATTERN)
            ),
            models.CheckConstraint(
                name="organizations_display_name_not_empty_check",
                condition=~models.Q(display_name=""),
            ),
            models.CheckConstraint(
                name="organizations_status_check",
                condition=models.Q(status__in=OrganizationStatus.values),
            ),
            # PostgreSQL refuses a zone it doesn't know, so that no reset can ever stumble on one.
            models.CheckConstraint(
                name="organizations_timezone_known_check",
                condition=models.Q(
                    IsNull(
                        models.Func(
                            models.F("timezone"),
                            models.Value(datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)),
                            function="timezone",
                            output_field=models.DateTimeField(),
                        ),
                        rhs=False,
                    )
                ),
            ),
        )
        indexes = (models.Index(fields=("created_at", "id"), name="organizations_created_idx"),)

    def __str__(self) -> str:
        return self.display_name

    @property
    def is_suspended(self) -> bool:
        """Whether spending is stopped."""
        return self.status == OrganizationStatus.SUSPENDED
