"""Charges of any organizations in one call."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0019_ids_in_order")]
    operations = [
        InstallSql(
            "credits",
            "functions",
            "deduct_many",
            version=1,
            drop="public.deduct_many(jsonb, integer)",
        ),
    ]
