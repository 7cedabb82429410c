"""A batch knows a taken key by the key, where it went by a constraint's name, which a cluster may not tell."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0036_refunds_in_one_call")]

    operations = [
        InstallSql(
            "credits",
            "functions",
            "deduct_batch",
            version=3,
            drop="public.deduct_batch(uuid, jsonb, text)",
        )
    ]
