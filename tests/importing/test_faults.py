"""Each fault of the predecessor, re-enacted as its code made it, and what becomes of it, to the credit."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from credits.models import Usage
from orgbilling.importing.errors import ImportRefusedError
from tests.importing.acme import ALICE, BOB, ID, Balances, balances, broken
from tests.importing.conftest import Predecessor, statements

pytestmark = pytest.mark.django_db

CHARGE = (
    "INSERT INTO credit_usage_attribution (org_id, user_id, credits_used, service_type, request_id, created_at)"
    f" VALUES ('{ID}', '{{who}}', {{credits}}, 'llm', {{request}}, '2026-03-01')"
)
SPEND = (
    "UPDATE user_credit_allocations SET used_credits = used_credits + {credits} WHERE user_id = '{who}';"
    "UPDATE organization_credit_pools SET used_credits = used_credits + {credits}"
)


def charged(who: str, credits: int, request: str = "NULL") -> str:
    """What the predecessor's deduct_credits does."""
    values = {"who": who, "credits": credits, "request": request}
    return f"{SPEND.format(**values)}; {CHARGE.format(**values)}"


@dataclass(frozen=True)
class Fault:
    """What was done to the predecessor's database; the mends; and the balances here."""

    name: str
    done: str
    mends: dict[str, int]
    total: int = 10_000
    available: int = 8_500
    alice: tuple[int, int] = (700, 300)
    bob: tuple[int, int] = (500, 0)
    others: dict[str, tuple[int, int]] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)


FAULTS = [
    Fault("none", "SELECT 1", {}),
    Fault(
        "F5 a negative charge gives credits",
        charged(ALICE, -5_000),
        {"negative_charge": 1},
        total=15_000,
        alice=(5_700, 300),
    ),
    Fault(
        "F5 a negative allocation makes more available",
        "UPDATE user_credit_allocations SET allocated_credits = allocated_credits - 5000"
        " WHERE user_id = 'bob@example.com';"
        "UPDATE organization_credit_pools SET allocated_credits = allocated_credits - 5000",
        # The pool showed 13,500, of 10,000 that were ever paid for.
        {"allocation_negative": 1, "allocated_deviates": 1},
        available=9_000,
        bob=(0, 0),
    ),
    Fault(
        "F5 a negative purchase takes the total below zero",
        "UPDATE organization_credit_pools SET total_credits = total_credits - 999999",
        {"total_negative": 1, "over_allocated": 1},
        total=1_500,
        available=0,
    ),
    Fault(
        "F2 two admins allocate the same credits",
        "UPDATE user_credit_allocations SET allocated_credits = 9500 WHERE user_id = 'bob@example.com';"
        "UPDATE organization_credit_pools SET allocated_credits = 10500",
        {"over_allocated": 1},
        total=10_500,
        available=0,
        bob=(9_500, 0),
    ),
    Fault(
        "the pool counts more allocated than there is",
        "UPDATE organization_credit_pools SET allocated_credits = 4000",
        {"allocated_deviates": 1},
    ),
    Fault(
        "the pool counts less allocated than there is",
        "UPDATE organization_credit_pools SET allocated_credits = 0",
        {"allocated_deviates": 1},
    ),
    Fault(
        "F7 a lost update: charges that no counter knows",
        CHARGE.format(who=ALICE, credits=50, request="NULL"),
        {"used_below_usage": 1},
        total=10_050,
        alice=(700, 350),
    ),
    Fault(
        "F12 a reset that only zeroes the counter",
        "UPDATE user_credit_allocations SET used_credits = 0 WHERE user_id = 'alice@example.com'",
        {"used_below_usage": 1, "pool_used_deviates": 1},
        total=10_300,
        alice=(1_000, 300),
    ),
    Fault(
        "a counter that no charge explains",
        SPEND.format(who=ALICE, credits=40),
        {"unattributed_use": 1},
    ),
    Fault(
        "a counter that no charge explains, because old charges were deleted",
        SPEND.format(who=ALICE, credits=40),
        {"unattributed_use": 1},
        alice=(660, 340),
        options={"give_back": False},
    ),
    Fault(
        "F4 a request charged twice",
        charged(ALICE, 100, "'req-1'"),
        {"double_debit": 1},
        alice=(700, 300),
    ),
    Fault(
        "F4 a request charged three times, below zero",
        charged(ALICE, 400, "'req-3'")
        + ";"
        + charged(ALICE, 400, "'req-3'")
        + ";"
        + charged(ALICE, 400, "'req-3'"),
        {"double_debit": 2},
        alice=(300, 700),
    ),
    Fault(
        "a request of several amounts",
        charged(ALICE, 30, "'req-1'"),
        {"request_repeated": 2},
        alice=(670, 330),
    ),
    Fault(
        "F6 a service charges the pool itself",
        "UPDATE organization_credit_pools SET used_credits = used_credits + 9999",
        {"pool_used_deviates": 1},
    ),
    Fault(
        "F9 a member has spent more than there was",
        charged(BOB, 800),
        {"remaining_negative": 1},
        total=10_300,
        bob=(0, 800),
    ),
    Fault(
        "F13 charges of the shared user",
        CHARGE.format(who="unknown", credits=25, request="NULL"),
        {"user_unknown": 1, "not_a_member": 1, "used_below_usage": 1},
        total=10_025,
        others={"unknown@opscenter.invalid": (0, 25)},
    ),
    Fault(
        "an allocation of somebody who is no member",
        "DELETE FROM organization_members WHERE user_id = 'bob@example.com'",
        {"not_a_member": 1},
        available=9_000,
        bob=(0, 0),
    ),
    Fault(
        "an allocation that is switched off",
        "UPDATE user_credit_allocations SET is_active = false WHERE user_id = 'alice@example.com'",
        {"allocation_inactive": 1},
        available=9_200,
        alice=(0, 300),
    ),
    Fault(
        "the pool is gone",
        "DELETE FROM organization_credit_pools",
        {"allocated_deviates": 1, "over_allocated": 1},
        total=1_500,
        available=0,
    ),
    Fault(
        "one person with two accounts",
        "INSERT INTO organization_members (org_id, user_id, role)"
        f" VALUES ('{ID}', 'ALICE@Example.com', 'member');"
        "INSERT INTO user_credit_allocations (org_id, user_id, allocated_credits, used_credits)"
        f" VALUES ('{ID}', 'ALICE@Example.com', 200, 0);"
        "UPDATE organization_credit_pools SET allocated_credits = 1700",
        {"user_merged": 1},
        available=8_300,
        alice=(900, 300),
    ),
    Fault(
        "no moment, or one to come",
        "UPDATE credit_usage_attribution SET created_at = NULL WHERE request_id = 'req-1';"
        "UPDATE credit_usage_attribution SET created_at = '2999-01-01' WHERE request_id = 'req-2'",
        {"moment_missing": 1, "moment_future": 1},
    ),
    Fault(
        "an impossible moment",
        "UPDATE credit_usage_attribution SET created_at = 'infinity' WHERE request_id = 'req-1'",
        {"moment_missing": 1},
    ),
    Fault(
        "texts that are too long, and details that are no object",
        "UPDATE credit_usage_attribution SET service_name = repeat('x', 200), request_metadata = '[1]'"
        " WHERE request_id = 'req-1'",
        {"text_long": 1, "details": 1},
    ),
    Fault(
        "charges and allocations of nobody at all",
        CHARGE.format(who="", credits=5, request="''"),
        {"user_unknown": 1, "not_a_member": 1, "used_below_usage": 1},
        total=10_005,
        others={"unknown@opscenter.invalid": (0, 5)},
    ),
    Fault(
        "nothing but an owner's deputy",
        "UPDATE organization_members SET role = 'admin' WHERE role = 'owner'",
        {"owner_missing": 1},
    ),
    Fault(
        "a settings' odd values",
        "UPDATE organization_credit_pools SET monthly_refresh_amount = -1, allow_overage = true, overage_limit = -5,"
        " overage_rate = 0.015, lifetime_purchased_credits = -3",
        {
            "refresh_amount": 1,
            "overage_allowed": 1,
            "overage_limit": 1,
            "overage_rate": 1,
            "lifetime": 1,
        },
    ),
]


DETAILS = [
    ('{"cost": 1e999}', {"text": '{"cost": 1e999}'}),
    ('{"a": "\\u0041", "b": ' + "[" * 300 + "]" * 300 + "}", None),
    ('{"prompt": "' + "x" * 70_000 + '"}', {"left_out_bytes": 70_014}),
]


@pytest.mark.parametrize(("text", "kept"), DETAILS, ids=["infinite", "deep", "large"])
def test_details_that_can_not_be_kept_stop_nothing(
    migration_files: Predecessor, text: str, kept: dict[str, object] | None
) -> None:
    migration_files.execute(statements("cast"))
    for table, column in (
        ("credit_usage_attribution", "request_metadata"),
        ("org_billing_history", "event_metadata"),
    ):
        migration_files.execute(f"ALTER TABLE {table} ALTER {column} TYPE text")
    migration_files.execute(
        "UPDATE credit_usage_attribution SET request_metadata = %s WHERE request_id = 'req-1'",
        [text],
    )
    migration_files.execute(
        "INSERT INTO org_billing_history (org_id, event_type, event_metadata) VALUES (%s, 'invoice_paid', %s)",
        [ID, text],
    )
    outcome = migration_files.import_()
    assert dict(outcome.mends.rows) == {"details": 2}
    found = Usage.objects.get(org_id=ID, request_id="req-1").metadata
    assert found == ({"text": text} if kept is None else kept)


def test_details_of_many_numbers_are_written_in_parts(migration_files: Predecessor) -> None:
    migration_files.execute(statements("cast"))
    migration_files.execute(
        "INSERT INTO credit_usage_attribution (org_id, user_id, credits_used, service_type, request_metadata)"
        " SELECT %s, %s, 0, 'llm', ('{\"n\": [' || repeat('1,', 20000) || '1]}')::jsonb FROM generate_series(1, 1100)",
        [ID, ALICE],
    )
    assert migration_files.import_(apply=False).charges == 1_102


@pytest.mark.parametrize(
    "done",
    [
        "UPDATE organization_credit_pools SET lifetime_spent_amount = 1e27",
        "UPDATE organization_credit_pools SET overage_rate = 1e27",
        "UPDATE organization_credit_pools SET total_credits = 1e27",
        "UPDATE user_credit_allocations SET used_credits = -1e27",
    ],
)
def test_an_amount_beyond_every_balance_is_refused(migration_files: Predecessor, done: str) -> None:
    migration_files.execute(statements("cast"))
    migration_files.execute(
        "ALTER TABLE organization_credit_pools DROP available_credits, ALTER lifetime_spent_amount TYPE numeric,"
        " ALTER overage_rate TYPE numeric, ALTER total_credits TYPE numeric;"
        "ALTER TABLE user_credit_allocations DROP remaining_credits, ALTER used_credits TYPE numeric;"
        + done
    )
    with pytest.raises(ImportRefusedError, match="more than can be kept here"):
        migration_files.import_()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_mended_to_the_credit(fault: Fault, migration_files: Predecessor) -> None:
    migration_files.execute(statements("cast"))
    migration_files.execute(fault.done)
    outcome = migration_files.import_(**fault.options)
    assert dict(outcome.mends.rows) == fault.mends
    expected = {ALICE: fault.alice, BOB: fault.bob, **fault.others}
    assert balances() == Balances(fault.total, fault.available, expected)
    assert broken() == []
    (compared,) = outcome.organizations
    assert compared.after.total - compared.before.total == outcome.mends.total[ID]
    left = fault.available + sum(one[0] for one in expected.values())
    assert compared.after.spendable == Decimal(left)
