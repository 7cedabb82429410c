"""The peers' schemas in a database of their own, with the same people and the same usage rows as the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.cast import CREDITS_EACH
from bench.filling import settle
from bench.ground import PEERS, Ground
from bench.programs import ROOT
from bench.proof import OwnBooks
from bench.telling import step

HERE: Final = Path(__file__).parent
FILES: Final = (
    ROOT / "credits/sql/functions/time_ordered_id_v01.sql",
    HERE / "predecessor/schema.sql",
    HERE / "predecessor/deduct_credits.sql",
    HERE / "bare_limit.sql",
)
INDEXES: Final = HERE / "predecessor/indexes.sql"
_COMMON: Final = (
    "org_id, user_id, allocation_id, credits_used, service_type, service_name, request_id"
)
_BARE: Final = f"""
id, {_COMMON}, overage_credits, unit_price, quantity, price_version, metadata, remaining_credits, operation,
idempotency_key, body_hash, actor, created_at
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A peer's table, its columns, and what of the ledger's table fills them."""

    target: str
    columns: str
    source: str
    taken: str


COPIES: Final = (
    Copy("predecessor.organizations", "id, name", "organizations", "id, display_name"),
    Copy(
        "predecessor.organization_members",
        "org_id, user_id, role",
        "organization_members",
        "org_id, user_id, role",
    ),
    Copy(
        "predecessor.organization_credit_pools",
        "org_id, total_credits, allocated_credits",
        "organization_credit_pools",
        "org_id, total_credits, allocated_credits",
    ),
    Copy(
        "predecessor.user_credit_allocations",
        "id, org_id, user_id, allocated_credits",
        "user_credit_allocations",
        f"id, org_id, user_id, {CREDITS_EACH}",
    ),
    Copy(
        "bare.balances",
        "user_id, org_id, allocation_id, remaining_credits",
        "user_credit_allocations",
        f"user_id, org_id, id, {CREDITS_EACH}",
    ),
    Copy(
        "predecessor.credit_usage_attribution",
        f"id, {_COMMON}, api_cost, markup_applied, total_cost, request_metadata, created_at",
        "credit_usage_attribution",
        f"gen_random_uuid(), {_COMMON}, 0.04, 0.02, 0.06, metadata, created_at",
    ),
    Copy("bare.usage", _BARE, "credit_usage_attribution", _BARE),
)


def peers(ground: Ground) -> str:
    """The peers' database; made and filled at the first call."""
    if not ground.empty(PEERS):
        return PEERS
    own = ground.own()
    with step("the peers' schemas and rows"):
        with ground.connect(PEERS) as owner:
            for file in FILES:
                owner.execute(file.read_bytes())
        with ground.superuser(PEERS) as theirs, ground.connect(own) as ours:
            # What is referred to was copied before: nothing has to be looked up again.
            theirs.execute("SET session_replication_role = replica")
            theirs.execute("SET synchronous_commit = off")
            for one in COPIES:
                _copy(ours, theirs, one)
        with ground.connect(PEERS) as owner:
            owner.execute(INDEXES.read_bytes())
        with ground.superuser(PEERS) as connection:
            settle(connection)
    return PEERS


def _copy(source: psycopg.Connection[Any], target: psycopg.Connection[Any], what: Copy) -> None:
    out = f"COPY (SELECT {what.taken} FROM public.{what.source}) TO STDOUT"
    into = f"COPY {what.target} ({what.columns}) FROM STDIN"
    with (
        source.cursor().copy(out.encode()) as rows,
        target.cursor().copy(into.encode()) as written,
    ):
        for block in rows:
            written.write(block)


def bare_books(ground: Ground) -> OwnBooks:
    """What the bare limit has charged."""
    tables = {"usage": "bare.usage", "balances": "bare.balances"}
    return OwnBooks(
        ground, PEERS, spent="SELECT sum(used_credits)::bigint FROM {balances}", tables=tables
    )


class PredecessorBooks(OwnBooks):
    """The predecessor's rows have random keys: its newest are found by their moment."""

    def __init__(self, ground: Ground) -> None:
        usage = "predecessor.credit_usage_attribution"
        super().__init__(
            ground,
            PEERS,
            last="SELECT clock_timestamp()",
            charged="SELECT count(*), coalesce(sum(credits_used), 0)::bigint FROM {usage} WHERE created_at > %s",
            spent="SELECT sum(used_credits)::bigint FROM {balances}",
            tables={"usage": usage, "balances": "predecessor.organization_credit_pools"},
        )
