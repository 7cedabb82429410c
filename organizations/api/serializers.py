"""Bodies that the organizations API takes, and the shapes that it answers with."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from organizations.choices import OrganizationStatus, Role, Scope
from organizations.models.organization import validate_name
from organizations.timezones import validate_timezone
from orgbilling.lib.clock import now
from orgbilling.web.fields import (
    StrictCharField,
    StrictSerializer,
    StrictUUIDField,
    UtcDateTimeField,
)


@extend_schema_field(
    {
        "type": "string",
        "format": "iana-time-zone",
        "maxLength": 64,
        "examples": ["Europe/Berlin"],
    }
)
class TimezoneField(StrictCharField):
    """The name of an IANA time zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, "validators": [validate_timezone], **kwargs})


class OrganizationCreateSerializer(StrictSerializer):
    """Body of POST /organizations."""

    name = StrictCharField(max_length=63, validators=[validate_name])
    display_name = StrictCharField(max_length=200, required=False, allow_blank=True, default="")
    timezone = TimezoneField(required=False, default="UTC")


class MemberAddSerializer(StrictSerializer):
    """Body of POST /organizations/{org_id}/members: a person, by id or by e-mail."""

    exactly_one_of = ("user_id", "email")

    user_id = StrictUUIDField(required=False)
    email = serializers.EmailField(required=False, max_length=254)
    role = serializers.ChoiceField(Role.choices, required=False, default=Role.MEMBER)

    def validate_role(self, role: str) -> Role:
        """Return the role itself rather than its word."""
        return Role(role)


class MemberChangeSerializer(StrictSerializer):
    """Body of PATCH /organizations/{org_id}/members/{user_id}."""

    role = serializers.ChoiceField(Role.choices)

    def validate_role(self, role: str) -> Role:
        """Return the role itself rather than its word."""
        return Role(role)


class ApiKeyIssueSerializer(StrictSerializer):
    """Body of POST /organizations/{org_id}/api-keys."""

    name = StrictCharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.choices),
        allow_empty=False,
        min_length=1,
        max_length=len(Scope),
    )
    expires_at = UtcDateTimeField(required=False, allow_null=True, default=None)

    def validate_scopes(self, scopes: list[str]) -> frozenset[Scope]:
        """Return a set: a scope named twice is had once."""
        return frozenset(Scope(scope) for scope in scopes)

    def validate_expires_at(self, expires_at: datetime | None) -> datetime | None:
        """Refuse a moment that has passed."""
        if expires_at is not None and expires_at <= now():
            msg = "A key must expire in the future."
            raise serializers.ValidationError(msg, code="in_the_past")
        return expires_at


class OrganizationSerializer(serializers.Serializer[Any]):
    """An organization, with the caller's role in it (null for services and system admins)."""

    id = serializers.UUIDField()
    name = serializers.CharField(help_text="The slug, unique.")
    display_name = serializers.CharField()
    status = serializers.ChoiceField(OrganizationStatus.choices)
    timezone = serializers.CharField(help_text="An IANA zone; allocations reset by its calendar.")
    role = serializers.ChoiceField(Role.choices, allow_null=True)
    member_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class MemberSerializer(serializers.Serializer[Any]):
    """A person in an organization."""

    user_id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    joined_at = serializers.DateTimeField()


class ApiKeySerializer(serializers.Serializer[Any]):
    """A service account's key, without the key."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The key's first 12 characters.")
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.choices))
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    created_by = serializers.UUIDField(allow_null=True, help_text="The person who issued it.")
    created_at = serializers.DateTimeField()


class IssuedApiKeySerializer(ApiKeySerializer):
    """A key just issued: the only answer that ever holds it."""

    key = serializers.CharField(help_text="The key itself; it is not stored and not shown again.")


ORG_ID = "0198a5c0-0000-7000-8000-000000000001"
USER_ID = "0198a5c0-0000-7000-8000-000000000002"
KEY_ID = "0198a5c0-0000-7000-8000-000000000003"

ORGANIZATION_EXAMPLE = {
    "id": ORG_ID,
    "name": "test-org-alpha",
    "display_name": "Test Org Alpha",
    "status": "active",
    "timezone": "UTC",
    "role": "owner",
    "member_count": 2,
    "created_at": "2026-11-22T16:00:00Z",
}
MEMBER_EXAMPLE = {
    "user_id": USER_ID,
    "email": "bob@example.com",
    "name": "Bob",
    "role": "member",
    "joined_at": "2026-11-22T16:00:00Z",
}
API_KEY_EXAMPLE = {
    "id": KEY_ID,
    "org_id": ORG_ID,
    "name": "enrichment worker",
    "prefix": "obk_7Hq2mXvR",
    "scopes": ["credits:deduct"],
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
    "created_by": USER_ID,
    "created_at": "2026-11-22T16:00:00Z",
}
ISSUED_API_KEY_EXAMPLE = {
    **API_KEY_EXAMPLE,
    "key": "obk_7Hq2mXvRk0bT3nYw8ZsLfPjD5cGaUe9B1QoKxt",
}
