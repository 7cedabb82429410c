"""Makers of the cast's rows, for tests that need more than the cast."""

import itertools
from typing import Any

from credits.onboarding import open_organization
from organizations.access import Principal
from organizations.choices import Role, Scope
from organizations.models import ApiKey, Member, Organization, User

_numbers = itertools.count(1)
PASSWORD = "correct horse battery staple"


def make_user(email: str = "", name: str = "", password: str | None = None, **flags: Any) -> User:
    """A user who can't sign in with a password unless one is given: hashing takes its time."""
    number = next(_numbers)
    return User.objects.create_user(
        email or f"user{number}@example.com", password, name or f"User {number}", **flags
    )


def make_organization(
    name: str = "", display_name: str = "", owner: User | None = None, timezone: str = "UTC"
) -> Organization:
    """An organization with its pool."""
    return open_organization(
        name=name or f"org-{next(_numbers)}",
        display_name=display_name,
        timezone=timezone,
        owner=owner,
    )


def make_member(org: Organization, role: Role = Role.MEMBER, user: User | None = None) -> Member:
    """A membership, of a new user unless one is given."""
    return Member.objects.create(org=org, user=user or make_user(), role=role)


def make_key(
    org: Organization | None, *scopes: Scope, name: str = "a service", **fields: Any
) -> tuple[ApiKey, str]:
    """An API key and its plain text; all scopes unless some are given."""
    return ApiKey.objects.issue(org, name=name, scopes=scopes or tuple(Scope), by=None, **fields)


def as_principal(caller: User | ApiKey) -> Principal:
    """The caller as the managers see them."""
    return Principal(key=caller) if isinstance(caller, ApiKey) else Principal(user=caller)
