"""A batch inserts its rows plainly: ON CONFLICT costs each of them a tenth of the whole."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0031_periods_after_every_charge")]

    operations = [
        InstallSql(
            "credits",
            "functions",
            "deduct_batch",
            version=2,
            drop="public.deduct_batch(uuid, jsonb, text)",
        )
    ]
