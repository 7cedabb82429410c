"""A batch asks for the price of each service once, and a cluster plans the foreign keys of its rows once."""

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
