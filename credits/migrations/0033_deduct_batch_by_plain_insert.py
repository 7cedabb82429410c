"""A batch inserts its rows plainly, for ON CONFLICT costs each a tenth of the whole, and prices each service once."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0032_settle_in_one_call")]

    operations = [
        InstallSql(
            "credits",
            "functions",
            "deduct_batch",
            version=2,
            drop="public.deduct_batch(uuid, jsonb, text)",
        )
    ]
