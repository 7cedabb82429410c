"""A service account's key: only its hash is kept."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from organizations.choices import Scope
from organizations.managers.api_keys import ApiKeyManager
from organizations.models.organization import Organization
from organizations.models.user import User
from orgbilling.lib.ids import uuid7


class ApiKey(models.Model):
    """A key of a service, bound to one organization or, with `org` null, to all of them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="api_keys"
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    key_hash = models.CharField("SHA-256 of the key", max_length=64)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope.choices))
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[ApiKeyManager] = ApiKeyManager()

    class Meta:
        """Table and constraints."""

        db_table = "api_keys"
        verbose_name = "API key"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("key_hash",), name="api_keys_key_hash_key"),
            models.CheckConstraint(
                name="api_keys_hash_check",
                condition=models.Q(key_hash__regex=r"^[0-9a-f]{64}$"),
            ),
            models.CheckConstraint(
                name="api_keys_prefix_check",
                condition=models.Q(prefix__regex=r"^obk_[0-9A-Za-z]{8}$"),
            ),
            models.CheckConstraint(
                name="api_keys_scopes_known_check",
                condition=models.Q(scopes__contained_by=Scope.values),
            ),
            models.CheckConstraint(
                name="api_keys_scopes_not_empty_check",
                condition=models.Q(scopes__len__gte=1),
            ),
            models.CheckConstraint(
                name="api_keys_expiry_check",
                condition=models.Q(expires_at__isnull=True)
                | models.Q(expires_at__gt=models.F("created_at")),
            ),
        )

    # Read by the web floor, which knows no app: service keys have a budget of their own.
    is_service_key = True

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_dead(self) -> bool:
        """Whether it was revoked or has expired."""
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return expired or self.revoked_at is not None

    @property
    def throttle_identity(self) -> str:
        """Whose budget the key's calls are counted against: its own."""
        return f"key:{self.id}"
