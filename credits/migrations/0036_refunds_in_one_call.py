"""A refund without a key is one call as well: what it did can't be lost between it and a second statement."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

REFUND = "uuid, uuid, uuid, uuid, uuid, bigint, jsonb, text, text, text, bytea, text, boolean"


class Migration(migrations.Migration):
    dependencies = [("credits", "0035_imports_note_late_usage")]

    operations = [
        InstallSql(
            "credits",
            "functions",
            "refund_usage_once",
            version=2,
            drop=f"public.refund_usage_once({REFUND})",
        )
    ]
