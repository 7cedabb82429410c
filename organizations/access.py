"""Who is calling, and what they may do: the one place that answers both."""

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.db import DEFAULT_DB_ALIAS

from organizations.choices import (
    ALL_ROLES,
    ALL_SCOPES,
    BILLING_ROLES,
    MANAGER_ROLES,
    ROLE_SCOPES,
    Role,
    Scope,
)
from orgbilling.lib.errors import PermissionRefused
from orgbilling.web.request_id import current_request_id

if TYPE_CHECKING:
    from organizations.models import ApiKey, User

MEMBER: Final = ALL_ROLES
BILLING: Final = BILLING_ROLES
MANAGERS: Final = MANAGER_ROLES
NOBODY: Final[frozenset[Role]] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do one thing.

    `roles`: what a person has to be in the organization; where no organization is concerned, any
    person passes unless it is empty. `scope`: what an API key needs; None refuses every key.
    `system_only`: people have to be system admins, keys have to cover all organizations.
    `all_organizations_key`: people by role, but a key bound to one organization won't do.
    """

    roles: frozenset[Role]
    scope: Scope | None = None
    system_only: bool = False
    all_organizations_key: bool = False


@dataclass(slots=True)
class Principal:
    """The caller of one request or job: a person, or a service by its key; never both.

    `request_id`: the request that is served while the principal is made, `-` outside of one.
    """

    user: "User | None" = None
    key: "ApiKey | None" = None
    request_id: str = field(default_factory=current_request_id)
    _roles: dict[uuid.UUID, Role | None] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a caller that is nobody or two at once."""
        if (self.user is None) == (self.key is None):
            msg = "A principal is either a person or a key."
            raise ValueError(msg)

    @property
    def is_service(self) -> bool:
        """Whether an API key calls."""
        return self.key is not None

    @property
    def is_system_admin(self) -> bool:
        """Whether a person calls who may do everything; a key never counts as one."""
        return self.user is not None and self.user.is_superuser

    @property
    def is_all_organizations_key(self) -> bool:
        """Whether an API key calls that is bound to no single organization."""
        return self.key is not None and self.key.org_id is None

    @property
    def actor(self) -> str:
        """Who did it, as ledger rows remember: `user:<uuid>` or `key:<uuid>`."""
        if self.key is not None:
            return f"key:{self.key.id}"
        return f"user:{self.actor_user_id}"

    @property
    def actor_user_id(self) -> uuid.UUID | None:
        """The person's id; None for a key."""
        return self.user.id if self.user is not None else None

    def role_in(self, org_id: uuid.UUID) -> Role | None:
        """Return the person's role there, None for strangers and keys; asked once."""
        if self.user is None:
            return None
        if org_id not in self._roles:
            role = (
                # Named, so that no report that may be read of a replica decides by one.
                self.user.memberships.using(DEFAULT_DB_ALIAS)
                .filter(org_id=org_id)
                .values_list("role", flat=True)
                .first()
            )
            self._roles[org_id] = Role(role) if role is not None else None
        return self._roles[org_id]

    def org_ids(self) -> set[uuid.UUID] | None:
        """Return the organizations whose rows the caller may see, None for all of them."""
        if self.key is not None:
            return None if self.key.org_id is None else {self.key.org_id}
        if self.user is None or self.user.is_superuser:
            return None
        memberships = self.user.memberships.using(DEFAULT_DB_ALIAS)
        rows = dict(memberships.values_list("org_id", "role"))
        self._roles.update({org_id: Role(role) for org_id, role in rows.items()})
        return set(rows)

    def may(self, rule: Rule, org_id: uuid.UUID | None) -> bool:
        """Whether the rule lets the caller act on the organization.

        It is not looked whether the organization exists: who may act on all of them passes for one
        that doesn't, and the handler answers 404.
        """
        if self.key is not None:
            return self._key_may(self.key, rule, org_id)
        if self.is_system_admin:
            return True
        if rule.system_only:
            return False
        if org_id is None:
            return bool(rule.roles)
        return self.role_in(org_id) in rule.roles

    def require(self, rule: Rule, org_id: uuid.UUID | None) -> None:
        """Raise PermissionRefused, saying what would do, unless the rule lets the caller."""
        if not self.may(rule, org_id):
            raise PermissionRefused(self._refusal(rule))

    def may_make_owner(self, org_id: uuid.UUID) -> bool:
        """Whether the caller may make or unmake an owner of the organization."""
        if self.key is not None:
            return self.key.org_id is None and Scope.ORGANIZATIONS_MANAGE in self.key.scopes
        return self.is_system_admin or self.role_in(org_id) == Role.OWNER

    def grantable_scopes(self, org_id: uuid.UUID | None) -> frozenset[Scope]:
        """Return the scopes that the caller may give to an API key of the organization."""
        if self.is_system_admin:
            return ALL_SCOPES
        role = self.role_in(org_id) if org_id is not None else None
        return ROLE_SCOPES[role] if role is not None else frozenset()

    @staticmethod
    def _key_may(key: "ApiKey", rule: Rule, org_id: uuid.UUID | None) -> bool:
        if rule.scope is None or rule.scope not in key.scopes:
            return False
        if key.org_id is None:
            return True
        if rule.system_only or rule.all_organizations_key:
            return False
        return org_id is None or org_id == key.org_id

    def _refusal(self, rule: Rule) -> str:
        if self.key is not None:
            if rule.scope is None:
                return "API keys can't do this: it is for people, signed in in person."
            reach = (
                "all organizations"
                if rule.system_only or rule.all_organizations_key
                else "this organization"
            )
            return f"This needs an API key with the scope {rule.scope}, bound to {reach}."
        if rule.system_only:
            return "This is for system admins."
        if not rule.roles:
            return "This is for system admins and for API keys that have the scope."
        if rule.roles == MEMBER:
            return "This is for members of the organization."
        names = [role.value for role in Role if role in rule.roles]
        return f"This needs a role in the organization: {' or '.join(names)}."
