"""Rows as the shapes of the API."""

from typing import Any

from organizations.models import ApiKey, Member, Organization


def render_organization(
    organization: Organization, role: str | None, member_count: int
) -> dict[str, Any]:
    """Return an Organization as the caller with this role sees it."""
    return {
        "id": organization.id,
        "name": organization.name,
        "display_name": organization.display_name,
        "status": organization.status,
        "timezone": organization.timezone,
        "role": role,
        "member_count": member_count,
        "created_at": organization.created_at,
    }


def render_member(member: Member) -> dict[str, Any]:
    """Return a Member; its user is to be selected with it."""
    return {
        "user_id": member.user_id,
        "email": member.user.email,
        "name": member.user.name,
        "role": member.role,
        "joined_at": member.joined_at,
    }


def render_api_key(key: ApiKey) -> dict[str, Any]:
    """Return an API key without the key itself."""
    return {
        "id": key.id,
        "org_id": key.org_id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "created_by": key.created_by_id,
        "created_at": key.created_at,
    }
