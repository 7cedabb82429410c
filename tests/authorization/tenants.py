"""Two organizations alike, with everybody who may call on behalf of either."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from uuid import UUID

from django.db import connection, transaction

from billing.models import Subscription
from billing.subscribing import Order, subscribe
from credits.choices import JournalKind
from credits.deducting import deduct
from credits.functions import Charge, Origin
from credits.holding import HoldOrder, place
from credits.models import Allocation, CreditPool
from organizations.choices import Role, Scope
from organizations.models import ApiKey, Organization, User, WebhookDelivery, WebhookEvent
from tests.api_client import ApiClient
from tests.authorization.table import CALLERS
from tests.factories import (
    RECEIVER,
    as_principal,
    make_endpoint,
    make_key,
    make_member,
    make_organization,
    make_user,
)
from tests.ledger import charge

__all__ = ["ORIGIN", "RECEIVER", "TENANTS", "Tenant", "World", "undone", "written"]

ORIGIN = Origin("system", "test")
TENANTS = ("alpha", "globex")


@dataclass
class Tenant:
    """An organization that may spend, with a person in every role and a key."""

    name: str

    def __post_init__(self) -> None:
        self.owner = make_user(f"owner@{self.name}.example", f"{self.name}'s owner")
        self.org: Organization = make_organization(self.name, owner=self.owner)
        self.people: dict[str, User] = {"owner": self.owner}
        for role in (Role.ADMIN, Role.BILLING_ADMIN, Role.MEMBER):
            user = make_user(f"{role}@{self.name}.example", f"{self.name}'s {role}")
            self.people[str(role.value)] = make_member(self.org, role, user).user
        self.subscription: Subscription = subscribe(
            organization=self.org, order=Order(plan="platform"), origin=ORIGIN
        )
        CreditPool.objects.add(
            org_id=self.org.pk,
            credits=10_000,
            kind=JournalKind.GRANT,
            purchase_amount=Decimal(0),
            actor="system",
            request_id="test",
        )
        for user in self.people.values():
            Allocation.objects.allocate(
                org_id=self.org.pk, user_id=user.pk, credits=500, origin=ORIGIN
            )
        self.api_key: ApiKey = make_key(self.org, name="a key of the tenant")[0]
        self.hold_id: UUID = place(HoldOrder(self.charge(), 900)).hold.pk
        self.usage_id: UUID = deduct(self.charge()).charged.usage_id
        endpoint = make_endpoint(self.org, RECEIVER)
        self.delivery: WebhookDelivery = WebhookEvent.objects.send_test(
            endpoint, by=as_principal(self.owner)
        )

    def charge(self) -> Charge:
        """50 credits of the plain member's, charged by nobody of those who call."""
        return charge(self.org, self.member, 50)

    @property
    def member(self) -> User:
        """The plain member."""
        return self.people["member"]


class World:
    """Both tenants, a system admin, and every caller of either tenant."""

    def __init__(self) -> None:
        self.tenants = {name: Tenant(name) for name in TENANTS}
        self.system_admin = make_user("root@example.com", "Root", is_staff=True, is_superuser=True)
        self._clients: dict[tuple[str, Scope], dict[str, ApiClient]] = {}
        for tenant in self.tenants.values():
            people = self._people(tenant)
            for scope in Scope:
                self._clients[tenant.name, scope] = {**people, **self._keys(tenant, scope)}

    def other(self, tenant: Tenant) -> Tenant:
        """The tenant that this one is not."""
        return next(one for one in self.tenants.values() if one is not tenant)

    def callers(self, tenant: Tenant, scope: str | None = None) -> dict[str, ApiClient]:
        """A client for each column of the table, the keys made for a row with this scope."""
        clients = self._clients[tenant.name, Scope(scope or Scope.CREDITS_READ)]
        assert set(clients) == set(CALLERS)
        return clients

    def _people(self, tenant: Tenant) -> dict[str, ApiClient]:
        people = {
            **tenant.people,
            "stranger": self.other(tenant).owner,
            "system_admin": self.system_admin,
        }
        clients = {name: ApiClient(user=user) for name, user in people.items()}
        return {"anonymous": ApiClient(), **clients}

    def _keys(self, tenant: Tenant, scope: Scope) -> dict[str, ApiClient]:
        org, foreign = tenant.org, self.other(tenant).org
        every = set(Scope)
        keys = {
            "key": (org, every),
            "key_only": (org, {scope}),
            "key_lacking": (org, every - {scope}),
            "foreign_key": (foreign, every),
            "system_key": (None, every),
            "system_lacking": (None, every - {scope}),
        }
        return {
            name: ApiClient(token=make_key(bound_to, *scopes, name=name)[1])
            for name, (bound_to, scopes) in keys.items()
        }


@contextmanager
def undone() -> Iterator[None]:
    """Undo what happens inside, durable transactions too: the next caller meets the same world."""
    block = transaction.atomic()
    # As TestCase marks its own, so that a durable block may begin inside.
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


def written() -> dict[str, str]:
    """A fingerprint of each table. When a key was last used is no consequence of a request, and that it was refused
    may be counted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_fingerprints())
        return dict(cursor.fetchall())


@cache
def _fingerprints() -> str:
    tables = sorted(
        set(connection.introspection.table_names()) - {"django_session", "rate_counters"}
    )
    name = connection.ops.quote_name
    return " UNION ALL ".join(
        f"SELECT '{table}', coalesce(md5(string_agg(row, ',' ORDER BY row)), '') FROM "
        f"(SELECT (to_jsonb(t) - 'last_used_at' - 'last_login')::text AS row FROM {name(table)} t) x"
        for table in tables
    )
