"""The CHECKs of what a charge writes, in fewer words: PostgreSQL reads them anew for each statement.

Each is exchanged in one statement's time for one that refuses the same rows, so there is no moment without it; the
rows are then looked at beside the tables' users. Killed anywhere it can be run again.
"""

from collections.abc import Iterator, Mapping

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models import F, Q, functions, lookups
from django.db.models.expressions import CombinedExpression

from orgbilling.lib.checks import Null, OneOf, Same

# Django drops a constraint without IF EXISTS; each comes back in the same transaction.
ABOUT = "-- squawk-ignore-file ban-drop-constraint, prefer-robust-stmts\nSELECT 1;"

ALLOCATION = {
    "allocation_balances_not_negative": Q(
        lookups.GreaterThanOrEqual(
            functions.Least(
                "budget_credits",
                "used_credits",
                "held_credits",
                "remaining_credits",
                "lifetime_used_credits",
            ),
            0,
        ),
        lookups.LessThanOrEqual(
            functions.Greatest(
                "budget_credits",
                "used_credits",
                "held_credits",
                "remaining_credits",
                "lifetime_used_credits",
            ),
            9000000000000000000,
        ),
    ),
    "allocation_reset_period_known": Q(
        OneOf("reset_period", models.Value("{daily,weekly,monthly,never}"))
    ),
    "allocation_reset_has_date": Q(
        Same(
            lookups.Exact(F("reset_period"), "never"),
            Null(F("next_reset_date"), rhs=True),
        )
    ),
    "allocation_thresholds_range": Q(
        ("alert_threshold_credits__gte", 0), ("alert_threshold_percent__range", (0, 100))
    ),
}
USAGE = {
    "usage_sign_matches_operation": Q(
        OneOf("operation", models.Value("{deduct,capture,refund}")),
        Same(lookups.Exact(F("operation"), "refund"), Null(F("refund_of"), rhs=False)),
        Same(lookups.LessThan(F("credits_used"), 0), Null(F("refund_of"), rhs=False)),
    ),
    "usage_overage_within_credits": Q(
        (
            "overage_credits__range",
            (functions.Least("credits_used", 0), functions.Greatest("credits_used", 0)),
        )
    ),
    "usage_price_times_quantity": Q(
        Q(("price_version__isnull", True), ("unit_price__isnull", True)),
        Q(
            ("price_version__isnull", False),
            ("unit_price__gte", 0),
            ("unit_price__isnull", False),
            Q(
                Q(
                    Q(("operation", "refund"), _negated=True),
                    ("credits_used", CombinedExpression(F("unit_price"), "*", F("quantity"))),
                    ("quantity__gte", 1),
                    ("quantity__isnull", False),
                ),
                Q(Q(("operation", "deduct"), _negated=True), ("quantity__isnull", True)),
                _connector="OR",
            ),
        ),
        _connector="OR",
    ),
    "usage_capture_has_hold": Q(
        Same(lookups.Exact(F("operation"), "capture"), Null(F("hold_id"), rhs=False))
    ),
}


class InOneTransaction(migrations.SeparateDatabaseAndState):
    """Operations of a migration that is none, which are one."""

    atomic = True

    def __init__(self, operations: list[Operation]) -> None:
        super().__init__(database_operations=operations, state_operations=operations)


def exchanged(model: str, checks: Mapping[str, Q]) -> Iterator[Operation]:
    operations: list[Operation] = []
    for name, condition in checks.items():
        check = models.CheckConstraint(condition=condition, name=name)
        operations.append(migrations.RemoveConstraint(model_name=model, name=name))
        operations.append(AddConstraintNotValid(model_name=model, constraint=check))
    yield InOneTransaction(operations)
    for name in checks:
        yield ValidateConstraint(model_name=model, name=name)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("credits", "0033_deduct_batch_by_plain_insert")]

    operations = [
        migrations.RunSQL(ABOUT, migrations.RunSQL.noop),
        *exchanged("allocation", ALLOCATION),
        *exchanged("usage", USAGE),
    ]
