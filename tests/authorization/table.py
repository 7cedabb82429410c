"""Who is answered what: the contract's words about callers, as one table.

The tests compare it with the routes that the resolver has: a route or a method without a row
fails, and so does a row without a route. Each status is that of a request which is in order
otherwise (`tests/authorization/calls.py`). `{user_id}` is a plain member of the tenant, with an
allocation; `{hold_id}` and `{usage_id}` are that member's, made by nobody of the callers.

The callers, all of one tenant but the strangers:

    stranger       the owner of the other organization
    member, billing_admin, admin, owner
    key            a key bound to the organization, with every scope
    key_only       one with no scope but that of the row
    key_lacking    one with every scope but that of the row
    foreign_key    a key bound to the other organization, with every scope
    system_key     a key of all organizations, with every scope
    system_lacking one with every scope but that of the row
    system_admin   a member of neither organization

A scope of `-` means that no scope opens the route to keys, or that every key passes.
"""

from typing import NamedTuple

CALLERS = (
    "anonymous",
    "stranger",
    "member",
    "billing_admin",
    "admin",
    "owner",
    "key",
    "key_only",
    "key_lacking",
    "foreign_key",
    "system_key",
    "system_lacking",
    "system_admin",
)

#            anonymous --------------------------+
#            stranger ----------------------------|---+
#            member ------------------------------|---|---+
#            billing_admin -----------------------|---|---|---+
#            admin -------------------------------|---|---|---|---+
#            owner -------------------------------|---|---|---|---|---+
#            key ---------------------------------|---|---|---|---|---|---+
#            key_only ----------------------------|---|---|---|---|---|---|---+
#            key_lacking -------------------------|---|---|---|---|---|---|---|---+
#            foreign_key -------------------------|---|---|---|---|---|---|---|---|---+
#            system_key --------------------------|---|---|---|---|---|---|---|---|---|---+
#            system_lacking ----------------------|---|---|---|---|---|---|---|---|---|---|---+
#            system_admin ------------------------|---|---|---|---|---|---|---|---|---|---|---|---+
#                                                 |   |   |   |   |   |   |   |   |   |   |   |   |  scope
TABLE = """
POST   subscriptions                            401 403 403 201 201 201 201 201 403 403 201 403 201 billing:manage
GET    subscriptions/{subscription_id}          401 403 200 200 200 200 200 200 403 403 200 403 200 billing:read
PUT    subscriptions/{subscription_id}          401 403 403 200 200 200 200 200 403 403 200 403 200 billing:manage
PATCH  subscriptions/{subscription_id}          401 403 403 200 200 200 200 200 403 403 200 403 200 billing:manage
DELETE subscriptions/{subscription_id}          401 403 403 200 200 200 200 200 403 403 200 403 200 billing:manage
GET    subscriptions/org/{org_id}               401 403 200 200 200 200 200 200 403 403 200 403 200 billing:read
POST   credits/{org_id}/add                     401 403 403 201 201 201 201 201 403 403 201 403 201 credits:manage
GET    credits/{org_id}                         401 403 200 200 200 200 200 200 403 403 200 403 200 credits:read
POST   credits/{org_id}/allocate                401 403 403 200 200 200 200 200 403 403 200 403 200 credits:manage
GET    credits/{org_id}/allocations             401 403 200 200 200 200 200 200 403 403 200 403 200 credits:read
GET    credits/{org_id}/usage                   401 403 200 200 200 200 200 200 403 403 200 403 200 credits:read
GET    credits/{org_id}/usage/summary           401 403 200 200 200 200 200 200 403 403 200 403 200 credits:read
GET    credits/{org_id}/usage/export            401 403 200 200 200 200 200 200 403 403 200 403 200 credits:read
GET    credits/{org_id}/refusals                401 403 403 200 200 200 200 200 403 403 200 403 200 credits:read
POST   credits/{org_id}/reclaim                 401 403 403 200 200 200 200 200 403 403 200 403 200 credits:manage
GET    credits/user/{user_id}                   401 403 200 200 200 200 200 200 403 403 200 403 200 credits:read
POST   credits/deduct                           401 403 201 201 201 201 201 201 403 403 201 403 201 credits:deduct
PATCH  credits/{org_id}/settings                401 403 403 200 200 200 200 200 403 403 200 403 200 credits:manage
POST   credits/deduct/batch                     401 403 200 200 200 200 200 200 403 403 200 403 200 credits:deduct
POST   credits/check                            401 403 200 200 200 200 200 200 403 403 200 403 200 credits:deduct
POST   credits/holds                            401 403 201 201 201 201 201 201 403 403 201 403 201 credits:deduct
GET    credits/holds/{hold_id}                  401 403 200 200 200 200 200 200 403 403 200 403 200 credits:read
POST   credits/holds/{hold_id}/capture          401 403 200 200 200 200 200 200 403 403 200 403 200 credits:deduct
POST   credits/holds/{hold_id}/release          401 403 200 200 200 200 200 200 403 403 200 403 200 credits:deduct
POST   credits/usage/{usage_id}/refund          401 403 403 201 201 201 201 201 403 403 201 403 201 credits:manage
GET    billing/user                             401 200 200 200 200 200 403 403 403 403 403 403 200 -
GET    billing/org/{org_id}                     401 403 403 200 200 200 200 200 403 403 200 403 200 billing:read
GET    billing/org/{org_id}/history             401 403 403 200 200 200 200 200 403 403 200 403 200 billing:read
GET    billing/system                           401 403 403 403 403 403 403 403 403 403 200 403 200 billing:read
GET    plans                                    401 200 200 200 200 200 200 200 200 200 200 200 200 -
GET    prices                                   401 200 200 200 200 200 200 200 200 200 200 200 200 -
GET    organizations                            401 200 200 200 200 200 200 200 403 200 200 403 200 organizations:read
POST   organizations                            401 201 201 201 201 201 403 403 403 403 201 403 201 organizations:manage
GET    organizations/{org_id}/members           401 403 200 200 200 200 200 200 403 403 200 403 200 organizations:read
POST   organizations/{org_id}/members           401 403 403 403 201 201 201 201 403 403 201 403 201 organizations:manage
PATCH  organizations/{org_id}/members/{user_id} 401 403 403 403 200 200 200 200 403 403 200 403 200 organizations:manage
DELETE organizations/{org_id}/members/{user_id} 401 403 403 403 204 204 204 204 403 403 204 403 204 organizations:manage
GET    organizations/{org_id}/api-keys          401 403 403 403 200 200 403 403 403 403 403 403 200 -
POST   organizations/{org_id}/api-keys          401 403 403 403 201 201 403 403 403 403 403 403 201 -
DELETE organizations/{org_id}/api-keys/{key_id} 401 403 403 403 204 204 403 403 403 403 403 403 204 -
GET    HOOKS                                    401 403 403 403 200 200 200 200 403 403 200 403 200 organizations:manage
POST   HOOKS                                    401 403 403 403 201 201 201 201 403 403 201 403 201 organizations:manage
GET    HOOK                                     401 403 403 403 200 200 200 200 403 403 200 403 200 organizations:manage
PATCH  HOOK                                     401 403 403 403 200 200 200 200 403 403 200 403 200 organizations:manage
DELETE HOOK                                     401 403 403 403 204 204 204 204 403 403 204 403 204 organizations:manage
POST   HOOK/rotate-secret                       401 403 403 403 200 200 200 200 403 403 200 403 200 organizations:manage
POST   HOOK/test                                401 403 403 403 202 202 202 202 403 403 202 403 202 organizations:manage
POST   HOOK/replay                              401 403 403 403 202 202 202 202 403 403 202 403 202 organizations:manage
GET    HOOK/deliveries                          401 403 403 403 200 200 200 200 403 403 200 403 200 organizations:manage
GET    HOOK/deliveries/{delivery_id}            401 403 403 403 200 200 200 200 403 403 200 403 200 organizations:manage
POST   HOOK/deliveries/{delivery_id}/replay     401 403 403 403 202 202 202 202 403 403 202 403 202 organizations:manage
GET    organizations/{org_id}/events            401 403 403 403 200 200 200 200 403 403 200 403 200 organizations:manage
"""
#: What the table calls the longest routes.
LONG = {
    "HOOKS": "organizations/{org_id}/webhook-endpoints",
    "HOOK": "organizations/{org_id}/webhook-endpoints/{endpoint_id}",
}


class Row(NamedTuple):
    """A method of a route, and what each caller is answered."""

    method: str
    route: str
    statuses: dict[str, int]
    scope: str | None

    @property
    def writes(self) -> bool:
        """Whether the method may change anything."""
        return self.method != "GET"

    @property
    def takes_body(self) -> bool:
        """Whether a body belongs to the method."""
        return self.method in {"POST", "PUT", "PATCH"}

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


def _parse(line: str) -> Row:
    method, route, *statuses, scope = line.split()
    by_caller = dict(zip(CALLERS, map(int, statuses), strict=True))
    first, slash, rest = route.partition("/")
    route = LONG.get(first, first) + slash + rest
    return Row(method, route, by_caller, None if scope == "-" else scope)


ROWS = tuple(_parse(line) for line in TABLE.strip().splitlines())
