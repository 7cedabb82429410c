"""Ids that a function makes are in the order in which they were made, also within a millisecond."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0018_import_functions_v01")]

    operations = [
        InstallSql(
            "credits", "functions", "time_ordered_id", version=2, drop="public.time_ordered_id()"
        )
    ]
