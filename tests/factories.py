"""Makers of the cast's rows, for tests that need more than the cast."""

import itertools
from typing import Any

import factory
import factory.django

from credits.onboarding import open_organization
from organizations.access import Principal
from organizations.choices import Role, Scope
from organizations.models import ApiKey, Member, Organization, User, WebhookEndpoint

_numbers = itertools.count(1)
PASSWORD = "correct horse battery staple"
#: A public address, so that no name is looked up; nothing is ever sent to it.
RECEIVER = "https://192.0.32.7/hook"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A user who can't sign in with a password unless one is given: hashing takes its time."""

    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"user{number}@example.com")
    name = factory.Sequence(lambda number: f"User {number}")
    password = None

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **fields: Any) -> User:
        return model_class.objects.create_user(*args, **fields)


class MemberFactory(factory.django.DjangoModelFactory[Member]):
    """A membership, of a new user unless one is given."""

    class Meta:
        model = Member

    user = factory.SubFactory(UserFactory)
    role = Role.MEMBER


def make_user(email: str = "", name: str = "", password: str | None = None, **flags: Any) -> User:
    """A user; the address and the name are made up when left out."""
    given = {"email": email, "name": name, "password": password}
    return UserFactory(**{field: value for field, value in given.items() if value}, **flags)


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
    return MemberFactory(org=org, role=role, **({"user": user} if user else {}))


def make_key(
    org: Organization | None, *scopes: Scope, name: str = "a service", **fields: Any
) -> tuple[ApiKey, str]:
    """An API key and its plain text; all scopes unless some are given."""
    return ApiKey.objects.issue(org, name=name, scopes=scopes or tuple(Scope), by=None, **fields)


def as_principal(caller: User | ApiKey) -> Principal:
    """The caller as the managers see them."""
    return Principal(key=caller) if isinstance(caller, ApiKey) else Principal(user=caller)


def make_endpoint(
    org: Organization, url: str = RECEIVER, *events: str, **fields: Any
) -> WebhookEndpoint:
    """A webhook endpoint that is told of everything, or of these events."""
    endpoint, _secret = WebhookEndpoint.objects.open(
        org, url=url, events=events or ("*",), by=None, **fields
    )
    return endpoint
