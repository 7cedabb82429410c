"""Who charges: organizations, members with more credits than any run spends, and a service's key.

Ids are made of numbers, so that a load of pgbench or HTTP names anybody by arithmetic. Credits come the way they
always come, by the ledger's own functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from bench.plan import Plan
from organizations.keys import PREFIX_SHOWN_LENGTH, generate_key, hash_key

STATEMENTS: Final = Path(__file__).parent / "statements"
ORG_PREFIX: Final = "01900000000070008000"
USER_PREFIX: Final = "01900000000070009000"
#: Numbers of users that an organization has at most.
USERS_MAX: Final = 10_000
#: Before this many days everybody joined; all usage came since, within one monthly period.
DAYS: Final = 27
CREDITS_EACH: Final = 10**11
KEY_ID: Final = UUID("01900000-0000-7000-b000-000000000001")
ACTOR: Final = f"key:{KEY_ID}"
SCOPES: Final = ["credits:read", "credits:deduct"]


def org_id(org: int) -> UUID:
    """The id of the organization with this number."""
    return UUID(f"{ORG_PREFIX}{org:012x}")


def user_id(org: int, user: int) -> UUID:
    """The id of a member."""
    return UUID(f"{USER_PREFIX}{org * USERS_MAX + user:012x}")


def members_of(plan: Plan, org: int) -> int:
    """How many members the organization has."""
    return max(plan.crowd, plan.users) if org == 0 else plan.users


def enter(connection: psycopg.Connection[Any], plan: Plan) -> str:
    """Put everybody into a migrated, empty database; returns the key in plain text."""
    key = generate_key()
    values = {
        "organizations": plan.organizations,
        "users": plan.users,
        "crowd": members_of(plan, 0),
        "days": DAYS,
        "credits_each": CREDITS_EACH,
        "actor": ACTOR,
        "key_id": KEY_ID,
        "key_prefix": key[:PREFIX_SHOWN_LENGTH],
        "key_hash": hash_key(key),
        "scopes": SCOPES,
    }
    with connection.transaction():
        for statement in statements("cast.sql"):
            connection.execute(statement, values)
    return key


def statements(name: str) -> list[bytes]:
    """The statements of a file of this package, which a line of its own parts: `-- next`."""
    text = (STATEMENTS / name).read_text(encoding="utf-8")
    return [part.encode() for part in text.split("\n-- next\n")]
