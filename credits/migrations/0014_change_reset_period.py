"""A function that changes how often an allocation is filled up, without moving credits."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0013_audit_indexes")]

    operations = [
        InstallSql(
            "credits",
            "functions",
            "change_reset_period",
            version=1,
            drop="public.change_reset_period(uuid, uuid, uuid, text, text)",
        )
    ]
