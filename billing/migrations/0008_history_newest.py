"""The index by which the audit of all organizations is read, built beside the table's users.

Killed anywhere it can be run again (`manage.py check_schema` names an index left invalid).
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0007_ledger_checks_and_audit")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    model_name="billingevent",
                    index=models.Index(
                        fields=["-created_at", "-id"], name="org_billing_history_newest"
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    "CREATE INDEX CONCURRENTLY IF NOT EXISTS org_billing_history_newest"
                    " ON org_billing_history (created_at DESC, id DESC);",
                    "DROP INDEX CONCURRENTLY IF EXISTS org_billing_history_newest;",
                ),
            ],
        ),
    ]
