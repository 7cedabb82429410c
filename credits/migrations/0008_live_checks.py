"""Checks that holds, refreshes and refunds add to tables in use: unvalidated first, so that nobody waits for a scan."""

import django.db.models.expressions
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

# Django drops a constraint without IF EXISTS; the migration is one transaction, and each check comes back at once.
ABOUT = "-- squawk-ignore-file ban-drop-constraint, prefer-robust-stmts\nSELECT 1;"


class Migration(migrations.Migration):
    dependencies = [("credits", "0007_holds_refusals_overage")]

    operations = [
        migrations.RunSQL(ABOUT, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="usage",
            name="usage_overage_within_credits",
        ),
        migrations.RemoveConstraint(
            model_name="usage",
            name="usage_price_times_quantity",
        ),
        AddConstraintNotValid(
            model_name="creditpool",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("next_refresh_date__isnull", True),
                    models.Q(("monthly_refresh_amount__gt", 0), ("refresh_anchor__isnull", False)),
                    _connector="OR",
                ),
                name="pool_refresh_has_anchor",
            ),
        ),
        AddConstraintNotValid(
            model_name="creditpool",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("alert_threshold_percent__isnull", True),
                        ("alert_threshold_percent__range", (0, 100)),
                        _connector="OR",
                    ),
                    models.Q(
                        ("alert_threshold_credits__isnull", True),
                        ("alert_threshold_credits__gte", 0),
                        _connector="OR",
                    ),
                ),
                name="pool_thresholds_range",
            ),
        ),
        AddConstraintNotValid(
            model_name="journalentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "refresh"), _negated=True),
                    ("period_start__isnull", False),
                    _connector="OR",
                ),
                name="journal_refresh_has_period",
            ),
        ),
        AddConstraintNotValid(
            model_name="journalentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("shortfall_credits__isnull", True),
                    models.Q(("kind", "reset"), ("shortfall_credits__gte", 0)),
                    _connector="OR",
                ),
                name="journal_shortfall_of_reset",
            ),
        ),
        AddConstraintNotValid(
            model_name="usage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("overage_credits__gte", 0),
                        ("overage_credits__lte", models.F("credits_used")),
                        ("refund_of__isnull", True),
                    ),
                    models.Q(
                        ("overage_credits__gte", models.F("credits_used")),
                        ("overage_credits__lte", 0),
                        ("refund_of__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="usage_overage_within_credits",
            ),
        ),
        AddConstraintNotValid(
            model_name="usage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("price_version__isnull", True), ("unit_price__isnull", True)),
                    models.Q(
                        ("price_version__isnull", False),
                        ("unit_price__gte", 0),
                        ("unit_price__isnull", False),
                        models.Q(
                            models.Q(
                                (
                                    "credits_used",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("unit_price"), "*", models.F("quantity")
                                    ),
                                ),
                                ("operation__in", ("deduct", "capture")),
                                ("quantity__gte", 1),
                                ("quantity__isnull", False),
                            ),
                            models.Q(
                                ("operation__in", ("capture", "refund")), ("quantity__isnull", True)
                            ),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="usage_price_times_quantity",
            ),
        ),
        AddConstraintNotValid(
            model_name="usage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("hold_id__isnull", False), ("operation", "capture")),
                    models.Q(
                        models.Q(("operation", "capture"), _negated=True), ("hold_id__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="usage_capture_has_hold",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="journalentry",
            name="journal_remaining_adds_up",
        ),
        AddConstraintNotValid(
            model_name="journalentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("allocation__isnull", True),
                        ("remaining_after__isnull", True),
                        ("remaining_before__isnull", True),
                    ),
                    models.Q(
                        ("allocation__isnull", False),
                        (
                            "remaining_after",
                            django.db.models.expressions.CombinedExpression(
                                models.F("remaining_before"), "+", models.F("credits")
                            ),
                        ),
                        ("remaining_after__isnull", False),
                        ("remaining_before__isnull", False),
                        ("to_bucket", "remaining"),
                    ),
                    models.Q(
                        ("allocation__isnull", False),
                        ("from_bucket", "remaining"),
                        (
                            "remaining_after",
                            django.db.models.expressions.CombinedExpression(
                                models.F("remaining_before"), "-", models.F("credits")
                            ),
                        ),
                        ("remaining_after__isnull", False),
                        ("remaining_before__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="journal_remaining_adds_up",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="journalentry",
            name="journal_reset_has_period",
        ),
        AddConstraintNotValid(
            model_name="journalentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "reset"), _negated=True),
                    models.Q(
                        ("period_start__isnull", False),
                        ("period_used_credits__gte", 0),
                        ("period_used_credits__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="journal_reset_has_period",
            ),
        ),
    ]
