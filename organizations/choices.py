"""Closed sets of values of the organizations app."""

from django.db.models import TextChoices


class OrganizationStatus(TextChoices):
    """Whether an organization may spend."""

    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class Role(TextChoices):
    """What a person is inside one organization."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    BILLING_ADMIN = "billing_admin", "Billing admin"
    MEMBER = "member", "Member"


class Scope(TextChoices):
    """What an API key may do."""

    CREDITS_READ = "credits:read", "Read credits"
    CREDITS_DEDUCT = "credits:deduct", "Deduct credits"
    CREDITS_MANAGE = "credits:manage", "Manage credits"
    BILLING_READ = "billing:read", "Read billing"
    BILLING_MANAGE = "billing:manage", "Manage billing"
    ORGANIZATIONS_READ = "organizations:read", "Read organizations"
    ORGANIZATIONS_MANAGE = "organizations:manage", "Manage organizations"


ALL_ROLES: frozenset[Role] = frozenset(Role)
BILLING_ROLES: frozenset[Role] = frozenset({Role.OWNER, Role.ADMIN, Role.BILLING_ADMIN})
MANAGER_ROLES: frozenset[Role] = frozenset({Role.OWNER, Role.ADMIN})

ALL_SCOPES: frozenset[Scope] = frozenset(Scope)

# What a person may hand on to an API key: never more than their role does itself.
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.OWNER: ALL_SCOPES,
    Role.ADMIN: ALL_SCOPES,
    Role.BILLING_ADMIN: ALL_SCOPES - {Scope.ORGANIZATIONS_MANAGE},
    Role.MEMBER: frozenset(),
}
