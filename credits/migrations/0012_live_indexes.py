"""Indexes for what the jobs look for, and the one that lets a month be refreshed only once; built beside the tables' users.

Killed anywhere it can be run again: what is there is passed over (`manage.py check_schema` names an index left invalid).
"""

from django.db import migrations, models


def index(name, on, *, unique=False):
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return migrations.RunSQL(
        f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {name} ON {on};",
        f"DROP INDEX CONCURRENTLY IF EXISTS {name};",
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("credits", "0011_guards_and_views_v02")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    model_name="creditpool",
                    index=models.Index(
                        condition=models.Q(("next_refresh_date__isnull", False)),
                        fields=["next_refresh_date"],
                        name="pool_refresh_due_idx",
                    ),
                ),
                migrations.AddIndex(
                    model_name="creditpool",
                    index=models.Index(
                        condition=models.Q(("overage_period_end__isnull", False)),
                        fields=["overage_period_end"],
                        name="pool_overage_due_idx",
                    ),
                ),
                migrations.AddIndex(
                    model_name="usage",
                    index=models.Index(
                        condition=models.Q(("hold_id__isnull", False)),
                        fields=["org", "hold_id"],
                        name="usage_captures_idx",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="journalentry",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("kind", "refresh")),
                        fields=("org", "period_start"),
                        name="journal_one_refresh_a_period",
                    ),
                ),
                migrations.AddIndex(
                    model_name="allocation",
                    index=models.Index(
                        fields=["next_reset_date"],
                        name="allocation_due_idx",
                        condition=models.Q(("is_active", True), ("next_reset_date__isnull", False)),
                    ),
                ),
            ],
            database_operations=[
                index(
                    "pool_refresh_due_idx",
                    "organization_credit_pools (next_refresh_date) WHERE next_refresh_date IS NOT NULL",
                ),
                index(
                    "pool_overage_due_idx",
                    "organization_credit_pools (overage_period_end) WHERE overage_period_end IS NOT NULL",
                ),
                index(
                    "usage_captures_idx",
                    "credit_usage_attribution (org_id, hold_id) WHERE hold_id IS NOT NULL",
                ),
                index(
                    "allocation_due_idx",
                    "user_credit_allocations (next_reset_date) WHERE is_active AND next_reset_date IS NOT NULL",
                ),
                index(
                    "journal_one_refresh_a_period",
                    "credit_journal (org_id, period_start) WHERE kind = 'refresh'",
                    unique=True,
                ),
            ],
        ),
    ]
