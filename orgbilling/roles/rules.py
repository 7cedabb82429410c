"""What each role may do. The owner may do everything, and nobody serves requests as the owner.

The application's role writes balances through the ledger's functions alone: they run with their owner's rights
(SECURITY DEFINER), so the role itself needs no right to update a balance or to insert a usage row, and opening the
door (``orgbilling.door``) gains it nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: What a table's grant is made of; TRUNCATE, REFERENCES and TRIGGER are granted to nobody.
PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


@dataclass(frozen=True, slots=True)
class Rule:
    """What the application may do to one table.

    ``columns``: the only columns that it may update. ``but``: those that it may not.
    """

    privileges: frozenset[str]
    columns: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()


def _rule(*privileges: str, columns: tuple[str, ...] = (), but: tuple[str, ...] = ()) -> Rule:
    return Rule(frozenset({"SELECT", *privileges}), frozenset(columns), frozenset(but))


EVERYTHING: Final = _rule("INSERT", "UPDATE", "DELETE")
READING: Final = _rule()
ADDING: Final = _rule("INSERT")

#: Tables that the application may not treat as it likes. Everything else is its own.
APPLICATION: Final[Mapping[str, Rule]] = {
    # Written by the ledger's functions only.
    "credit_usage_attribution": READING,
    "credit_journal": READING,
    "credit_holds": READING,
    "overage_periods": READING,
    "credit_usage_rollups": READING,
    "credit_usage_by_service": READING,
    "credit_usage_by_user": READING,
    "credit_usage_late": READING,
    "credit_refusals": _rule("DELETE"),
    # A row can only be locked by who may update some column of it.
    "user_credit_allocations": _rule(columns=("updated_at",)),
    "organization_credit_pools": _rule(
        "INSERT",
        but=(
            "id",
            "org_id",
            "total_credits",
            "allocated_credits",
            "available_credits",
            "overage_used",
            "overage_used_period",
            "lifetime_purchased_credits",
            "lifetime_spent_amount",
            "created_at",
        ),
    ),
    # History is only added to.
    "org_billing_history": ADDING,
    "invoices": ADDING,
    "audit_log": ADDING,
    "service_prices": ADDING,
    # Told and tried once; what is old is forgotten.
    "webhook_events": _rule("INSERT", "DELETE"),
    "webhook_attempts": _rule("INSERT", "DELETE"),
    "payments": _rule("INSERT", but=("id", "org_id", "event_id", "amount", "currency")),
    "organizations": _rule("INSERT", "UPDATE"),
    "users": _rule("INSERT", "UPDATE"),
    "django_migrations": READING,
}

#: The functions that the application calls and that write. What they call runs with the owner's rights too.
ENTRANCES: Final = (
    "add_credits_to_pool",
    "allocate_credits_to_user",
    "capture_hold",
    "capture_hold_once",
    "change_reset_period",
    "close_allocation",
    "close_overage_period",
    "deduct_batch",
    "deduct_batch_with_pool",
    "deduct_credits",
    "deduct_credits_with_pool",
    "deduct_many",
    "forget_usage_rollup",
    "place_hold",
    "place_hold_with_pool",
    "reclaim_credits",
    "record_event",
    "record_refusal",
    "refresh_pool_if_due",
    "refund_usage_once",
    "release_hold",
    "reset_allocation_if_due",
    "roll_up_usage",
    "settle_due",
)

#: The order of look-up inside the entrances: nobody's objects are found before ours.
SEARCH_PATH: Final = "pg_catalog, public, pg_temp"
#: Cleared inside them: no clock but the server's counts. Only a superuser can allow the owner to do that.
CLOCK: Final = "orgbilling.now"

#: Who backs up writes down what became of it, and nothing else.
BACKUP: Final = {"backup_runs": ("INSERT", "UPDATE", "DELETE")}

#: What a person who looks into the database never needs to see: sessions, key hashes, stored answers.
HIDDEN_TABLES: Final = frozenset(
    {"django_session", "api_keys", "idempotency_answers", "payment_webhook_events"}
)
HIDDEN_COLUMNS: Final = {
    "users": frozenset({"password"}),
    "webhook_endpoints": frozenset({"secret", "previous_secret"}),
}


def of_application(table: str) -> Rule:
    """What the application may do to a table."""
    return APPLICATION.get(table, EVERYTHING)


def may_update(rule: Rule, column: str) -> bool:
    """Whether the rule lets the application update this column of its table."""
    if "UPDATE" in rule.privileges or column in rule.columns:
        return True
    return bool(rule.but) and column not in rule.but
