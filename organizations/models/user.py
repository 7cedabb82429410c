"""A person who can sign in, or who has been invited to."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models.functions import Collate, Lower
from django.utils import timezone

from organizations.managers.users import UserManager
from orgbilling.lib.ids import uuid7


class User(AbstractBaseUser):
    """A person, known by e-mail address and, with single sign-on, by the issuer's subject.

    Permissions are all or nothing on purpose: what a person may do inside an organization is
    their role there, and `is_superuser` makes a system admin.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail address", max_length=254)
    name = models.CharField(max_length=200, blank=True, default="")
    external_id = models.CharField(  # noqa: DJ001 - unique, so "not linked" must be NULL
        "single sign-on identity",
        max_length=600,
        null=True,
        blank=True,
        help_text="The issuer and its subject, joined by a vertical bar.",
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may open the console", default=False)
    is_superuser = models.BooleanField("system admin", default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        """Table and constraints."""

        db_table = "users"
        ordering = ("email",)
        constraints = (
            models.UniqueConstraint(
                fields=("email",),
                name="users_email_key",
                violation_error_message="There is a user with this e-mail address already.",
            ),
            models.UniqueConstraint(fields=("external_id",), name="users_external_id_key"),
            # Collation C folds ASCII only, the same on every server; Python has folded the rest.
            models.CheckConstraint(
                name="users_email_lower_check",
                condition=models.Q(email=Lower(Collate("email", "C"))),
            ),
            models.CheckConstraint(
                name="users_external_id_not_empty_check",
                condition=models.Q(external_id__isnull=True) | ~models.Q(external_id=""),
            ),
        )

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """The name, or the address of somebody who never gave one."""
        return self.name or self.email

    def get_short_name(self) -> str:
        """The same as the full name: a name has no reliable short form."""
        return self.get_full_name()

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """Whether the console shows this permission: a system admin has them all."""
        del perm, obj
        return self.is_active and self.is_superuser

    def has_perms(self, perm_list: list[str], obj: object | None = None) -> bool:
        """As `has_perm`, for several at once."""
        del perm_list, obj
        return self.is_active and self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the console shows the app at all."""
        del app_label
        return self.is_active and self.is_superuser
