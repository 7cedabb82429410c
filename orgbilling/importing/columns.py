"""Which columns Ops-Center's tables have, in either variant of its schema, and what each means here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orgbilling.importing import rows

#: What PostgreSQL may call the type of a column of each kind.
TYPES: Final[dict[str, frozenset[str]]] = {
    "text": frozenset(
        {"text", "character varying", "character", "uuid", "USER-DEFINED", "integer", "bigint"}
    ),
    "number": frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"}),
    "moment": frozenset({"timestamp with time zone", "timestamp without time zone", "date"}),
    "flag": frozenset({"boolean"}),
    "json": frozenset({"json", "jsonb", "text", "character varying"}),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a row: its kind, its names in the source (the first found counts), whether it is needed."""

    field: str
    kind: str
    names: tuple[str, ...]
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the source.

    ``passed_over``: columns that are known and not imported. ``needed``: without it there is nothing to import.
    ``strict``: a column that is not known may mean credits or money, so that somebody has to say that it doesn't.
    """

    name: str
    row: type
    columns: tuple[Column, ...]
    passed_over: frozenset[str]
    needed: bool = True
    strict: bool = True


def _columns(spec: str) -> tuple[Column, ...]:
    """One column a line: field, kind, names; an exclamation mark after the field says that it has to be there."""
    made = []
    for line in spec.strip().splitlines():
        field, kind, *names = line.split()
        name = field.rstrip("!")
        made.append(Column(name, kind, tuple(names) or (name,), needed=field.endswith("!")))
    return tuple(made)


ORGANIZATIONS: Final = Table(
    "organizations",
    rows.OrganizationRow,
    _columns(
        """
id! text
name text
slug text
display_name text
status text
is_active flag
created_at moment
"""
    ),
    frozenset(
        [
            "logo_url",
            "updated_at",
            "plan_tier",
            "max_seats",
            "lago_customer_id",
            "stripe_customer_id",
            "is_default",
            "is_service_account",
            "subscription_tier",
            "tier_id",
            "litellm_gateway_key_id",
            "litellm_gateway_key_encrypted",
            "description",
            "website",
            "max_users",
            "settings",
            "metadata_json",
            "subdomain",
            "custom_domain",
            "metadata",
        ]
    ),
    needed=False,
    strict=False,
)
MEMBERS: Final = Table(
    "organization_members",
    rows.MemberRow,
    _columns(
        """
org_id! text org_id organization_id
user_id! text
role! text
is_active flag
joined_at moment joined_at created_at
"""
    ),
    frozenset({"id", "updated_at", "is_default"}),
    needed=False,
)
USERS: Final = Table(
    "users",
    rows.UserRow,
    _columns(
        """
id! text
email text
name text name full_name display_name username
subject text keycloak_id external_id oauth_id
is_active flag is_active enabled
"""
    ),
    frozenset(),
    needed=False,
    strict=False,
)
SUBSCRIPTIONS: Final = Table(
    "organization_subscriptions",
    rows.SubscriptionRow,
    _columns(
        """
id! text
org_id! text org_id organization_id
plan! text subscription_plan
monthly_price! number
billing_cycle text
status! text
trial_ends_at moment
period_start moment current_period_start
period_end moment current_period_end end_date
canceled_at moment
created_at moment
updated_at moment
"""
    ),
    frozenset({"lago_subscription_id", "stripe_subscription_id"}),
)
POOLS: Final = Table(
    "organization_credit_pools",
    rows.PoolRow,
    _columns(
        """
org_id! text org_id organization_id
total! number total_credits
allocated! number allocated_credits
used number used_credits
refresh_amount number monthly_refresh_amount
allow_overage flag
overage_limit number
overage_rate number
purchased number lifetime_purchased_credits
spent number lifetime_spent_amount
created_at moment
"""
    ),
    frozenset({"id", "available_credits", "last_refresh_date", "next_refresh_date", "updated_at"}),
)
ALLOCATIONS: Final = Table(
    "user_credit_allocations",
    rows.AllocationRow,
    _columns(
        """
id! text
org_id! text org_id organization_id
user_id! text
allocated! number allocated_credits
used! number used_credits
remaining number remaining_credits
reset_period text
is_active flag
notes text
created_at moment created_at updated_at
"""
    ),
    frozenset({"last_reset_date", "next_reset_date", "allocated_by", "updated_at"}),
)
USAGE: Final = Table(
    "credit_usage_attribution",
    rows.UsageRow,
    _columns(
        """
id! text
org_id! text org_id organization_id
user_id! text
credits! number credits_used
service_type text
service_name text
api_cost number
markup number markup_applied
request_id text
metadata json request_metadata metadata
created_at moment
"""
    ),
    frozenset({"allocation_id", "total_cost"}),
)
HISTORY: Final = Table(
    "org_billing_history",
    rows.EventRow,
    _columns(
        """
id! text
org_id! text org_id organization_id
subscription_id text
event_type! text
lago_invoice_id text
stripe_invoice_id text
amount! number
currency text
payment_status text
payment_method text
paid_at moment
period_start moment
period_end moment
metadata json event_metadata metadata
notes text
description text
created_at moment
"""
    ),
    frozenset(),
)

TABLES: Final = (
    ORGANIZATIONS,
    MEMBERS,
    USERS,
    SUBSCRIPTIONS,
    POOLS,
    ALLOCATIONS,
    USAGE,
    HISTORY,
)
