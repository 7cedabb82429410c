"""Indexes by which the audit is read, of one organization and of all, built beside the tables' users.

Killed anywhere it can be run again (`manage.py check_schema` names an index left invalid).
"""

from django.db import migrations, models


def index(name, on):
    return migrations.RunSQL(
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on};",
        f"DROP INDEX CONCURRENTLY IF EXISTS {name};",
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("credits", "0012_live_indexes")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    model_name="journalentry",
                    index=models.Index(fields=["-created_at", "-id"], name="journal_newest_idx"),
                ),
                migrations.AddIndex(
                    model_name="usage",
                    index=models.Index(
                        condition=models.Q(("refund_of__isnull", False)),
                        fields=["org", "-created_at", "-id"],
                        name="usage_refunds_org_newest_idx",
                    ),
                ),
                migrations.AddIndex(
                    model_name="usage",
                    index=models.Index(
                        condition=models.Q(("refund_of__isnull", False)),
                        fields=["-created_at", "-id"],
                        name="usage_refunds_newest_idx",
                    ),
                ),
            ],
            database_operations=[
                index("journal_newest_idx", "credit_journal (created_at DESC, id DESC)"),
                index(
                    "usage_refunds_org_newest_idx",
                    "credit_usage_attribution (org_id, created_at DESC, id DESC)"
                    " WHERE refund_of_id IS NOT NULL",
                ),
                index(
                    "usage_refunds_newest_idx",
                    "credit_usage_attribution (created_at DESC, id DESC)"
                    " WHERE refund_of_id IS NOT NULL",
                ),
            ],
        ),
    ]
