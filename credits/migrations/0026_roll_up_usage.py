"""The functions that sum usage up, and that begin again from nothing."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0025_note_late_usage")]

    operations = [
        InstallSql(
            "credits", "functions", "roll_up_usage", drop="public.roll_up_usage(uuid, bigint)"
        ),
        InstallSql(
            "credits",
            "functions",
            "forget_usage_rollup",
            drop="public.forget_usage_rollup(uuid)",
        ),
    ]
